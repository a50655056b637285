from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_ice20201109.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiRequest
from airflow_provider_ims.emulator.server.signature import canonical_request
from airflow_provider_ims.emulator.server.verifier import CLOCK_SKEW, Verifier

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.models import Config
    from support.emulated import SignedClient

LIST = "ListSmartJobs"


def date(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def code(response: tuple[int, Any]) -> tuple[int, str]:
    return response[0], response[1]["Code"]


def test_a_correct_signature_is_accepted(send: SignedClient) -> None:
    status, body = send(LIST, {"MaxResults": "5", "SortBy": "CreationTime:Asc"}, method="GET")
    assert status == 200, body


def test_the_hash_of_the_canonical_request_equals_the_one_computed_with_openssl() -> None:
    headers = {"host": "ice.cn-shanghai.aliyuncs.com", "x-acs-action": "ListSmartJobs"}
    request = ApiRequest("GET", "/", headers, [("b", "x y*~"), ("a", "蛋糕")], [], b"")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    canonical = canonical_request(request, ["x-acs-action", "host"], digest)
    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "658dbbf6c1f2a7c95ff74be098d1436dd3084fb7acdd6b44e0764cef0fe59a21"
    )


def test_a_wrong_secret_is_rejected_with_the_canonical_request(send: SignedClient) -> None:
    status, body = send(LIST, {"MaxResults": "5"}, secret="wrong")
    assert (status, body["Code"]) == (400, "SignatureDoesNotMatch")
    pattern = r"server StringToSign is \[ACS3-HMAC-SHA256\n(\w{64})\] server CanonicalRequest is \[(.*)\]"
    match = re.search(pattern, body["Message"], re.DOTALL)
    assert match is not None
    assert hashlib.sha256(match[2].encode()).hexdigest() == match[1]
    assert match[2].startswith(f"POST\n/\nMaxResults=5\nhost:{send.endpoint}\nx-acs-action:ListSmartJobs\n")


def test_an_unknown_access_key_is_not_found(send: SignedClient) -> None:
    assert code(send(LIST, key_id="LTAI-other")) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW - 5, CLOCK_SKEW + 5])
def test_a_date_more_than_fifteen_minutes_off_is_rejected(send: SignedClient, seconds: float) -> None:
    assert code(send(LIST, headers={"x-acs-date": date(seconds)})) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW + 60, CLOCK_SKEW - 60])
def test_a_date_less_than_fifteen_minutes_off_is_accepted(send: SignedClient, seconds: float) -> None:
    assert send(LIST, headers={"x-acs-date": date(seconds)})[0] == 200


def test_the_date_is_compared_with_real_time_and_not_with_the_job_clock(
    emulator: ImsEmulator, send: SignedClient
) -> None:
    emulator.advance(10 * CLOCK_SKEW)
    assert send(LIST)[0] == 200


def test_a_date_in_another_format_is_rejected(send: SignedClient) -> None:
    assert code(send(LIST, headers={"x-acs-date": "yesterday"})) == (400, "InvalidTimeStamp.Format")


def test_a_nonce_is_accepted_once(send: SignedClient) -> None:
    nonce = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert send(LIST, headers=nonce)[0] == 200
    assert code(send(LIST, headers=nonce)) == (400, "SignatureNonceUsed")


def test_a_rejected_request_does_not_consume_its_nonce(send: SignedClient) -> None:
    nonce = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert send(LIST, headers=nonce, secret="wrong")[0] == 400
    assert send(LIST, headers=nonce)[0] == 200


