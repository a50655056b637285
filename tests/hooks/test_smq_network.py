"""SMQ over connections that are refused, hang, break, are not trusted or go through a proxy."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.waiting import CEILING

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks.smq import SmqHook

QUEUE = "ice-callback-airflow"
EMPTY = (
    b'<Error xmlns="http://mns.aliyuncs.com/doc/v1/"><Code>MessageNotExist</Code><Message>m</Message>'
    b"<RequestId>r</RequestId><HostId>h</HostId></Error>"
)


class Peer:
    """A server that accepts connections and sends the same bytes, or none, on each connection."""

    def __init__(self, answer: bytes = b"") -> None:
        self._answer = answer
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while not self._closing:
            connection, _ = self._listener.accept()
            self.connections.append(connection)
            connection.sendall(self._answer)

    def close(self) -> None:
        self._closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        for one in (*self.connections, self._listener):
            one.close()


@pytest.fixture
def silent() -> Iterator[Peer]:
    """Yield a peer that accepts connections and never responds."""
    peer = Peer()
    yield peer
    peer.close()


def hook(connect: Callable[..., None], endpoint: str, **extra: Any) -> SmqHook:
    connect(login="key", password="secret", smq_endpoint=endpoint, **extra)
    return SmqHook()


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_a_peer_that_never_responds_does_not_block_the_thread(
    silent: Peer, connect: Callable[..., None], protocol: str
) -> None:
    smq = hook(connect, f"127.0.0.1:{silent.port}", protocol=protocol, connect_timeout="0.1", read_timeout="0.1")
    calls: list[Callable[[], object]] = [
        lambda: smq.receive(QUEUE, wait_seconds=0),
        lambda: smq.delete(QUEUE, ["a"]),
        lambda: smq.change_visibility(QUEUE, "a", 1),
        lambda: smq.peek(QUEUE),
    ]
    for call in calls:
        with pytest.raises(ImsUnavailableError, match=f"127.0.0.1:{silent.port} .*Time"):
            call()


def test_the_timeout_of_a_long_poll_is_its_wait_plus_the_read_timeout(
    connect: Callable[..., None], wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    smq = hook(connect, SmqHook().settings.endpoint("mns"), protocol="http", connect_timeout="2.5", read_timeout="7")
    seen = []
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(options["timeout"])
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", watched)
    wire.answer(EMPTY, 404)
    smq.receive(QUEUE, wait_seconds=20)
    smq.delete(QUEUE, ["a"])
    assert seen == [(2.5, 27.0), (2.5, 7.0)]


def test_a_long_poll_without_a_response_ends_after_its_wait_plus_the_read_timeout(
    silent: Peer, connect: Callable[..., None]
) -> None:
    smq = hook(connect, f"127.0.0.1:{silent.port}", protocol="http", read_timeout="0.1")
    began = time.monotonic()
    with pytest.raises(ImsUnavailableError, match="did not respond"):
        smq.receive(QUEUE, wait_seconds=1)
    assert time.monotonic() - began >= 1.1


def test_a_proxy_that_never_responds_does_not_block_the_thread(silent: Peer, connect: Callable[..., None]) -> None:
    proxy = f"http://user:canary-password@127.0.0.1:{silent.port}"
    smq = hook(connect, "1.mns.cn-shanghai.aliyuncs.com", connect_timeout="0.1", read_timeout="0.1", https_proxy=proxy)
    with pytest.raises(ImsUnavailableError) as raised:
        smq.receive(QUEUE, wait_seconds=0)
    assert "canary-password" not in f"{raised.value!r} {raised.value}"


def test_an_incomplete_response_raises_unavailable(connect: Callable[..., None]) -> None:
    peer = Peer(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<Messages")
    smq = hook(connect, f"127.0.0.1:{peer.port}", protocol="http", read_timeout="0.1")
    try:
        with pytest.raises(ImsUnavailableError, match="did not respond"):
            smq.receive(QUEUE, wait_seconds=0)
    finally:
        peer.close()


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_a_refused_connection_raises_unavailable(connect: Callable[..., None], protocol: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        smq = hook(connect, f"127.0.0.1:{closed.getsockname()[1]}", protocol=protocol)
        with pytest.raises(ImsUnavailableError, match="could not be reached") as raised:
            smq.receive(QUEUE)
    assert raised.value.accepted is False
    assert QUEUE in str(raised.value)


def test_an_unknown_host_raises_unavailable(connect: Callable[..., None]) -> None:
    with pytest.raises(ImsUnavailableError, match="could not be reached"):
        hook(connect, "host.invalid").receive(QUEUE)


class EmptyQueue(BaseHTTPRequestHandler):
    """An empty queue that keeps its connections open, and a proxy to this queue."""

    protocol_version = "HTTP/1.1"
    context: ssl.SSLContext
    proxied: list[tuple[str, str | None]]
    connections: set[tuple[str, int]]

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        self.send_response(404)
        self.send_header("content-length", str(len(EMPTY)))
        self.end_headers()
        self.wfile.write(EMPTY)

    def do_CONNECT(self) -> None:
        self.proxied.append((self.path, self.headers["proxy-authorization"]))
        self.send_response(200)
        self.end_headers()
        with self.context.wrap_socket(self.connection, server_side=True) as inner:
            self.rfile, self.wfile = inner.makefile("rb"), inner.makefile("wb")  # type: ignore[assignment]
            self.handle_one_request()
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(certificate: tuple[str, str], *, tls: bool) -> Iterator[tuple[type[EmptyQueue], int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    handler = type("Handler", (EmptyQueue,), {"context": context, "proxied": [], "connections": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler, server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_custom_ca_is_used(certificate: tuple[str, str], connect: Callable[..., None]) -> None:
    with serving(certificate, tls=True) as (_, port):
        assert hook(connect, f"127.0.0.1:{port}", ca=certificate[0]).receive(QUEUE, wait_seconds=0) == []


def test_an_untrusted_certificate_raises_unavailable(
    certificate: tuple[str, str], connect: Callable[..., None]
) -> None:
    with serving(certificate, tls=True) as (handler, port):
        smq = hook(connect, f"127.0.0.1:{port}")
        with pytest.raises(ImsUnavailableError, match="certificate is not trusted") as raised:
            smq.receive(QUEUE, wait_seconds=0)
    assert raised.value.accepted is False
    assert handler.connections == set()


def test_the_proxy_of_the_connection_is_used(certificate: tuple[str, str], connect: Callable[..., None]) -> None:
    with serving(certificate, tls=False) as (handler, port):
        proxy = f"http://user:pass@127.0.0.1:{port}"
        smq = hook(connect, "127.0.0.1:9", ca=certificate[0], https_proxy=proxy)
        assert smq.receive(QUEUE, wait_seconds=0) == []
    assert handler.proxied == [("127.0.0.1:9", "Basic dXNlcjpwYXNz")]


def test_the_proxy_of_the_environment_is_used(
    certificate: tuple[str, str], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(certificate, tls=False) as (handler, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert hook(connect, "127.0.0.1:9", ca=certificate[0]).receive(QUEUE, wait_seconds=0) == []
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(ImsUnavailableError):
            SmqHook().receive(QUEUE, wait_seconds=0)
    assert len(handler.proxied) == 1


def test_each_thread_has_one_connection_and_keeps_it(
    certificate: tuple[str, str], connect: Callable[..., None]
) -> None:
    with serving(certificate, tls=False) as (handler, port):
        smq = hook(connect, f"127.0.0.1:{port}", protocol="http")
        together = threading.Barrier(4, timeout=CEILING)
        failures: list[Exception] = []

        def receive() -> None:
            try:
                together.wait()
                for _ in range(10):
                    smq.receive(QUEUE, wait_seconds=0)
                # A thread that ends closes its connection, and another connection could then use its port.
                together.wait()
            except Exception as error:  # noqa: BLE001
                failures.append(error)
                together.abort()

        threads = [threading.Thread(target=receive) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert failures == []
    assert len(handler.connections) == 4


def test_a_password_in_netrc_does_not_replace_the_signature(
    wire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password canary")
    monkeypatch.setenv("NETRC", str(netrc))
    wire.answer(EMPTY, 404)
    SmqHook().receive(QUEUE)
    assert wire.received[0].headers["authorization"].startswith("MNS key:")


def test_the_error_for_a_missing_ca_contains_its_path(connect: Callable[..., None]) -> None:
    with pytest.raises(ImsRequestError, match=r"/nowhere/ca\.pem, does not exist"):
        hook(connect, "127.0.0.1:1", ca="/nowhere/ca.pem").connect()


def test_credentials_without_keys_cannot_sign(connect: Callable[..., None]) -> None:
    connect(bearer_token="canary-token", protocol="http", smq_endpoint="127.0.0.1:1")
    with pytest.raises(ImsCredentialsError, match="cannot sign requests to SMQ") as raised:
        SmqHook().receive(QUEUE)
    assert raised.value.action == "BatchReceiveMessage"


@pytest.mark.parametrize("login", ["k\u00e9\u4e91", "a\nb"])
def test_an_access_key_that_cannot_be_sent_in_a_header_is_rejected(connect: Callable[..., None], login: str) -> None:
    connect(login=login, password="secret", protocol="http", smq_endpoint="127.0.0.1:1")
    with pytest.raises(ImsRequestError, match="AccessKey or security token contains"):
        SmqHook().receive(QUEUE)


def test_the_error_for_a_connection_without_an_endpoint_contains_the_setting(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret", region_id="cn-shanghai")
    with pytest.raises(ImsRequestError, match="set smq_endpoint in the connection's extra") as raised:
        SmqHook().connect()
    assert raised.value.field == "smq_endpoint"
    with pytest.raises(ImsRequestError) as again:
        SmqHook().reconnect()
    assert again.value.transient


def test_the_error_for_a_connection_that_does_not_exist_is_transient() -> None:
    with pytest.raises(ImsUnavailableError, match="could not be resolved"):
        SmqHook("nowhere").reconnect()


def test_without_the_extra_the_error_contains_its_name(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == "mns" or one.endswith("hooks._mns")]:
        monkeypatch.delitem(sys.modules, name)
    # The package also keeps an imported module as an attribute.
    monkeypatch.delattr("airflow_provider_ims.hooks._mns", raising=False)
    monkeypatch.setitem(sys.modules, "mns", None)
    smq = hook(connect, "127.0.0.1:1", smq_queue=QUEUE)
    calls: list[Callable[[], object]] = [smq.connect, lambda: smq.receive(QUEUE)]
    for call in calls:
        with pytest.raises(ImsError, match=r'pip install "airflow-provider-ims\[smq\]"'):
            call()
    works, message = smq.test_connection()
    assert not works
    assert "airflow-provider-ims[smq]" in message
