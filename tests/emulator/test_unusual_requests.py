"""No unusual request causes a response with status 500 or a logged traceback."""

from __future__ import annotations

import asyncio
import logging
import os
import socket

import pytest
from support.unusual import Application, UnusualRequest, UnusualRequests, respond
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

BATCHES, BATCH_SIZE = 20, 1_000
HTTP_REQUESTS = 300
FIRST_SEED = int(os.environ.get("UNUSUAL_REQUESTS_SEED", "0"))
"""The seed of the first batch. Another seed results in other requests."""


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + BATCHES))
def test_unusual_requests_are_accepted_or_rejected(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(_send_batch(seed))
    assert _errors(caplog) == []


async def _send_batch(seed: int) -> None:
    application, requests = Application(), UnusualRequests(seed)
    try:
        for number in range(BATCH_SIZE):
            request = requests.next()
            try:
                response = await respond(application, request)
            except Exception as error:
                error.add_note(f"seed {seed}, request {number}: {request}")
                raise
            assert response.status < 500 or application.has_injected_fault(), (seed, number, request, response)
            requests.receive(request, response)
            if number % 8 == 7:
                application.service.faults.clear()
    finally:
        application.close()


def test_unusual_requests_are_accepted_or_rejected_over_http(caplog: pytest.LogCaptureFixture) -> None:
    requests = UnusualRequests(FIRST_SEED)
    with ImsEmulator(clock="manual", bearer_tokens=["unusual-token"]) as emulator:
        for _ in range(HTTP_REQUESTS):
            request = requests.next()
            if request.path != "/_emulator/faults":
                status = _send(emulator, request)
                assert 200 <= status < 500, request
        assert emulator.health()["status"] == "ok"
    assert _errors(caplog) == []


def _send(emulator: ImsEmulator, request: UnusualRequest) -> int:
    """Send a request unchanged, unlike HTTP libraries, and return the status of the response."""
    headers = {**dict(request.headers), b"content-length": str(len(request.body)).encode(), b"connection": b"close"}
    lines = [
        b"%s %s?%s HTTP/1.1" % (request.method.encode(), request.path.encode(), request.query),
        *(name + b": " + value for name, value in headers.items()),
    ]
    host, port = emulator.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=CEILING) as connection:
        connection.sendall(b"\r\n".join((*lines, b"", request.body)))
        response = connection.makefile("rb").readline()
    return int(response.split()[1])


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
