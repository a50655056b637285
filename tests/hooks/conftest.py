from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.hooks import _base as base
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

STS = StsCredential("STS.key", "sts-secret", "sts-token")


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(durations=dict.fromkeys(JOB_KINDS, 0.0), sts_tokens=[STS]) as emulator:
        # A request of 90 kB in the log of a failed test would hide the other lines.
        logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
        yield emulator


@pytest.fixture
def emulator(running_emulator: ImsEmulator, connect: Callable[..., None]) -> ImsEmulator:
    """Return a reset emulator, to which the connection ims_default points."""
    running_emulator.reset()
    connect(running_emulator)
    return running_emulator


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Define the connection ims_default, for an emulator or from its fields."""

    def connect(
        emulator: ImsEmulator | None = None,
        *,
        conn_type: str = "alibabacloud_ims",
        login: str | None = None,
        password: str | None = None,
        **extra: Any,
    ) -> None:
        if emulator is not None:
            login = emulator.access_key_id if login is None else login
            password = emulator.access_key_secret if password is None else password
            extra = {
                "region_id": "cn-shanghai",
                "protocol": emulator.url.partition(":")[0],
                "ims_endpoint": emulator.endpoint,
                "vod_endpoint": emulator.endpoint,
                "smq_endpoint": emulator.endpoint,
                **extra,
            }
        connection = {"conn_type": conn_type, "login": login, "password": password, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", json.dumps(connection))

    return connect


@pytest.fixture
def ims(emulator: ImsEmulator) -> ImsHook:
    return ImsHook()


@pytest.fixture
def vod(emulator: ImsEmulator) -> VodHook:
    return VodHook()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses between two attempts instead of sleeping."""
    made: list[float] = []
    monkeypatch.setattr(base, "time", SimpleNamespace(sleep=made.append))
    return made


TEXT = {"GenerateConfig": '{"keywords":"新店开业","textLength":100,"targetCount":1}'}


@pytest.fixture
def text_job() -> dict[str, str]:
    """Return valid parameters of SubmitTextGenerateJob."""
    return dict(TEXT)


@dataclass
class Wire:
    """A server that returns prepared responses and records the requests."""

    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    received: list[SimpleNamespace] = field(default_factory=list)

    def answer(self, body: bytes | str, status: int = 200, **headers: str) -> None:
        """Append a response; the last one is repeated."""
        body = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, body, {"content-type": "application/json"} | named))


@pytest.fixture
def wire(connect: Callable[..., None]) -> Iterator[Wire]:
    """Yield a server to which the connection ims_default points."""
    wire = Wire()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            wire.received.append(
                SimpleNamespace(
                    method=self.command,
                    path=url.path,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    query=dict(parse_qsl(url.query, keep_blank_values=True)),
                    form=dict(parse_qsl(body, keep_blank_values=True)),
                    body=body,
                )
            )
            status, content, headers = wire.answers.pop(0) if len(wire.answers) > 1 else wire.answers[0]
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint = f"127.0.0.1:{server.server_port}"
    connect(
        login="key",
        password="wire-secret",
        region_id="cn-shanghai",
        protocol="http",
        ims_endpoint=endpoint,
        vod_endpoint=endpoint,
        smq_endpoint=endpoint,
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield wire
    server.shutdown()
    server.server_close()
    thread.join()
