from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_ice20201109.client import Client
from darabonba.runtime import RuntimeOptions
from support.emulated import GOOD_REQUESTS, SignedClient
from support.receiver import processed
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.server import notifier

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.models import Config

AUDIO, GET, LIST = "SubmitAudioProduceJob", "GetSmartHandleJob", "ListSmartJobs"


def test_a_request_line_can_contain_ten_thousand_chinese_characters(
    emulator: ImsEmulator, sdk: Callable[..., Any]
) -> None:
    text = "说起郭德纲，他现在火得一塌糊涂。" * 625
    job_id = sdk(AUDIO, GOOD_REQUESTS[AUDIO], InputConfig=text).job_id
    assert len(text) == 10_000
    assert sdk(GET, JobId=job_id).smart_job_info.input_config.input_file == text
    assert emulator.requests(AUDIO)[0]["in_query"] == ["EditingConfig", "InputConfig", "OutputConfig"]


@pytest.mark.parametrize(
    ("action", "options", "status", "code"),
    [
        ("SubmitNothing", {}, 404, "InvalidAction.NotFound"),
        ("GetAIImageJobs", {"version": "2020-11-09"}, 404, "InvalidAction.NotFound"),
        (LIST, {"path": "/elsewhere"}, 404, "InvalidAction.NotFound"),
        (LIST, {"version": "2014-06-18"}, 404, "InvalidVersion"),
        (LIST, {"method": "PUT"}, 403, "UnsupportedHTTPMethod"),
    ],
)
def test_an_unknown_action_returns_the_documented_error(
    emulator: ImsEmulator, send: SignedClient, action: str, options: dict[str, Any], status: int, code: str
) -> None:
    actual_status, body = send(action, **options)
    assert (actual_status, body["Code"]) == (status, code)
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["RequestId"] == emulator.requests()[-1]["request_id"] == body["RequestId"].upper()


def test_every_response_has_a_different_request_id(send: SignedClient) -> None:
    assert len({send(LIST)[1]["RequestId"] for _ in range(5)}) == 5


@pytest.mark.parametrize("query", ["a=%FF", "a=\xff", "&".join(f"a{n}=" for n in range(1001))])
def test_an_invalid_query_is_a_bad_request(emulator: ImsEmulator, query: str) -> None:
    host, port = emulator.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=CEILING) as connection:
        connection.sendall(f"GET /?{query} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode("latin-1"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400")


def test_several_emulators_in_one_process_are_independent() -> None:
    with ImsEmulator() as one, ImsEmulator(access_keys={"other": "other-secret"}) as two:
        assert one.url != two.url
        assert SignedClient.of(one)(AUDIO, GOOD_REQUESTS[AUDIO])[0] == 200
        assert SignedClient.of(two)(LIST, key_id=one.access_key_id, secret=one.access_key_secret)[0] == 404
        assert (len(one.jobs()), len(two.jobs())) == (1, 0)


def test_a_stopped_emulator_refuses_connections_and_can_be_stopped_again() -> None:
    emulator = ImsEmulator().start()
    with pytest.raises(RuntimeError, match="already running"):
        emulator.start()
    idle = socket.create_connection((emulator.endpoint.split(":")[0], int(emulator.endpoint.split(":")[1])))
    emulator.stop()
    emulator.stop()
    with idle, contextlib.suppress(ConnectionResetError):
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        emulator.health()


def test_a_used_port_raises_an_error_at_the_start(emulator: ImsEmulator) -> None:
    with pytest.raises(OSError, match="in use"):
        ImsEmulator(port=int(emulator.endpoint.split(":")[1])).start()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"durations": {"ListSmartJobs": 1}}, "is not a submit action"),
        ({"durations": {AUDIO: -1}}, "duration"),
        ({"clock": "sundial"}, "clock"),
    ],
)
def test_invalid_options_raise_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImsEmulator(**options).start()


