"""Every credential type: its connection, the source of its credentials, and a call that the emulator accepts."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.utils import auth_util
from support.credential_sources import METADATA_HOST, CredentialSources
from support.waiting import CEILING

from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.blocking import wait_for_job
from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsError, ImsPermissionError, ImsUnavailableError
from airflow_provider_ims.hooks import _credentials_provider as credentials_provider
from airflow_provider_ims.hooks._credentials_provider import CachingCredentialsProvider
from airflow_provider_ims.hooks.ims import ImsHook

FIRST = StsCredential("STS.first", "first-secret", "first-token")
SECOND = StsCredential("STS.second", "second-secret", "second-token")
SESSION = StsCredential("session-key", "session-secret", "")
TEXT = {"GenerateConfig": '{"originText":"a"}'}
#: The types whose credentials are renewed.
RENEWED = ("ram_role_arn", "oidc_role_arn", "ecs_ram_role", "credentials_uri")


@pytest.fixture
def sources(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[CredentialSources]:
    """Yield a server that implements STS over HTTPS."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    with CredentialSources(FIRST, {"key": "wire-secret"}).serving(certificate) as sources:
        yield sources


@pytest.fixture
def plain_sources() -> Iterator[CredentialSources]:
    """Yield a server that implements the sources that use HTTP."""
    with CredentialSources(FIRST).serving() as sources:
        yield sources


@pytest.fixture
def service(certificate: tuple[str, str]) -> Iterator[ImsEmulator]:
    """Yield an emulator that accepts temporary credentials. It uses HTTPS, so the proxy for HTTP does not affect it."""
    with ImsEmulator(
        tls_cert=certificate[0],
        tls_key=certificate[1],
        clock="manual",
        durations={"SubmitTextGenerateJob": 60},
        sts_tokens=[FIRST, SECOND, SESSION],
        bearer_tokens=["bearer-token"],
    ) as emulator:
        yield emulator


