"""The HTTP routes of the control interface. Their prefix ``/_emulator`` is not a path of the real services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_ims.emulator.api.jobs import UnknownJobError
from airflow_provider_ims.emulator.api.messages import json_body, load
from airflow_provider_ims.emulator.control.options import (
    COUNT_TEXT,
    DURATIONS,
    INTEGER,
    LIMIT_TEXT,
    NUMBER,
    OBJECT,
    PARAMETERS,
    REGION,
    TEXT,
    TEXTS,
    Option,
    check_options,
)
from airflow_provider_ims.emulator.control.queues import list_messages, list_queues, put_messages, show_messages
from airflow_provider_ims.emulator.control.service import EmulatedService

if TYPE_CHECKING:
    from starlette.requests import Request

CONTROL_PATH = "/_emulator"

Run = Callable[[EmulatedService, dict[str, Any]], Any]


@dataclass(frozen=True)
class Command:
    """
    A command of the control interface.

    :param run: A function that runs the command with valid options and returns the content of the JSON response.
    :param options: The accepted options: parameters in the query, or fields in the JSON body of a POST request.
    """

    run: Run
    options: Mapping[str, Option] = field(default_factory=dict)


def _add_fault(service: EmulatedService, options: dict[str, Any]) -> Any:
    arguments = {"count": None, "options": {}, **options}
    return service.faults.add(**arguments).describe()


def _list_requests(service: EmulatedService, options: dict[str, Any]) -> Any:
    position = {name: int(options[name]) for name in ("after", "limit") if name in options}
    page = service.store.requests.page(options.get("action"), **position)
    return {"requests": page.records, "next": page.next}


def _list_jobs(service: EmulatedService, options: dict[str, Any]) -> Any:
    return [service.describe(job) for job in service.store.jobs(options.get("kind"))]


def _list_callbacks(service: EmulatedService, options: dict[str, Any]) -> Any:
    return [vars(notification) for notification in service.store.callbacks.notifications(options.get("job_id"))]


def _on_job(method: str) -> Run:
    def run(service: EmulatedService, options: dict[str, Any]) -> Any:
        job = getattr(service.jobs, method)(**options)
        service.store.commit()
        return service.describe(job)

    return run


_JOB = {"job_id": TEXT.needed()}
_ERROR = {"code": TEXT, "message": TEXT}
_QUEUE = {"queue": TEXT.needed(), "region": REGION}
_FAULT = {"action": TEXT.needed(), "kind": TEXT.needed(), "count": INTEGER, "options": OBJECT, "share": NUMBER}
_NEW_JOBS = {"kind": TEXT.needed(), "parameters": PARAMETERS.needed(), "seconds": DURATIONS.needed()}

# (HTTP method, path) -> command
COMMANDS: dict[tuple[str, str], Command] = {
    ("GET", "/health"): Command(lambda service, _: {"status": "ok", "time": service.clock.now()}),
    ("GET", "/requests"): Command(_list_requests, {"action": TEXT, "after": COUNT_TEXT, "limit": LIMIT_TEXT}),
    ("GET", "/counts"): Command(lambda service, _: service.store.requests.counts()),
    ("GET", "/jobs"): Command(_list_jobs, {"kind": TEXT}),
    ("GET", "/faults"): Command(lambda service, _: service.faults.describe()),
    ("POST", "/faults"): Command(_add_fault, {**_FAULT, "seed": INTEGER}),
    ("DELETE", "/faults"): Command(lambda service, _: service.faults.clear()),
    ("GET", "/callbacks"): Command(_list_callbacks, {"job_id": TEXT}),
    ("GET", "/queues"): Command(list_queues),
    ("GET", "/messages"): Command(list_messages, _QUEUE),
    ("POST", "/put_messages"): Command(put_messages, {**_QUEUE, "bodies": TEXTS.needed()}),
    ("POST", "/show_messages"): Command(show_messages, _QUEUE),
    ("POST", "/release"): Command(lambda service, _: service.faults.release()),
    ("POST", "/advance"): Command(lambda service, given: service.advance(**given), {"seconds": NUMBER.needed()}),
    ("POST", "/reset"): Command(lambda service, _: service.reset()),
    ("POST", "/add_jobs"): Command(lambda service, given: service.add_jobs(**given), {**_NEW_JOBS, "region": REGION}),
    ("POST", "/finish"): Command(_on_job("finish"), _JOB),
    ("POST", "/fail"): Command(_on_job("fail"), {**_JOB, **_ERROR}),
    ("POST", "/fail_videos"): Command(_on_job("fail_videos"), {**_JOB, "count": INTEGER.needed(), **_ERROR}),
    ("POST", "/set_state"): Command(_on_job("set_state"), {**_JOB, "state": TEXT}),
}


def control_routes(service: EmulatedService) -> list[Route]:
    """Return the routes of the control interface."""
    return [Route(path, _endpoint(service, command), methods=[method]) for (method, path), command in COMMANDS.items()]


def _endpoint(service: EmulatedService, command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            options = check_options(await _options_of(request), command.options)
            return _response(command.run(service, options))
        except UnknownJobError as error:
            return _response({"error": str(error)}, 404)
        except ValueError as error:
            # A rejected command must not change anything.
            service.store.rollback()
            return _response({"error": str(error)}, 400)

    return endpoint


async def _options_of(request: Request) -> Any:
    if request.method != "POST":
        return dict(request.query_params)
    try:
        return load(await request.body() or b"{}")
    except ValueError as error:
        raise ValueError(f"the body is not valid JSON: {error}") from None


def _response(content: Any, status: int = 200) -> Response:
    return Response(json_body(content), status, media_type="application/json")
