"""Files that the API server reads: with the network options of the connection, and within limits."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from airflow.providers.common.compat.sdk import Connection
from support.waiting import CEILING

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.hooks import _download
from airflow_provider_ims.hooks._download import download
from airflow_provider_ims.hooks._settings import Settings, read_settings

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.fixture
def default_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients load the default certificates, which the tests replace with an empty file."""
    monkeypatch.delenv("SSL_CERT_FILE")


def settings(**extra: str) -> Settings:
    return read_settings(Connection(conn_id="c", conn_type="alibabacloud_ims", extra=json.dumps(extra)))


@contextmanager
def serving(response: bytes | Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Accept connections, read the head of each request, and respond; yield ``host:port``."""
    respond = (lambda one: one.sendall(response)) if isinstance(response, bytes) else response
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = server.accept()
                except OSError:
                    return
                # The client may close the connection at any time.
                with suppress(OSError), tls.wrap_socket(accepted, server_side=True) if tls else accepted as one:
                    one.recv(65536)
                    respond(one)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(CEILING)


def test_a_file_is_read_up_to_a_limit() -> None:
    with serving(HEAD + b"x" * 100_000) as host:
        assert download(settings(), f"http://{host}/a.srt?x-oss-signature=s", 1000) == b"x" * 1000


@pytest.mark.parametrize("sent", [b"", HEAD], ids=["head", "body"])
def test_a_slow_response_ends_at_the_time_limit(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "SECONDS", 0.3)
    has_ended = threading.Event()

    def respond(one: socket.socket) -> None:
        one.sendall(sent)
        # Each byte arrives long before the timeout for a single read.
        while not has_ended.wait(0.01):
            one.sendall(b"x")

    with serving(respond) as host:
        try:
            with pytest.raises(ImsUnavailableError, match=r"a\.srt could not be read \(TimeoutError\)"):
                download(settings(), f"http://{host}/a.srt", 10_000_000)
        finally:
            has_ended.set()


@pytest.mark.parametrize("status", ["302 Found\r\nLocation: http://127.0.0.1:1/", "404 Not Found"])
def test_redirects_are_not_followed_and_errors_are_reported(status: str) -> None:
    with (
        serving(f"HTTP/1.1 {status}\r\n\r\n".encode()) as host,
        pytest.raises(ImsUnavailableError, match=f"HTTP status {status[:3]}"),
    ):
        download(settings(), f"http://{host}/a.srt", 1000)


@pytest.mark.usefixtures("default_certificates")
def test_the_proxy_of_the_connection_is_used() -> None:
    refused = []

    def refuse(one: socket.socket) -> None:
        refused.append(one)
        one.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with serving(refuse) as proxy, pytest.raises(ImsUnavailableError, match="ProxyError"):
        download(settings(https_proxy=f"http://user:secret@{proxy}"), "https://b.oss.invalid/a.srt", 1000)
    assert len(refused) == 1


def test_the_ca_of_the_connection_is_used(certificate: tuple[str, str]) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    with serving(HEAD + b"text", tls) as host:
        assert download(settings(ca=certificate[0]), f"https://{host}/a.srt", 1000) == b"text"


@pytest.mark.usefixtures("default_certificates")
def test_an_untrusted_certificate_is_rejected(certificate: tuple[str, str]) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    with (
        serving(HEAD + b"text", tls) as host,
        pytest.raises(ImsUnavailableError, match="ConnectError"),
    ):
        download(settings(), f"https://{host}/a.srt", 1000)


@pytest.mark.usefixtures("default_certificates")
@pytest.mark.parametrize(("ca", "problem"), [("/missing.pem", "FileNotFoundError"), ("/dev/null", "SSLError")])
def test_an_unusable_ca_is_reported(ca: str, problem: str) -> None:
    with pytest.raises(ImsUnavailableError, match=rf"a\.srt could not be read \({problem}\)"):
        download(settings(ca=ca), "https://127.0.0.1:1/a.srt", 1000)


@pytest.mark.parametrize(
    "address", ["http://[x/a.srt", "http://h\x00/a.srt", "http://127.0.0.1:1/a.srt", "http://ü..x/"]
)
def test_an_address_that_cannot_be_opened_is_reported(address: str) -> None:
    with pytest.raises(ImsUnavailableError, match="could not be read"):
        download(settings(), address, 1000)


def test_neither_the_log_nor_the_error_contains_the_signature(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)
    with (
        serving(HEAD.replace(b"200", b"403")) as host,
        pytest.raises(ImsUnavailableError) as caught,
    ):
        download(settings(), f"http://{host}/a.srt?x-oss-signature=canary&Signature=canary", 1000)
    assert "canary" not in caplog.text + repr(caught.value)
