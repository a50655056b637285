"""Unusual requests to the emulator, generated from a seed, and the emulator's application without a network."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from airflow_provider_ims.emulator.api.model import key_of
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.queue_actions import QUEUE_ACTIONS
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.control.faults import FAULT_KINDS
from airflow_provider_ims.emulator.control.routes import COMMANDS
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.server.app import make_app
from airflow_provider_ims.emulator.server.processor import Processor
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.store import Store
from support.submits import SUBMITS, encoded
from support.unusual_queues import queue_request
from support.unusual_values import HEADER_NAMES, UNUSUAL_BYTES, UNUSUAL_HEADERS, UNUSUAL_JSON, UNUSUAL_TEXTS

TOKEN = "unusual-token"
VERSIONS = {"ice": "2020-11-09", "vod": "2017-03-21"}

_JOB_ID = re.compile(rb'"(?:\w*JobId|TaskId)":"(\w{32})"')


class UnusualRequest(NamedTuple):
    """A request as the application receives it."""

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def __repr__(self) -> str:
        """Return the request, without the middle of long values."""
        return (
            f"{self.method} {self.path}?{_short(self.query)} {[_short(v) for _, v in self.headers]} {_short(self.body)}"
        )


def _short(value: bytes) -> str:
    return repr(value) if len(value) < 400 else f"{value[:300]!r}..{len(value)}..{value[-60:]!r}"


def form_request(action: str, version: str, parameters: Mapping[str, str]) -> UnusualRequest:
    """Return a request with a bearer token and a form body."""
    headers = [
        (b"host", b"127.0.0.1:80"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"x-acs-action", action.encode()),
        (b"x-acs-version", version.encode()),
        (b"x-acs-date", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()),
        (b"x-acs-bearer-token", TOKEN.encode()),
    ]
    body = urlencode(parameters, quote_via=quote, errors="surrogatepass").encode()
    return UnusualRequest("POST", "/", b"SignatureType=BEARERTOKEN", headers, body)


class Response(NamedTuple):
    """A response of the application."""

    status: int
    body: bytes


class Application:
    """
    The application of an emulator, called without a network.

    :param state: The file for its state; default: in memory.
    """

    def __init__(self, state: Path | None = None) -> None:
        self.store = Store(str(state) if state else ":memory:")
        self.service = EmulatedService(Settings(clock="manual", bearer_tokens=(TOKEN,)), self.store)
        self._app = make_app(Processor(self.service))

    async def __call__(self, request: UnusualRequest) -> Response:
        """Return the response; the status is 0 if the connection was cut."""
        received: list[dict[str, Any]] = []
        messages = iter([{"type": "http.request", "body": request.body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Mapping[str, Any]) -> None:
            received.append(dict(message))

        cut = False

        def abort() -> None:
            nonlocal cut
            cut = True

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "raw_path": request.path.encode("utf-8", "replace"),
            "query_string": request.query,
            "root_path": "",
            "headers": request.headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {"transport": SimpleNamespace(abort=abort)},
        }
        await self._app(scope, receive, send)  # type: ignore[arg-type]
        if cut:
            return Response(0, b"")
        return Response(received[0]["status"], b"".join(message.get("body", b"") for message in received[1:]))

    def has_injected_fault(self) -> bool:
        """Return whether an injected fault affected the last request."""
        return bool(self.requests()[-1]["faults"])

    def requests(self) -> list[dict[str, Any]]:
        """Return the records of all requests."""
        page = self.store.requests.page()
        records = page.records
        while page.next is not None:
            page = self.store.requests.page(after=page.next)
            records += page.records
        return records

    def close(self) -> None:
        """Close the store."""
        self.store.close()


class UnusualRequests:
    """
    Generates requests with unusual parameters, headers, bodies and options.

    :param seed: The same seed results in the same requests if the responses are the same.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._job_ids = ["no-such-job"]
        self._next: list[UnusualRequest] = []
        self._submits = [(key_of(name, VERSIONS[code]), code, good) for (code, name), good in SUBMITS.items()]
        self._others = [key for key in ACTIONS if key not in JOB_KINDS]
        self._makers: list[Callable[[], UnusualRequest]] = [
            *[self.submit] * 6,
            *[self.other] * 4,
            *[self.raw] * 2,
            *[self.control] * 4,
            *[self.queue] * 3,
        ]

    def next(self) -> UnusualRequest:
        """Return the next request."""
        if self._next:
            return self._next.pop()
        return self._random.choice(self._makers)()

    def receive(self, request: UnusualRequest, response: Response) -> None:
        """Store the job id of a response. For half of the jobs, generate requests next that query and end the job."""
        found = _JOB_ID.search(response.body)
        if found is None:
            return
        job_id = found[1].decode()
        self._job_ids = [*self._job_ids[-200:], job_id]
        headers = dict(request.headers)
        action, version = (headers.get(name, b"").decode("latin-1") for name in (b"x-acs-action", b"x-acs-version"))
        kind = JOB_KINDS.get(key_of(action, version))
        if kind is not None and self._random.random() < 0.5:
            family = kind.family
            parameters = {family.id_parameter: job_id, **family.fixed_parameters}
            query = self._call(family.query, family.product.version, parameters)
            finish = UnusualRequest("POST", "/_emulator/finish", b"", [], json.dumps({"job_id": job_id}).encode())
            self._next += [query._replace(headers=[request.headers[0], *query.headers[1:]]), finish, query]

    def submit(self) -> UnusualRequest:
        """Return a submit request with unusual parameters."""
        key, code, good = self._random.choice(self._submits)
        valid = encoded(good)
        parameters = dict(valid)
        rules = list(JOB_KINDS[key].parameters)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3))):
            name = self._random.choice([*rules, "RegionId"])
            parameters[name] = self._unusual_value(valid.get(name, ""))
        return self._call(key.removeprefix("vod:"), VERSIONS[code], parameters)

    def other(self) -> UnusualRequest:
        """Return a request for an action that submits no job, with unusual parameters."""
        key = self._random.choice(self._others)
        action = ACTIONS[key]
        parameters = {}
        for name, rule in action.parameters.items():
            if rule.required or self._random.random() < 0.3:
                parameters[name] = self._random.choice((self._job_id(), "1", "Finished", "2026-01-01T00:00:00Z"))
        for _ in range(self._random.choice((0, 1, 1, 2))):
            parameters[self._random.choice([*action.parameters, "RegionId"])] = self._unusual_value("")
        return self._call(key.removeprefix("vod:"), action.product.version, parameters)

    def raw(self) -> UnusualRequest:
        """Return a request with an unusual method, path, query, header or body."""
        request = self._random.choice((self.submit, self.other))()
        choose = self._random.choice
        headers = dict(request.headers)
        headers[choose(HEADER_NAMES)] = choose(UNUSUAL_HEADERS)
        changed = (
            request._replace(headers=list(headers.items())),
            request._replace(query=request.query + b"&" + choose(UNUSUAL_BYTES)),
            request._replace(query=choose(UNUSUAL_BYTES)),
            request._replace(
                body=choose(UNUSUAL_BYTES) * choose((1, 1, 1_001)),
                headers=[*request.headers, (b"content-type", b"Application/X-WWW-Form-urlencoded; charset=x")],
            ),
            request._replace(path=choose(("//", "/a", "/_emulator", "/_emulator/", "/\0", "/é", "/%00"))),
            request._replace(method=choose(("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "NONE"))),
        )
        return choose(changed)

    def control(self) -> UnusualRequest:
        """Return a command of the control interface with unusual options."""
        choose = self._random.choice
        method, path = choose(list(COMMANDS))
        declared = COMMANDS[method, path].options
        options = {name: value for name, value in self._valid_options(path).items() if name in declared}
        for _ in range(choose((0, 1, 1, 2))):
            options[choose([*declared, "unusual"])] = "@unusual@"
        body = choose([_with_unusual(options, choose)] * 9 + [choose(UNUSUAL_JSON)])
        query = urlencode({name: choose(UNUSUAL_TEXTS) for name in declared if choose((0, 1))})
        is_post = method == "POST"
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        return UnusualRequest(
            method, f"/_emulator{path}", b"" if is_post else query.encode(), headers, body.encode() if is_post else b""
        )

    def queue(self) -> UnusualRequest:
        """Return a signed request to SMQ with an unusual path, query or body."""
        return UnusualRequest(*queue_request(self._random.choice))

    def _valid_options(self, path: str) -> dict[str, Any]:
        choose = self._random.choice
        if path == "/add_jobs":
            key, _, good = choose(self._submits)
            return {"kind": key, "parameters": encoded(good), "seconds": [1]}
        kind = choose(list(FAULT_KINDS))
        return {
            "action": choose([*ACTIONS, *QUEUE_ACTIONS, "*", "smq:*"]),
            "kind": kind,
            "count": 1,
            "options": {name: "@unusual@" for name in FAULT_KINDS[kind].options if choose((0, 0, 1))},
            "job_id": self._job_id(),
            "seconds": 1,
            "state": "Finished",
            "queue": "ice-callback-a",
            "bodies": ["one"],
        }

    def _job_id(self) -> str:
        return self._random.choice(self._job_ids)

    def _unusual_value(self, value: str) -> str:
        choose = self._random.choice
        if value[:1] not in ("{", "[") or self._random.random() < 0.2:
            return choose((choose(UNUSUAL_TEXTS), choose(UNUSUAL_JSON)))
        parsed = json.loads(value)
        path = choose(list(_paths(parsed)))
        if self._random.random() < 0.2:
            path = (*path, choose(("unusual", "", "a\0b", "Count", "0")))
        return _with_unusual(_replaced(parsed, path), choose)

    def _call(self, action: str, version: str, parameters: Mapping[str, str]) -> UnusualRequest:
        request = form_request(action, version, parameters)
        if self._random.random() < 0.8:
            request = request._replace(query=request.query + b"&" + request.body, body=b"")
        if self._random.random() < 0.5:
            request = request._replace(headers=[(b"host", b"ice.cn-beijing.aliyuncs.com"), *request.headers[1:]])
        return request


def _with_unusual(value: Any, choose: Callable[[Any], Any]) -> str:
    """Return JSON in which each placeholder is replaced by unusual JSON."""
    first, *others = json.dumps(value).split('"@unusual@"')
    return first + "".join(choose(UNUSUAL_JSON) + other for other in others)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield from _paths(inner, (*path, step))


def _replaced(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return "@unusual@"
    step, *rest = path
    if isinstance(value, dict):
        return {**value, step: _replaced(value.get(step), tuple(rest))}
    if isinstance(value, list) and isinstance(step, int):
        return [_replaced(item, tuple(rest)) if index == step else item for index, item in enumerate(value)]
    return "@unusual@"


async def respond(application: Application, request: UnusualRequest) -> Response:
    """Return the response to a request; raise an error after ten seconds."""
    response: Awaitable[Response] = application(request)
    return await asyncio.wait_for(response, 10)