@pytest.fixture
def use(
    service: ImsEmulator,
    connect: Callable[..., None],
    certificate: tuple[str, str],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], CredentialSources | None]:
    """Define a connection of a credential type, and return its source."""

    def use(kind: str) -> CredentialSources | None:
        over_http = {"ecs_ram_role", "credentials_uri"}
        has_source = kind in (*RENEWED, "rsa_key_pair")
        name = "plain_sources" if kind in over_http else "sources"
        source: CredentialSources | None = request.getfixturevalue(name) if has_source else None
        host = source.host if source else ""
        (tmp_path / "token").write_text("oidc-token")
        (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
        fields: dict[str, dict[str, Any]] = {
            "access_key": {"login": service.access_key_id, "password": service.access_key_secret},
            "sts": {"login": "STS.first", "password": "first-secret", "security_token": "first-token"},
            "ram_role_arn": {
                "login": "key",
                "password": "wire-secret",
                "role_arn": "acs:ram::1:role/media",
                "role_session_name": "airflow",
                "role_session_expiration": "1800",
                "policy": {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ice:*", "Resource": "*"}]},
                "external_id": "external",
                "sts_endpoint": host,
            },
            "oidc_role_arn": {
                "role_arn": "acs:ram::1:role/media",
                "oidc_provider_arn": "acs:ram::1:oidc-provider/k8s",
                "oidc_token_file_path": str(tmp_path / "token"),
                "sts_endpoint": host,
            },
            "ecs_ram_role": {},
            "rsa_key_pair": {
                "public_key_id": "pair",
                "private_key_file": str(tmp_path / "key.pem"),
                "sts_endpoint": host,
            },
            "credentials_uri": {"credentials_uri": f"http://{host}/credentials"},
            "bearer": {"bearer_token": "bearer-token"},
        }
        if kind == "ecs_ram_role":
            # The address of the metadata service is fixed in the SDK, so a proxy redirects the requests.
            monkeypatch.setenv("HTTP_PROXY", f"http://{host}")
            monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "false")
        if kind == "rsa_key_pair" and source:
            source.credential, source.keys = SESSION, {"pair": "-----BEGIN PRIVATE KEY-----"}
        connection = {"login": "", "password": "", **fields[kind]}
        connect(service, credential_type=kind, ca=certificate[0], **connection)
        return source

    return use


@pytest.mark.parametrize(
    ("kind", "key_id"),
    [
        ("access_key", "LTAI-ims-emulator"),
        ("sts", "STS.first"),
        ("ram_role_arn", "STS.first"),
        ("oidc_role_arn", "STS.first"),
        ("ecs_ram_role", "STS.first"),
        ("rsa_key_pair", "session-key"),
        ("credentials_uri", "STS.first"),
        ("bearer", "bearer"),
    ],
)
def test_each_credential_type_signs_a_call(
    service: ImsEmulator, use: Callable[[str], CredentialSources | None], kind: str, key_id: str
) -> None:
    source = use(kind)
    hook = ImsHook()
    for _ in range(2):
        assert "SmartJobList" in hook.call("ListSmartJobs", {}, attempts=1)
    # The emulator accepts the AccessKey ID of temporary credentials only with their token.
    assert [(sent["access_key_id"], sent["status"]) for sent in service.requests()] == [(key_id, 200)] * 2
    if source is not None:
        asked = [request for request in source.received if request.method == "GET"]
        assert len(asked) == (2 if kind == "ecs_ram_role" else 1), "the second call uses the cached credentials"


def test_the_role_is_assumed_with_the_fields_of_the_connection(use: Callable[[str], CredentialSources | None]) -> None:
    source = use("ram_role_arn")
    assert source is not None
    ImsHook().call("ListSmartJobs", {}, attempts=1)
    asked = source.received[0].query
    assert {
        name: asked[name] for name in ("RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy")
    } == {
        "RoleArn": "acs:ram::1:role/media",
        "RoleSessionName": "airflow",
        "DurationSeconds": "1800",
        "ExternalId": "external",
        "Policy": '{"Version":"1","Statement":[{"Effect":"Allow","Action":"ice:*","Resource":"*"}]}',
    }


def test_the_metadata_service_is_called_at_its_address(use: Callable[[str], CredentialSources | None]) -> None:
    source = use("ecs_ram_role")
    assert source is not None
    ImsHook().call("ListSmartJobs", {}, attempts=1)
    assert {request.host for request in source.received} == {METADATA_HOST}


@pytest.mark.parametrize(("kind", "secret"), [("oidc_role_arn", "oidc-token"), ("ram_role_arn", "wire-secret")])
def test_no_secret_of_an_sts_request_is_logged(
    use: Callable[[str], CredentialSources | None], caplog: pytest.LogCaptureFixture, kind: str, secret: str
) -> None:
    use(kind)
    with caplog.at_level(logging.DEBUG):
        ImsHook().call("ListSmartJobs", {}, attempts=1)
    assert "ListSmartJobs" in caplog.text or "urllib3" in caplog.text
    for hidden in (secret, "first-secret", "first-token"):
        assert hidden not in caplog.text


def test_a_wrong_bearer_token_is_rejected(
    service: ImsEmulator, connect: Callable[..., None], certificate: tuple[str, str]
) -> None:
    connect(service, login="", password="", bearer_token="another", ca=certificate[0])
    with pytest.raises(ImsCredentialsError, match="does not accept the bearer token"):
        ImsHook().call("ListSmartJobs", {}, attempts=1)


@pytest.mark.parametrize("kind", RENEWED)
def test_credentials_are_renewed_during_a_wait(
    certificate: tuple[str, str],
    use: Callable[[str], CredentialSources | None],
    connect: Callable[..., None],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = use(kind)
    assert source is not None
    # The credentials expire late enough for a busy machine, and early enough for a renewal at every call.
    monkeypatch.setattr(credentials_provider, "RENEWAL_INTERVAL", CEILING)
    short = StsCredential("STS.short", "short-secret", "short-token", expires=int(time.time()) + CEILING)
    source.credential = short
    with ImsEmulator(
        tls_cert=certificate[0],
        tls_key=certificate[1],
        clock="manual",
        durations={"SubmitTextGenerateJob": 60},
        sts_tokens=[short, SECOND],
    ) as service:
        hook = ImsHook()
        hook.settings.endpoints["ice"] = service.endpoint  # type: ignore[index]
        job_id = hook.call("SubmitTextGenerateJob", TEXT, attempts=1)["JobId"]

        def passing(seconds: float) -> None:
            time.sleep(0.02)
            sent = service.requests("GetSmartHandleJob")
            if sent:
                source.credential = SECOND
            if sent and sent[-1]["access_key_id"] == "STS.second":
                if short.expires:
                    # From now on, the first credentials are rejected.
                    object.__setattr__(short, "expires", 0.0)
                else:
                    service.finish(job_id)

        job = wait_for_job(
            SMART,
            hook,
            job_id,
            poll_interval=1,
            timeout=CEILING,
            emit=lambda _: None,
            sleep=passing,
        )
        sent = service.requests("GetSmartHandleJob")
    assert job.id == job_id
    assert {request["status"] for request in sent} == {200}
    used = [request["access_key_id"] for request in sent]
    assert used == sorted(used, key="STS.second".__eq__), "after a renewal, the first credentials are not used again"
    assert set(used) == {"STS.short", "STS.second"}


DENIALS: list[tuple[str, Any, type[ImsError], str]] = [
    ("ram_role_arn", (404, {"Code": "EntityNotExist.Role"}), ImsCredentialsError, "check role_arn"),
    ("ram_role_arn", (403, {"Code": "NoPermission"}), ImsPermissionError, "sts:AssumeRole"),
    ("ram_role_arn", (503, {"Code": "ServiceUnavailable"}), ImsUnavailableError, "HTTP status 503"),
    ("ram_role_arn", (400, {"Code": "Throttling.User"}), ImsUnavailableError, "HTTP status 400"),
    ("ram_role_arn", (200, "<html>"), ImsUnavailableError, "unexpected response format"),
    ("oidc_role_arn", (401, {"Code": "AuthenticationFail.OIDCToken.Expired"}), ImsCredentialsError, "oidc_token_file"),
    ("ecs_ram_role", (404, ""), ImsCredentialsError, "attach a RAM role to this machine"),
    ("credentials_uri", (200, {"Code": "Failed"}), ImsCredentialsError, "a response without credentials"),
]


@pytest.mark.parametrize(("kind", "refusal", "error", "expected"), DENIALS)
def test_an_error_of_a_source_is_reported(
    use: Callable[[str], CredentialSources | None], kind: str, refusal: Any, error: type[ImsError], expected: str
) -> None:
    source = use(kind)
    assert source is not None
    source.refusal = refusal
    with pytest.raises(error, match="Could not obtain credentials") as failed:
        ImsHook().call("SubmitTextGenerateJob", TEXT, attempts=1)
    assert expected in str(failed.value)
    assert failed.value.action == "SubmitTextGenerateJob"
    assert getattr(failed.value, "accepted", False) is False


@pytest.mark.parametrize("kind", RENEWED)
def test_an_unreachable_source_is_retried_and_the_error_contains_its_address(
    use: Callable[[str], CredentialSources | None],
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    source = use(kind)
    assert source is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        unreachable = f"127.0.0.1:{taken.getsockname()[1]}"
        hook = ImsHook()
        credential: dict[str, Any] = hook.settings.credential  # type: ignore[assignment]
        if kind == "credentials_uri":
            credential["credentials_uri"] = f"http://{unreachable}/credentials?token=uri-secret"
        elif kind == "ecs_ram_role":
            monkeypatch.setenv("HTTP_PROXY", f"http://{unreachable}")
        else:
            credential["sts_endpoint"] = unreachable
        with caplog.at_level(logging.INFO), pytest.raises(ImsUnavailableError) as failed:
            hook.call("SubmitTextGenerateJob", TEXT, attempts=2)
    assert failed.value.accepted is False
    assert (METADATA_HOST if kind == "ecs_ram_role" else unreachable) in str(failed.value)
    assert len(pauses) == 1
    for secret in ("wire-secret", "oidc-token", "uri-secret", "Signature"):
        assert secret not in f"{failed.value!r} {failed.value} {caplog.text}"


def test_a_wrong_secret_for_sts_is_reported_without_the_string_to_sign(
    use: Callable[[str], CredentialSources | None], caplog: pytest.LogCaptureFixture
) -> None:
    source = use("ram_role_arn")
    assert source is not None
    source.keys["key"] = "another"
    with pytest.raises(ImsCredentialsError, match="the AccessKey secret is wrong") as failed:
        ImsHook().call("ListSmartJobs", {}, attempts=1)
    assert "string to sign" not in f"{failed.value!r} {caplog.text}"


@pytest.mark.parametrize("kind", ["oidc_role_arn", "rsa_key_pair"])
def test_the_error_for_a_missing_file_contains_its_path(
    use: Callable[[str], CredentialSources | None], tmp_path: Path, kind: str
) -> None:
    use(kind)
    (tmp_path / "token").unlink()
    (tmp_path / "key.pem").unlink()
    works, message = ImsHook().test_connection()
    assert not works
    assert str(tmp_path) in message


class Source:
    """A provider of the SDK that returns credentials with a given lifetime, or raises an error."""

    def __init__(self) -> None:
        self.calls = 0
        self.lifetime = 3600.0
        self.error: Exception | None = None
        self.clock = 1_000_000.0

    def get_credentials(self) -> Any:
        from alibabacloud_credentials.provider.refreshable import Credentials

        self.calls += 1
        if self.error:
            raise self.error
        return Credentials(access_key_id=f"key-{self.calls}", expiration=int(self.clock + self.lifetime))

    def get_provider_name(self) -> str:
        return "source"


def caching(source: Source) -> CachingCredentialsProvider:
    return CachingCredentialsProvider(source, "ram_role_arn", now=lambda: source.clock)


def test_cached_credentials_are_used_until_they_expire_while_renewals_fail() -> None:
    source = Source()
    credentials = caching(source)
    first = credentials.get_credentials()
    source.error = RuntimeError("down")
    source.clock += 3000
    assert credentials.get_credentials() is first
    calls = source.calls
    assert credentials.get_credentials() is first
    assert source.calls == calls, "the renewal is not retried at once"
    source.clock += 599
    assert credentials.get_credentials() is first
    source.clock += 1
    with pytest.raises(ImsUnavailableError):
        credentials.get_credentials()
    source.error = None
    assert credentials.get_credentials() is not first


def test_expired_credentials_of_a_source_are_not_used() -> None:
    source = Source()
    source.lifetime = -1
    with pytest.raises(ImsUnavailableError, match="expired credentials"):
        caching(source).get_credentials()
