"""Every documented error code, returned by the emulator and converted from the SDK's exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import CODES
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsNotSubscribedError,
    ImsPermissionError,
    ImsRequestError,
    ImsResourceNotFoundError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks._errors import convert_sdk_error
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

ERRORS = [
    ("Throttling", 400, ImsThrottledError),
    ("Throttling.User", 400, ImsThrottledError),
    ("Throttling.Api", 400, ImsThrottledError),
    ("RequestsTooFrequent", 403, ImsThrottledError),
    ("Whatever", 429, ImsThrottledError),
    ("InternalError", 500, ImsUnavailableError),
    ("ServiceUnAvailable", 503, ImsUnavailableError),
    ("ServiceUnavailable", 503, ImsUnavailableError),
    ("Whatever", 502, ImsUnavailableError),
    ("SignatureNonceUsed", 400, ImsUnavailableError),
    ("MissingParameter", 400, ImsRequestError),
    ("InvalidParameter", 400, ImsRequestError),
    ("InvalidParameter.Title", 400, ImsRequestError),
    ("IdempotentParameterMismatch", 400, ImsRequestError),
    ("SessionIdExists", 400, ImsRequestError),
    ("InvalidAction.NotFound", 404, ImsRequestError),
    ("InvalidVersion", 404, ImsRequestError),
    ("UnsupportedHTTPMethod", 400, ImsRequestError),
    ("EmulatorNotImplemented", 400, ImsRequestError),
    ("InvalidRequest", 400, ImsRequestError),
    ("RequestEntityTooLarge", 413, ImsRequestError),
    ("RequestURITooLong", 414, ImsRequestError),
    ("RequestHeaderFieldsTooLarge", 431, ImsRequestError),
    ("OperationDenied", 403, ImsNotSubscribedError),
    ("OperationDenied.Suspended", 403, ImsNotSubscribedError),
    ("Forbidden", 403, ImsPermissionError),
    ("Forbidden.RAM", 403, ImsPermissionError),
    ("NoPermission", 403, ImsPermissionError),
    ("ResourceNotFound", 404, ImsResourceNotFoundError),
    ("ResourceNotFound.Template", 404, ImsResourceNotFoundError),
    ("InvalidVideo.NotFound", 404, ImsResourceNotFoundError),
    ("JobNotFound", 400, ImsResourceNotFoundError),
    ("ProjectNotFound", 404, ImsResourceNotFoundError),
    ("NoSuchResource", 404, ImsResourceNotFoundError),
    ("Whatever", 404, ImsResourceNotFoundError),
    ("SignatureDoesNotMatch", 400, ImsCredentialsError),
    ("IncompleteSignature", 400, ImsCredentialsError),
    ("InvalidAccessKeyId.NotFound", 404, ImsCredentialsError),
    ("InvalidAccessKeyId.Inactive", 403, ImsCredentialsError),
    ("InvalidSecurityToken.Expired", 400, ImsCredentialsError),
    ("InvalidTimeStamp.Expired", 400, ImsCredentialsError),
]
CODELESS = [(400, ImsRequestError), (403, ImsRequestError), (404, ImsRequestError), (429, ImsThrottledError)]
CODELESS += [(500, ImsUnavailableError), (503, ImsUnavailableError)]


def error_from(hook: ImsHook | VodHook, action: str, params: dict[str, Any] | None = None) -> ImsError:
    with pytest.raises(ImsError) as caught:
        hook.call(action, params or {}, attempts=1, throttle_timeout=0)
    return caught.value


@pytest.mark.parametrize(("code", "status", "kind"), ERRORS)
def test_each_code_raises_its_error(
    ims: ImsHook, emulator: ImsEmulator, code: str, status: int, kind: type[ImsError]
) -> None:
    emulator.fault("SubmitTextGenerateJob", "error", code=code, status=status, message="The service's message.")
    error = error_from(ims, "SubmitTextGenerateJob")
    assert type(error) is kind
    assert (error.action, error.code) == ("SubmitTextGenerateJob", code)
    assert error.request_id == emulator.requests()[0]["request_id"]
    if kind is not ImsCredentialsError:
        assert "The service's message." in str(error)


def test_the_table_contains_every_code_of_the_emulator_or_its_prefix_except_four() -> None:
    known = {code for code, _, _ in ERRORS}
    assert {code for code in CODES if code not in known and code.partition(".")[0] not in known} == {
        "InvalidBearerToken",
        "InvalidSecurityToken.Malformed",
        "InvalidSecurityToken.MismatchWithAccessKey",
        "InvalidTimeStamp.Format",
    }


@pytest.mark.parametrize(("status", "kind"), CODELESS)
def test_an_error_without_a_code_is_classified_by_its_status(wire: Any, status: int, kind: type[ImsError]) -> None:
    wire.answer('{"detail":"Not Found"}', status)
    error = error_from(ImsHook(), "ListSmartJobs")
    # Not ImsResourceNotFoundError: the service always sends a code, so this response is from another server.
    assert type(error) is kind
    assert error.code is None
    assert f"HTTP status {status}" in str(error)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", "", "[]", '"no"', "null"])
def test_an_error_body_that_is_not_a_json_object_raises_unavailable(wire: Any, status: int, body: str) -> None:
    wire.answer(body, status)
    error = error_from(ImsHook(), "ListSmartJobs")
    assert type(error) is ImsUnavailableError
    assert "not the service's JSON" in str(error)


@pytest.mark.parametrize("action", ["SubmitTextGenerateJob", "ListSmartJobs"])
@pytest.mark.parametrize("status", [413, 414, 431])
@pytest.mark.parametrize("body", ["<html>Request-URI Too Large</html>", "", "null", '{"detail":"too large"}'])
def test_a_request_that_is_too_large_is_rejected_and_sent_once(wire: Any, action: str, status: int, body: str) -> None:
    wire.answer(body, status)
    with pytest.raises(ImsRequestError, match=f"HTTP status {status}: the request is too large") as caught:
        ImsHook().call(action, {})
    assert caught.value.action == action
    assert len(wire.received) == 1


@pytest.mark.parametrize("status", [413, 414, 431])
def test_the_service_may_explain_that_a_request_is_too_large(wire: Any, status: int) -> None:
    wire.answer(json.dumps({"Code": "RequestTooLarge", "Message": "Shorten it.", "RequestId": "r"}), status)
    error = error_from(ImsHook(), "SubmitTextGenerateJob")
    assert type(error) is ImsRequestError
    assert (error.message, error.code) == ("The service rejected the request: Shorten it.", "RequestTooLarge")


def test_an_error_whose_http_status_cannot_be_found_raises_unavailable() -> None:
    error = convert_sdk_error(ValueError("no JSON"), "SubmitTextGenerateJob", "ice:x", "host")
    assert type(error) is ImsUnavailableError
    assert error.accepted is None


@pytest.mark.parametrize("message", [None, 7, {"a": 1}, ["a"], "", "\ud800"])
def test_a_message_that_is_not_a_string_is_converted(wire: Any, message: object) -> None:
    wire.answer(json.dumps({"Code": "Forbidden", "Message": message, "RequestId": message}), 403)
    error = error_from(ImsHook(), "ListSmartJobs")
    assert type(error) is ImsPermissionError
    assert error.request_id is None or isinstance(error.request_id, str)
    f"{error} {error.request_id}".encode()


def test_the_error_for_an_invalid_parameter_contains_its_field(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault("*", "error", code="InvalidParameter.Title", status=400)
    error = error_from(ims, "SubmitTextGenerateJob")
    assert isinstance(error, ImsRequestError)
    assert error.field == "Title"


@pytest.mark.parametrize("detail", [True, False])
@pytest.mark.parametrize("code", ["Forbidden.RAM", "NoPermission"])
def test_the_error_for_a_denied_request_contains_the_ram_action_to_grant(
    ims: ImsHook, vod: VodHook, emulator: ImsEmulator, code: str, detail: bool
) -> None:
    emulator.fault("*", "deny", count=2, code=code, detail=detail)
    for hook, action, ram_action in (
        (ims, "SubmitTextGenerateJob", "ice:SubmitTextGenerateJob"),
        (vod, "SubmitAIImageJob", "vod:SubmitAIImageJob"),
    ):
        error = error_from(hook, action)
        assert isinstance(error, ImsPermissionError)
        assert error.ram_action == ram_action
        assert f"grant the RAM action {ram_action} to the identity of the connection" in str(error)
        principal = " (SubUser ims-emulator of account 1974526429000000)"
        assert (principal in str(error)) is detail


@pytest.mark.parametrize("name", [None, "", {"a": 1}])
def test_the_principal_of_a_denied_request_may_be_missing(wire: Any, name: object) -> None:
    denied = {"AuthPrincipalDisplayName": name, "AuthPrincipalOwnerId": "1"} if name != {"a": 1} else [name]
    wire.answer(json.dumps({"Code": "Forbidden", "Message": "No.", "AccessDeniedDetail": denied}), 403)
    assert str(error_from(ImsHook(), "ListSmartJobs")).partition(" (action")[0].endswith("identity of the connection")


@pytest.mark.parametrize("kind", ["not_subscribed", "suspended"])
def test_the_error_for_an_account_without_a_subscription_contains_the_reason(
    ims: ImsHook, emulator: ImsEmulator, kind: str
) -> None:
    emulator.fault("*", kind)
    assert "no subscription to this feature, or is suspended" in str(error_from(ims, "SubmitTextGenerateJob"))


def test_a_wrong_signature_does_not_expose_the_string_to_sign(
    emulator: ImsEmulator, connect: Callable[..., None], text_job: dict[str, str]
) -> None:
    connect(emulator, password="not-the-secret")
    error = error_from(ImsHook(), "SubmitTextGenerateJob", text_job)
    assert isinstance(error, ImsCredentialsError)
    assert error.code == "SignatureDoesNotMatch"
    assert "the AccessKey secret is wrong: check the connection's password" in str(error)
    for hidden in ("StringToSign", "not-the-secret", "ACS3-HMAC", "新店"):
        assert hidden not in str(error)


def test_an_unknown_access_key_raises_a_credentials_error(emulator: ImsEmulator, connect: Callable[..., None]) -> None:
    connect(emulator, login="LTAI-nobody")
    error = error_from(ImsHook(), "ListSmartJobs")
    assert isinstance(error, ImsCredentialsError)
    assert error.code == "InvalidAccessKeyId.NotFound"


@pytest.mark.parametrize("kind", ["throttle", "server_error", "deny", "non_json", "cut", "not_subscribed"])
def test_no_error_contains_secrets_or_parameters(
    ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str], kind: str
) -> None:
    emulator.fault("*", kind)
    error = error_from(ims, "SubmitTextGenerateJob", text_job)
    shown = f"{error} {error!r} {vars(error)}"
    for hidden in (emulator.access_key_secret, emulator.access_key_id, "新店", "keywords", "Signature"):
        assert hidden not in shown
    assert error.__context__ is None


@pytest.mark.newest_sdk
def test_the_error_for_a_throttled_request_contains_retry_after(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault("*", "throttle", retry_after=7)
    error = error_from(ims, "ListSmartJobs")
    assert isinstance(error, ImsThrottledError)
    assert error.retry_after == 7
