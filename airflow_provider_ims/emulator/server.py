"""The emulator as a thread of this process."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_ims.emulator.app import make_app
from airflow_provider_ims.emulator.clock import ClockMode
from airflow_provider_ims.emulator.control import EmulatorControl
from airflow_provider_ims.emulator.gateway import Gateway
from airflow_provider_ims.emulator.settings import Settings, StsCredential
from airflow_provider_ims.emulator.store import Store

MAX_REQUEST_LINE = 2**20
"""In bytes: the SDK sends 10,000 Chinese characters as a query of 90 kB."""


def _protocol(closing: asyncio.Event) -> type[H11Protocol]:
    class Protocol(H11Protocol):
        """Shows the application its connection, so that it can be cut."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, "transport": transport}
            if closing.is_set():
                # It was accepted while the others were being cut.
                transport.abort()

    return Protocol


class _Server(uvicorn.Server):
    """A server that another thread starts and ends, with no signal handlers and no ticks."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self._gateway.closing.wait()
        # asyncio loses, without closing it, a connection whose acceptance is under way when the server closes:
        # accept no more, and let what is under way come to its protocol.
        for server in self.servers:
            for listener in server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
        await asyncio.sleep(0)
        # What still hangs must not hold the end.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own gives clients a tenth of a second to go. All have been cut, and a test suite ends thousands.
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._gateway.closing.set)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol, which create_server does not;
    # left on, it costs a client 40 ms a call.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener


class ImsEmulator(EmulatorControl):
    """
    A local IMS and VOD on a port of this machine, for the time of a ``with`` block.

    :param durations: seconds a job takes, by submit action, such as ``{"SubmitTextGenerateJob": 0}``.
    :param clock: ``auto`` runs with real time, ``manual`` stands still until :meth:`advance`.
    :param state: SQLite file that keeps jobs and requests; default: memory.
    :param host: address to listen on.
    :param port: port to listen on; 0 takes a free one.
    :param access_keys: secret by access key id; default: one key of the emulator's own. The first is used in
        :attr:`connection_uri`.
    :param sts_tokens: temporary credentials to know.
    :param bearer_tokens: bearer tokens to accept.
    :param region_id: region that made-up addresses lie in.
    :param list_text_jobs: whether ListSmartJobs shows text jobs.
    :param unknown_job_is_error: whether a query for an unknown job id gets an error or an empty answer.
    :param image_running_status: what GetAIImageJobs says of a job that runs; None leaves it out.
    :param tls_cert: certificate chain (PEM) to speak HTTPS with, and ``tls_key`` its key.
    """

    def __init__(
        self,
        *,
        durations: Mapping[str, float] | None = None,
        clock: ClockMode = "auto",
        state: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        access_keys: Mapping[str, str] | None = None,
        sts_tokens: Iterable[StsCredential] = (),
        bearer_tokens: Iterable[str] = (),
        region_id: str = "cn-shanghai",
        list_text_jobs: bool = False,
        unknown_job_is_error: bool = True,
        image_running_status: str | None = "processing",
        tls_cert: str | None = None,
        tls_key: str | None = None,
    ) -> None:
        super().__init__("", cafile=tls_cert)
        options: dict[str, Any] = {"access_keys": dict(access_keys)} if access_keys else {}
        self.settings = Settings(
            durations=dict(durations or {}),
            clock=clock,
            sts_tokens=tuple(sts_tokens),
            bearer_tokens=tuple(bearer_tokens),
            region_id=region_id,
            list_text_jobs=list_text_jobs,
            unknown_job_is_error=unknown_job_is_error,
            image_running_status=image_running_status,
            **options,
        )
        self._state = os.fspath(state) if state is not None else ":memory:"
        self._host = host
        self._port = port
        self._tls_cert, self._tls_key = tls_cert, tls_key
        self._store: Store | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def access_key_id(self) -> str:
        """The first access key that the emulator knows."""
        return next(iter(self.settings.access_keys))

    @property
    def access_key_secret(self) -> str:
        """The secret of :attr:`access_key_id`."""
        return self.settings.access_keys[self.access_key_id]

    @property
    def endpoint(self) -> str:
        """Host and port, as the SDK wants an endpoint."""
        return self.url.partition("://")[2]

    @property
    def connection_uri(self) -> str:
        """An Airflow connection to the emulator, for ``AIRFLOW_CONN_IMS_DEFAULT``."""
        extra = {
            "region_id": self.settings.region_id,
            "protocol": self.url.partition("://")[0],
            "ims_endpoint": self.endpoint,
            "vod_endpoint": self.endpoint,
        }
        login = f"{quote(self.access_key_id, safe='')}:{quote(self.access_key_secret, safe='')}"
        return f"alibabacloud-ims://{login}@/?{urlencode(extra)}"

    def start(self) -> Self:
        """Start to serve, and return once requests are answered."""
        if self._thread is not None:
            raise RuntimeError("the emulator runs already")
        listener = _listen(self._host, self._port)
        self._store = None
        try:
            self._store = Store(self._state)
            gateway = Gateway(self.settings, self._store)
            config = self._config(gateway)
        except BaseException:
            listener.close()
            if self._store is not None:
                self._store.close()
            raise
        # A later start comes back to the same address.
        self._port = listener.getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"{'https' if self._tls_cert else 'http'}://{host}:{self._port}"
        self._server = _Server(config, gateway)
        self._thread = threading.Thread(target=self._run, args=(listener,), name="ims-emulator", daemon=True)
        self._thread.start()
        self._server.ready.wait()
        if not self._server.started:
            self._thread.join()
            self._thread = None
            raise RuntimeError("the emulator did not start")
        return self

    def stop(self) -> None:
        """Stop serving; requests that hang are cut."""
        if self._thread is None or self._server is None or self._store is None:
            return
        self._server.end()
        self._thread.join()
        self._store.close()
        self._thread = None

    def _run(self, listener: socket.socket) -> None:
        assert self._server is not None
        try:
            asyncio.run(self._server.serve(sockets=[listener]))
        finally:
            self._server.ready.set()

    def _config(self, gateway: Gateway) -> uvicorn.Config:
        config = uvicorn.Config(
            make_app(gateway),
            http=_protocol(gateway.closing),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            # A client's pool should not lose connections while a test stands still.
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=MAX_REQUEST_LINE,
            ssl_certfile=self._tls_cert,
            ssl_keyfile=self._tls_key,
        )
        # Here and not in the thread, so that the caller hears of a bad certificate.
        config.load()
        return config

    def __enter__(self) -> Self:
        """Start to serve."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()
