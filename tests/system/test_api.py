"""The client of Airflow's REST API repeats requests that Airflow's database rejected."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local_airflow import api as module
from local_airflow.api import AirflowApi, AirflowApiError

LOCKED = (500, {"detail": {"reason": "Database error"}})
OTHER = (500, {"detail": "Internal Server Error"})
CREATED = (200, {"dag_run_id": "r"})


class Server(HTTPServer):
    """An API server that returns its responses in order, and repeats the last one."""

    responses: list[tuple[int, object]]
    requests: int = 0


class Handler(BaseHTTPRequestHandler):
    """Returns a token for GET, and the next response for POST."""

    server: Server

    def do_GET(self) -> None:
        self.respond(200, {"access_token": "t"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        responses = self.server.responses
        self.respond(*(responses.pop(0) if len(responses) > 1 else responses[0]))

    def respond(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "DATABASE_PAUSE", 0.0)
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def api_of(server: Server) -> AirflowApi:
    return AirflowApi(f"http://127.0.0.1:{server.server_port}")


def test_a_request_that_the_database_rejected_is_sent_again(server: Server) -> None:
    server.responses = [LOCKED, LOCKED, CREATED]
    assert api_of(server).trigger("dag") == "r"
    assert server.requests == 3


@pytest.mark.parametrize(
    ("response", "requests"), [(LOCKED, module.DATABASE_ATTEMPTS), (OTHER, 1)], ids=["database", "other"]
)
def test_an_error_is_raised_at_once_unless_the_database_rejected_the_request(
    response: tuple[int, object], requests: int, server: Server
) -> None:
    server.responses = [response]
    with pytest.raises(AirflowApiError, match="500"):
        api_of(server).trigger("dag")
    assert server.requests == requests