@pytest.mark.parametrize(
    "header", ["x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "x-acs-action", "x-acs-version"]
)
def test_the_error_for_a_missing_header_contains_its_name(send: SignedClient, header: str) -> None:
    status, body = send(LIST, headers={header: None})
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert header in body["Message"]


def test_a_request_without_authorization_is_rejected(send: SignedClient) -> None:
    status, body = send(LIST, headers={"authorization": ""})
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert "Authorization" in body["Message"]


@pytest.mark.parametrize(
    "text", ["Basic abc", "ACS3-HMAC-SHA256 Credential=a", "ACS3-HMAC-SM3 Credential=a,SignedHeaders=b,Signature=c"]
)
def test_a_malformed_authorization_is_rejected(send: SignedClient, text: str) -> None:
    assert code(send(LIST, headers={"authorization": text})) == (400, "IncompleteSignature")


@pytest.mark.parametrize("header", ["host", "x-acs-action", "x-acs-date"])
def test_an_unsigned_required_header_is_rejected(send: SignedClient, header: str) -> None:
    status, body = send(LIST, unsigned=(header,))
    assert (status, body["Code"]) == (400, "IncompleteSignature")
    assert header in body["Message"]


def test_a_missing_signed_header_is_rejected(send: SignedClient) -> None:
    authorization = (
        f"ACS3-HMAC-SHA256 Credential={send.key_id},SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-lost;x-acs-signature-nonce;x-acs-version,Signature=00"
    )
    status, body = send(LIST, headers={"authorization": authorization})
    assert (status, body["Code"]) == (400, "IncompleteSignature")
    assert "x-acs-lost" in body["Message"]


def test_a_body_that_differs_from_the_signed_body_is_rejected(send: SignedClient) -> None:
    response = send("SubmitAIImageJob", form={"VideoId": "v", "AITemplateId": "t"}, body=b"VideoId=w&AITemplateId=t")
    assert code(response) == (400, "SignatureDoesNotMatch")


def test_an_sts_credential_is_accepted(send: SignedClient) -> None:
    assert send(LIST, key_id="STS.key", secret="sts-secret", token="sts-token")[0] == 200


@pytest.mark.parametrize(
    ("key_id", "secret", "token", "expected"),
    [
        ("STS.key", "sts-secret", None, (404, "InvalidAccessKeyId.NotFound")),
        ("STS.none", "sts-secret", "sts-token", (404, "InvalidAccessKeyId.NotFound")),
        ("STS.key", "sts-secret", "garbage", (400, "InvalidSecurityToken.Malformed")),
        ("STS.key", "sts-secret", "old-token", (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        ("STS.old", "old-secret", "old-token", (400, "InvalidSecurityToken.Expired")),
        ("STS.key", "wrong", "sts-token", (400, "SignatureDoesNotMatch")),
    ],
)
def test_an_invalid_sts_credential_is_rejected_with_its_error_code(
    send: SignedClient, key_id: str, secret: str, token: str | None, expected: tuple[int, str]
) -> None:
    assert code(send(LIST, key_id=key_id, secret=secret, token=token)) == expected


def test_the_token_must_be_signed(send: SignedClient) -> None:
    response = send(LIST, key_id="STS.key", secret="sts-secret", token="sts-token", unsigned=("x-acs-security-token",))
    assert code(response) == (400, "IncompleteSignature")


def test_a_request_that_the_sdk_signs_with_sts_credentials_is_accepted(
    emulator: ImsEmulator, config: Callable[..., Config]
) -> None:
    client = Client(
        config(emulator, access_key_id="STS.key", access_key_secret="sts-secret", security_token="sts-token")
    )
    assert client.list_smart_jobs(models.ListSmartJobsRequest()).body.request_id


def test_the_sdk_reports_a_wrong_secret_as_a_client_exception(
    emulator: ImsEmulator, config: Callable[..., Config]
) -> None:
    client = Client(config(emulator, access_key_secret="wrong"))
    with pytest.raises(ClientException) as caught:
        client.list_smart_jobs(models.ListSmartJobsRequest())
    assert caught.value.code == "SignatureDoesNotMatch"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40))
def test_the_sdk_and_the_emulator_agree_on_the_encoding_of_any_text(sdk: Callable[..., Any], text: str) -> None:
    body = sdk("ListBatchMediaProducingJobs", JobType=text)
    assert body.editing_batch_job_list == []


def test_nonces_are_deleted_after_their_date_would_be_rejected() -> None:
    now = [1_000_000.0]
    verifier = Verifier({"id": "secret"}, now=lambda: now[0])
    nonce = ("id", "nonce")
    verifier._use_nonce(nonce)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        verifier._use_nonce(nonce)
    now[0] += 2 * CLOCK_SKEW + 1
    verifier._use_nonce(nonce)
    assert len(verifier._nonces) == len(verifier._nonce_ages) == 1
