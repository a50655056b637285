"""The server side of the control interface, under a path that does not exist in the real services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_ims.emulator.api.jobs import UnknownJobError
from airflow_provider_ims.emulator.api.messages import json_body
from airflow_provider_ims.emulator.control.service import EmulatedService

if TYPE_CHECKING:
    from starlette.requests import Request

CONTROL_PATH = "/_emulator"

Command = Callable[[EmulatedService, dict[str, Any]], Any]


def _add_fault(service: EmulatedService, options: dict[str, Any]) -> Any:
    fault = service.faults.add(
        options["action"],
        options["kind"],
        options.get("count"),
        options.get("options", {}),
        share=options.get("share", 1.0),
        seed=options.get("seed"),
    )
    return fault.describe()


def _list_jobs(service: EmulatedService, options: dict[str, Any]) -> Any:
    return [service.describe(job) for job in service.store.jobs(options.get("kind"))]


def _on_job(method: str) -> Command:
    def command(service: EmulatedService, options: dict[str, Any]) -> Any:
        job = getattr(service.jobs, method)(**options)
        service.store.commit()
        return service.describe(job)

    return command


# (HTTP method, path) -> command
COMMANDS: dict[tuple[str, str], Command] = {
    ("GET", "/health"): lambda service, _: {"status": "ok", "time": service.clock.now()},
    ("GET", "/requests"): lambda service, options: service.store.requests(options.get("action")),
    ("GET", "/counts"): lambda service, _: service.store.counts(),
    ("GET", "/jobs"): _list_jobs,
    ("GET", "/faults"): lambda service, _: service.faults.describe(),
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): lambda service, _: service.faults.clear(),
    ("GET", "/callbacks"): lambda service, options: [
        vars(notification) for notification in service.store.callbacks.notifications(options.get("job_id"))
    ],
    ("POST", "/release"): lambda service, _: service.faults.release(),
    ("POST", "/advance"): lambda service, options: service.advance(options["seconds"]),
    ("POST", "/reset"): lambda service, _: service.reset(),
    ("POST", "/add_jobs"): lambda service, options: service.add_jobs(**options),
    ("POST", "/finish"): _on_job("finish"),
    ("POST", "/fail"): _on_job("fail"),
    ("POST", "/fail_videos"): _on_job("fail_videos"),
    ("POST", "/set_state"): _on_job("set_state"),
}


def control_routes(service: EmulatedService) -> list[Route]:
    """Return the routes of the control interface."""
    return [Route(path, _endpoint(service, command), methods=[method]) for (method, path), command in COMMANDS.items()]


def _endpoint(service: EmulatedService, command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            options = await request.json() if request.method == "POST" else dict(request.query_params)
            return _response(command(service, options))
        except UnknownJobError as error:
            return _response({"error": str(error)}, 404)
        except (KeyError, TypeError, ValueError) as error:
            return _response({"error": str(error)}, 400)

    return endpoint


def _response(content: Any, status: int = 200) -> Response:
    return Response(json_body(content), status, media_type="application/json")