def test_the_job_clock_can_follow_real_time() -> None:
    with ImsEmulator(durations={AUDIO: 3600}) as emulator:
        job_id = SignedClient.of(emulator)(AUDIO, GOOD_REQUESTS[AUDIO])[1]["JobId"]
        now = emulator.health()["time"]
        assert abs(now - datetime.now(UTC).timestamp()) < 60
        assert emulator.jobs()[0]["state"] == "Created"
        emulator.advance(1800)
        assert SignedClient.of(emulator)(GET, {"JobId": job_id})[1]["State"] == "Executing"
        emulator.advance(1800)
        assert emulator.jobs()[0]["state"] == "Finished"


def test_the_connection_uri_contains_everything_that_a_client_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.models import Connection
    from airflow.sdk import Connection as SdkConnection

    keys = {"key/id+?": "sec:ret@/&=%"}
    with ImsEmulator(access_keys=keys, region_id="cn-beijing") as emulator:
        connection = Connection(uri=emulator.connection_uri)
        from_sdk = SdkConnection.from_uri(emulator.connection_uri, conn_id="ims_default")
    assert (from_sdk.conn_type, from_sdk.login, from_sdk.password, from_sdk.extra_dejson) == (
        connection.conn_type,
        connection.login,
        connection.password,
        connection.extra_dejson,
    )
    assert connection.conn_type == "alibabacloud_ims"
    assert {connection.login: connection.password} == keys
    assert connection.extra_dejson == {
        "region_id": "cn-beijing",
        "protocol": "http",
        "ims_endpoint": emulator.endpoint,
        "vod_endpoint": emulator.endpoint,
        "oss_endpoint": emulator.endpoint,
        "smq_endpoint": emulator.endpoint,
    }


def test_a_certificate_enables_https(certificate: tuple[str, str], config: Callable[..., Config]) -> None:
    cert, key = certificate
    with ImsEmulator(tls_cert=cert, tls_key=key) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        assert "protocol=https" in emulator.connection_uri
        client = Client(config(emulator, protocol="https"))
        options = RuntimeOptions(ca=cert)
        assert client.list_smart_jobs_with_options(models.ListSmartJobsRequest(), options).body.request_id
        emulator.fault(LIST, "cut")
        with pytest.raises(Exception, match="Connection aborted"):
            client.list_smart_jobs_with_options(models.ListSmartJobsRequest(), options)
        assert [request["status"] for request in emulator.requests()] == [200, None]


@pytest.mark.parametrize(("trusted", "outcome"), [(True, "400"), (False, "certificate verify failed")])
def test_callbacks_over_https_verify_the_certificate(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch, trusted: bool, outcome: str
) -> None:
    cert, key = certificate
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", cert)
    monkeypatch.setattr(notifier, "PAUSES", (0.0,))
    with ImsEmulator(tls_cert=cert, tls_key=key) as emulator:
        # The emulator is also the receiver. It does not accept unsigned requests.
        user_data = f'{{"NotifyAddress":"{emulator.url}"}}'
        (job_id,) = emulator.add_jobs(AUDIO, {**GOOD_REQUESTS[AUDIO], "UserData": user_data}, [0])
        (one,) = processed(emulator, job_id)["tries"]
    assert outcome in str(one.get("status") or one["error"])


def test_a_malformed_request_over_https_is_rejected_with_json(certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with ImsEmulator(tls_cert=cert, tls_key=key) as emulator:
        host, port = emulator.endpoint.split(":")
        context = ssl.create_default_context(cafile=cert)
        with (
            socket.create_connection((host, int(port)), timeout=CEILING) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(b"GET /?" + b"a" * 3_000_000)
            response = HTTPResponse(connection)
            response.begin()
            assert (response.status, json.loads(response.read())["Code"]) == (414, "RequestURITooLong")


def test_an_invalid_certificate_raises_an_error_at_the_start(certificate: tuple[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        ImsEmulator(tls_cert=str(broken), tls_key=certificate[1]).start()
