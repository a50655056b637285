"""The class ImsEmulator, which runs an emulator in a thread of the current process."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import uvicorn

from airflow_provider_ims.emulator.api.queues import is_queue_name
from airflow_provider_ims.emulator.api.regions import REGIONS
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.control.client import EmulatorControl
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.server.app import make_app
from airflow_provider_ims.emulator.server.notifier import Notifier
from airflow_provider_ims.emulator.server.processor import Processor
from airflow_provider_ims.emulator.server.protocol import MAX_REQUEST_LINE, make_protocol
from airflow_provider_ims.emulator.settings import DEFAULT_ACCESS_KEYS, Settings, StsCredential
from airflow_provider_ims.emulator.state.clock import MAX_SECONDS, ClockMode
from airflow_provider_ims.emulator.state.store import Store


class _Server(uvicorn.Server):
    """A server for a background thread: it has no signal handlers, and waits for an event instead of polling."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event, notifier: Notifier) -> None:
        super().__init__(config)
        self._closing = closing
        self._notifier = notifier
        self._notifications: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._notifications = asyncio.create_task(self._notifier.run())
        self.ready.set()

    async def main_loop(self) -> None:
        await self._closing.wait()
        # When asyncio closes a server, it does not close the connections that are still being accepted. Therefore, stop
        # accepting connections first. One iteration of the event loop then creates the protocols of the accepted
        # connections.
        for server in self.servers:
            for listener in server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
        await asyncio.sleep(0)
        # Hanging requests must not delay the shutdown.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._notifications is not None:
            self._notifications.cancel()
        # uvicorn's shutdown waits 0.1 s for clients to disconnect. Here, all connections are already closed, and the
        # wait would slow down test suites that stop thousands of emulators.
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._closing.set)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only for sockets with an explicit protocol number, which
    # socket.create_server does not set. With Nagle's algorithm, each request takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener


def _check(settings: Settings) -> None:
    for action, seconds in settings.durations.items():
        if action not in JOB_KINDS:
            raise ValueError(f"{action!r} is not a submit action; known submit actions: {', '.join(JOB_KINDS)}")
        if not 0 <= seconds <= MAX_SECONDS:
            raise ValueError(f"the duration of {action} must be from 0 to {MAX_SECONDS:.0f} s, not {seconds} s")
    if settings.region_id not in REGIONS:
        raise ValueError(f"{settings.region_id!r} is not a region; regions: {', '.join(sorted(REGIONS))}")
    for name in settings.queues:
        if not is_queue_name(name):
            raise ValueError(
                f"{name!r} is not the name of a queue: a name consists of a letter and up to 255 more letters, digits"
                " or hyphens"
            )


