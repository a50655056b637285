"""Malformed requests are rejected with an error in JSON. Neither they nor clients that disconnect cause a traceback."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from support.emulated import GOOD_REQUESTS, V1Client, exchange
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.server import app, gateway
from airflow_provider_ims.emulator.server.app import MAX_BODY
from airflow_provider_ims.emulator.server.protocol import MAX_REQUEST_LINE

if TYPE_CHECKING:
    from support.emulated import SignedClient

LIST, AUDIO = "ListSmartJobs", "SubmitAudioProduceJob"
HOST = b"host: 127.0.0.1\r\n"
FORM = HOST + b"content-type: application/x-www-form-urlencoded\r\n"


@contextmanager
def connected(emulator: ImsEmulator) -> Iterator[socket.socket]:
    host, port = emulator.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=CEILING) as connection:
        yield connection


def response_to(emulator: ImsEmulator, request: bytes) -> tuple[HTTPResponse, Any]:
    """Send raw bytes and return the response and its JSON."""
    with connected(emulator) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response, json.loads(response.read())


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    """Yield the logged records, which must contain no traceback and no error at the end."""
    with caplog.at_level(logging.DEBUG):
        yield caplog.records
    assert [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno > logging.WARNING
    ] == []


MALFORMED = {
    "invalid UTF-8 in the query": b"GET /?a=%FF HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes that are not ASCII in the query": b"GET /?a=\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "too many parameters": b"GET /?" + b"a=&" * 1001 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "invalid UTF-8 in the form": b"POST / HTTP/1.1\r\n" + FORM + b"content-length: 3\r\n\r\na=\xff",
    "escaped invalid UTF-8 in the form": b"POST / HTTP/1.1\r\n" + FORM + b"content-length: 5\r\n\r\na=%FF",
    "no request line": b"nonsense\r\n\r\n",
    "no HTTP version": b"GET /\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a header with a NUL character": b"GET / HTTP/1.1\r\n" + HOST + b"x: \x00\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n",
    "a length of 400 digits": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: " + b"9" * 400 + b"\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: many\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
    "an unknown transfer encoding": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: zip\r\n\r\n",
    "a malformed chunk": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.usefixtures("errors")
def test_a_malformed_request_is_rejected_with_json(emulator: ImsEmulator, request_bytes: bytes) -> None:
    response, body = response_to(emulator, request_bytes)
    # HTTP specifies status 501 for an unknown transfer encoding, and 400 for all other errors here.
    assert response.status in (400, 501)
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["Code"] == "InvalidRequest"
    assert response.getheader("x-acs-request-id") == body["RequestId"]
    assert response.getheader("content-type") == "application/json;charset=utf-8"
    assert abs(parsedate_to_datetime(str(response.getheader("date"))).timestamp() - time.time()) < CEILING


LISTING = b"Action=ListSmartJobs&Version=2020-11-09&Format=JSON HTTP/1.1\r\n" + HOST + b"\r\n"
UNUSUAL = {
    "incomplete percent-encoding": b"GET /?Action=%zz%2&Format=JSON HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path of invalid UTF-8": b"GET /%FF%00?Action=ListSmartJobs&Version=2020-11-09&Format=JSON HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
    "repeated parameters": b"GET /?Action=a&Action=b&Format=JSON&Format=JSON HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL character": b"GET /?Action=%00&Version=%00&Format=JSON HTTP/1.1\r\n" + HOST + b"\r\n",
    "headers that are not ASCII": b"POST / HTTP/1.1\r\nhost: \xe4\r\nauthorization: \xff\r\nx-acs-action: \xe4\r\n"
    b"x-acs-version: \xe4\r\nx-acs-date: \xb2\r\ncontent-type: \xff\r\n\r\n",
    "a hash that is not ASCII": b"POST / HTTP/1.1\r\n" + HOST + b"x-acs-action: ListSmartJobs\r\n"
    b"x-acs-version: 2020-11-09\r\nx-acs-date: 2020-01-01T00:00:00Z\r\nx-acs-signature-nonce: \xff\r\n"
    b"x-acs-content-sha256: \xff\r\nauthorization: ACS3-HMAC-SHA256 Credential=\xff,SignedHeaders=host;x-acs-action;"
    b"x-acs-version;x-acs-date;x-acs-signature-nonce;x-acs-content-sha256,Signature=00\r\n\r\n",
    "a year of the distant past": b"GET /?Action=ListSmartJobs&Version=2020-11-09&Format=JSON&AccessKeyId=a&Signature=a"
    b"&SignatureNonce=a&SignatureVersion=1.0&SignatureMethod=HMAC-SHA1&Timestamp=0001-01-01T00:00:00Z HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
    "HTTP/1.0 without a host": b"GET /?Action=x&Format=JSON HTTP/1.0\r\n\r\n",
    "the method TRACE": b"TRACE /?" + LISTING,
    "the method OPTIONS": b"OPTIONS /?Action=ListSmartJobs&Version=2020-11-09&Format=JSON HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
    "an unknown method": b"BREW /?" + LISTING,
    "an unknown method and an invalid host": b"BREW / HTTP/1.1\r\nhost: [\r\n\r\n",
    "the target *": b"GET * HTTP/1.1\r\nx-acs-action: a\r\n" + HOST + b"\r\n",
    "an absolute target": b"GET http://example.com/?Action=x&Format=JSON HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.usefixtures("errors")
def test_an_unusual_request_is_rejected_with_json(emulator: ImsEmulator, request_bytes: bytes) -> None:
    response, body = response_to(emulator, request_bytes)
    assert 400 <= response.status < 500, body
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert response.getheader("x-acs-request-id") == body["RequestId"]


@pytest.mark.usefixtures("errors")
def test_a_long_request_line_is_rejected_after_the_client_has_sent_it(emulator: ImsEmulator) -> None:
    line = b"GET /?InputConfig=" + b"a" * (3 * MAX_REQUEST_LINE) + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    response, body = response_to(emulator, line)
    assert (response.status, body["Code"]) == (414, "RequestURITooLong")
    assert str(MAX_REQUEST_LINE) in body["Message"]


@pytest.mark.usefixtures("errors")
def test_long_headers_are_rejected(emulator: ImsEmulator) -> None:
    request = b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * (2 * MAX_REQUEST_LINE) + b"\r\n\r\n"
    response, body = response_to(emulator, request)
    assert (response.status, body["Code"]) == (431, "RequestHeaderFieldsTooLarge")


CHUNK = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
TOO_LARGE = {
    "declared and sent": b"content-length: %d\r\n\r\n" % (MAX_BODY + 1) + b"a" * (MAX_BODY + 1),
    "declared and not sent": b"content-length: 99999999999999999999\r\n\r\n",
    "in chunks": b"transfer-encoding: chunked\r\n\r\n" + CHUNK * (MAX_BODY // 0x10000 + 1) + b"0\r\n\r\n",
}


@pytest.mark.parametrize("rest", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.usefixtures("errors")
def test_a_large_body_is_rejected(emulator: ImsEmulator, rest: bytes) -> None:
    response, body = response_to(emulator, b"POST / HTTP/1.1\r\n" + HOST + rest)
    assert (response.status, body["Code"]) == (413, "RequestEntityTooLarge")
    assert str(MAX_BODY) in body["Message"]


DISCONNECTED = {
    "in the request line": b"GET /?Act",
    "in the headers": b"POST / HTTP/1.1\r\nhost: 12",
    "in the body": b"POST / HTTP/1.1\r\n" + FORM + b"content-length: 100\r\n\r\nAction=",
    "in a chunk": b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n10\r\nabc",
    "in the body of a control request": b"POST /_emulator/advance HTTP/1.1\r\n"
    + HOST
    + b"content-length: 100\r\n\r\n{",
    "before the response": b"GET /?Action=x HTTP/1.1\r\n" + HOST + b"\r\n",
    "before the responses to several requests": (b"GET /?Action=x HTTP/1.1\r\n" + HOST + b"\r\n") * 50,
}


@pytest.mark.parametrize("abort", [False, True], ids=["close", "reset"])
@pytest.mark.parametrize("request_bytes", DISCONNECTED.values(), ids=DISCONNECTED)
@pytest.mark.usefixtures("errors")
def test_a_client_that_disconnects_causes_no_traceback(
    emulator: ImsEmulator, send: SignedClient, request_bytes: bytes, abort: bool
) -> None:
    with connected(emulator) as connection:
        connection.sendall(request_bytes)
        if abort:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    # Later requests are processed after the disconnect.
    assert [send(LIST)[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("wants_xml", [False, True])
def test_a_bug_of_the_emulator_is_an_internal_error_and_is_logged(
    emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wants_xml: bool
) -> None:
    monkeypatch.setattr(gateway, "check_parameters", lambda *_: 1 / 0)
    send_v1 = V1Client(emulator.endpoint)
    status, body = send_v1(LIST, {"Format": "XML" if wants_xml else "JSON"})
    code = ElementTree.fromstring(body).findtext("Code") if wants_xml else body["Code"]
    assert (status, code) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text
    assert emulator.requests(LIST)[0]["status"] == 500


def test_a_bug_before_a_request_is_processed_is_an_internal_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "parse_pairs", lambda *_: 1 / 0)
    # The error is logged after the response. Stopping the emulator waits for the log record.
    with ImsEmulator() as emulator:
        response, body = response_to(emulator, b"GET /?" + LISTING)
    assert (response.status, body["Code"]) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("target", "status"), [("PUT /_emulator/jobs", 405), ("GET /_emulator/nothing", 404)])
def test_an_unknown_control_request_is_rejected_with_json(emulator: ImsEmulator, target: str, status: int) -> None:
    response, body = response_to(emulator, f"{target} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    assert (response.status, set(body)) == (status, {"error"})


def test_the_headers_of_every_response_contain_its_request_id_and_the_date(emulator: ImsEmulator) -> None:
    for action in (LIST, "SubmitNothing"):
        response, content = exchange(emulator.endpoint, "GET", f"/?Action={action}&Format=JSON", b"", {})
        assert response.getheader("x-acs-request-id") == json.loads(content)["RequestId"]
        date = parsedate_to_datetime(str(response.getheader("date"))).timestamp()
        assert abs(date - time.time()) < CEILING


def test_a_form_can_contain_unescaped_chinese_characters(emulator: ImsEmulator, send: SignedClient) -> None:
    text = "说起郭德纲，他现在火得一塌糊涂。"
    pairs = {**GOOD_REQUESTS[AUDIO], "InputConfig": text}
    form = "&".join(f"{name}={value}" for name, value in pairs.items()).encode()
    headers = {"content-type": "Application/X-WWW-Form-URLEncoded; charset=UTF-8"}
    status, body = send(AUDIO, body=form, headers={**headers, "x-acs-content-sha256": sha256(form).hexdigest()})
    assert status == 200, body
    assert emulator.jobs()[0]["parameters"]["InputConfig"] == text
