"""An HTTP server that receives callbacks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from airflow_provider_ims.emulator import EmulatorControl
from support.waiting import CEILING


@dataclass
class Callback:
    """A received request."""

    path: str
    headers: dict[str, str]
    message: Any


@dataclass
class Receiver:
    """
    A running receiver.

    :param url: Its URL.
    :param statuses: The statuses of the next responses; the status of all others is 200. None closes the connection
        without a response.
    """

    url: str
    statuses: list[int | None]
    received: list[Callback] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int = 1) -> list[Callback]:
        """Wait for a number of requests and return all requests."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, CEILING)
            return list(self.received)

    def handle(self, callback: Callback) -> int | None:
        """Store a request and return the status of its response."""
        with self.changed:
            self.received.append(callback)
            self.changed.notify_all()
            return self.statuses.pop(0) if self.statuses else 200


@contextmanager
def receiving(statuses: Iterable[int | None] = ()) -> Iterator[Receiver]:
    """Run a receiver on a local port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.handle(Callback(self.path, headers, json.loads(body)))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # With the default of 5, connections that are opened at the same time can wait for a second.
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}", list(statuses))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def processed(emulator: EmulatorControl, job_id: str) -> dict[str, Any]:
    """Wait until the emulator has processed the callback of a job, and return it."""
    end = time.monotonic() + CEILING
    while True:
        (callback,) = emulator.callbacks(job_id)
        if callback["status"] != "pending":
            return callback
        assert time.monotonic() < end, callback
        time.sleep(0.01)