class ImsEmulator(EmulatorControl):
    """
    An emulator of IMS, VOD and the queues of SMQ.

    It runs for the duration of a ``with`` block, or from :meth:`start` to :meth:`stop`.

    :param durations: Job durations in seconds, by submit action, for example ``{"SubmitTextGenerateJob": 0}``. For
        other actions, the defaults in ``ims-emulator --help`` apply.
    :param clock: With ``auto``, the job clock follows the real time; with ``manual``, it is stopped. In both modes,
        :meth:`advance` moves it forward.
    :param state: SQLite file that stores the state, such as jobs, queues and requests; default: in memory.
    :param host: Address to listen on.
    :param port: Port to listen on; 0 selects a free port.
    :param access_keys: Accepted AccessKey pairs, as a mapping from AccessKey ID to secret; default: one built-in pair.
        :attr:`connection_uri` contains the first pair.
    :param sts_tokens: Accepted temporary credentials.
    :param bearer_tokens: Accepted bearer tokens.
    :param region_id: Region of requests that do not specify a region.
    :param list_text_jobs: Whether ListSmartJobs also lists the smart jobs that its documentation does not mention, such
        as text jobs.
    :param unknown_job_is_error: Whether the response to a query for an unknown job id is an error; otherwise, the
        response is empty. The documentation does not specify which of these responses the services return.
    :param speech_media_url: Whether the result of an audio job contains ``MediaUrl``. The field is documented for all
        smart jobs, but the documented examples of audio jobs do not contain it.
    :param image_running_status: The status of a running job in the response of GetAIImageJobs. With None, the response
        contains no status. The documentation does not specify the status of a running job.
    :param callback_hosts: Hosts to which callbacks are allowed, in addition to localhost and loopback addresses; ``*``
        for all hosts.
    :param queues: The names of the SMQ queues that exist from the start. Clients can create further queues. By
        default, no queue exists from the start, and the emulator creates each queue when the queue is first used.
    :param queue_base64: Whether callbacks in queues are encoded in base64. The documentation does not specify whether
        the services encode them.
    :param strict: Whether a request with an undocumented key in a JSON parameter is rejected; otherwise, the emulator
        ignores the key and logs a warning.
    :param public_url: The URL at which clients reach the emulator, for the signed URLs of files; default: :attr:`url`.
    :param tls_cert: Path of the certificate chain (PEM) for HTTPS; by default, the emulator uses HTTP.
    :param tls_key: Path of the private key (PEM) of the certificate.
    :raises ValueError: If a duration is negative or exceeds 1,000,000,000 s, a key of ``durations`` is not a
        submit action, the region is unknown, or the name of a queue is invalid.
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
        speech_media_url: bool = True,
        image_running_status: str | None = "processing",
        callback_hosts: Iterable[str] = (),
        queues: Iterable[str] = (),
        queue_base64: bool = False,
        strict: bool = False,
        public_url: str | None = None,
        tls_cert: str | None = None,
        tls_key: str | None = None,
    ) -> None:
        super().__init__("", cafile=tls_cert)
        self.settings = Settings(
            durations=dict(durations or {}),
            clock=clock,
            access_keys=dict(access_keys or DEFAULT_ACCESS_KEYS),
            sts_tokens=tuple(sts_tokens),
            bearer_tokens=tuple(bearer_tokens),
            region_id=region_id,
            list_text_jobs=list_text_jobs,
            unknown_job_is_error=unknown_job_is_error,
            speech_media_url=speech_media_url,
            image_running_status=image_running_status,
            callback_hosts=tuple(callback_hosts),
            queues=tuple(queues),
            queue_base64=queue_base64,
            strict=strict,
            public_url=(public_url or "").rstrip("/"),
        )
        _check(self.settings)
        self._state = os.fspath(state) if state is not None else ":memory:"
        self._host = host
        self._port = port
        self._tls_cert, self._tls_key = tls_cert, tls_key
        self._store: Store | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def access_key_id(self) -> str:
        """The ID of the first accepted AccessKey pair."""
        return next(iter(self.settings.access_keys))

    @property
    def access_key_secret(self) -> str:
        """The secret of the first accepted AccessKey pair."""
        return self.settings.access_keys[self.access_key_id]

    @property
    def endpoint(self) -> str:
        """The host and port of the emulator, such as ``127.0.0.1:8020``, for the option ``endpoint`` of the SDKs."""
        return self.url.partition("://")[2]

    @property
    def connection_uri(self) -> str:
        """The URI of an Airflow connection to the emulator, for ``AIRFLOW_CONN_IMS_DEFAULT``."""
        extra = {
            "region_id": self.settings.region_id,
            "protocol": self.url.partition("://")[0],
            "ims_endpoint": self.endpoint,
            "vod_endpoint": self.endpoint,
            "oss_endpoint": self.endpoint,
            "smq_endpoint": self.endpoint,
        }
        login = f"{quote(self.access_key_id, safe='')}:{quote(self.access_key_secret, safe='')}"
        return f"alibabacloud-ims://{login}@/?{urlencode(extra)}"

    def start(self) -> Self:
        """
        Start the emulator, wait until it accepts requests, and return it.

        :raises RuntimeError: If it is already running, or its server does not start.
        :raises ValueError: If ``clock`` is neither ``auto`` nor ``manual``.
        :raises OSError: If it cannot listen on the port, or cannot load the certificate.
        :raises sqlite3.Error: If it cannot use the state file.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator is already running")
        listener = _listen(self._host, self._port)
        self._store = None
        try:
            self._store = Store(self._state)
            # If the emulator is started again, it uses the same port.
            self._port = listener.getsockname()[1]
            host = f"[{self._host}]" if ":" in self._host else self._host
            self._url = f"{'https' if self._tls_cert else 'http'}://{host}:{self._port}"
            settings = replace(self.settings, public_url=self.settings.public_url or self._url)
            service = EmulatedService(settings, self._store)
            processor = Processor(service)
            notifier = Notifier(service.jobs, service.queues)
            config = self._config(processor)
        except BaseException:
            listener.close()
            if self._store is not None:
                self._store.close()
            raise
        self._server = _Server(config, processor.closing, notifier)
        self._thread = threading.Thread(target=self._run, args=(listener,), name="ims-emulator", daemon=True)
        self._thread.start()
        self._server.ready.wait()
        if not self._server.started:
            self._thread.join()
            self._thread = None
            raise RuntimeError("the emulator did not start")
        return self

    def stop(self) -> None:
        """Stop the emulator if it is running, and close all connections, including those of hanging requests."""
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

    def _config(self, processor: Processor) -> uvicorn.Config:
        config = uvicorn.Config(
            make_app(processor),
            http=make_protocol(processor.closing),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            # Longer than uvicorn's default of 5 s, because clients keep their connections open while a test pauses.
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=MAX_REQUEST_LINE,
            ssl_certfile=self._tls_cert,
            ssl_keyfile=self._tls_key,
        )
        # Load the configuration here and not in the thread, so that an invalid certificate raises an error in start().
        config.load()
        return config

    def __enter__(self) -> Self:
        """Start the emulator."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the emulator."""
        self.stop()
