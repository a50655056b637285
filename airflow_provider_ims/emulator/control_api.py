"""The control interface on the side of the server: a path that the real services do not have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_ims.emulator.jobs import UnknownJobError
from airflow_provider_ims.emulator.wire import body

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_ims.emulator.gateway import Gateway

CONTROL_PATH = "/_emulator"

Command = Callable[["Gateway", dict[str, Any]], Any]


def _add_fault(gateway: Gateway, options: dict[str, Any]) -> Any:
    fault = gateway.faults.add(
        options["action"],
        options["kind"],
        options.get("count"),
        options.get("options", {}),
        share=options.get("share", 1.0),
        seed=options.get("seed"),
    )
    return fault.describe()


def _on_job(method: str) -> Command:
    def command(gateway: Gateway, options: dict[str, Any]) -> Any:
        job = getattr(gateway.jobs, method)(**options)
        gateway.store.commit()
        return gateway.describe(job)

    return command


# (HTTP method, path) -> what it does
COMMANDS: dict[tuple[str, str], Command] = {
    ("GET", "/health"): lambda gateway, _: {"status": "ok", "time": gateway.clock.now()},
    ("GET", "/requests"): lambda gateway, options: gateway.store.requests(options.get("action")),
    ("GET", "/counts"): lambda gateway, _: gateway.store.counts(),
    ("GET", "/jobs"): lambda gateway, options: [gateway.describe(j) for j in gateway.store.jobs(options.get("kind"))],
    ("GET", "/faults"): lambda gateway, _: gateway.faults.describe(),
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): lambda gateway, _: gateway.faults.clear(),
    ("POST", "/release"): lambda gateway, _: gateway.faults.release(),
    ("POST", "/advance"): lambda gateway, options: gateway.advance(options["seconds"]),
    ("POST", "/reset"): lambda gateway, _: gateway.reset(),
    ("POST", "/add_jobs"): lambda gateway, options: gateway.add_jobs(**options),
    ("POST", "/finish"): _on_job("finish"),
    ("POST", "/fail"): _on_job("fail"),
    ("POST", "/fail_videos"): _on_job("fail_videos"),
    ("POST", "/set_state"): _on_job("set_state"),
}


def control_routes(gateway: Gateway) -> list[Route]:
    """Return the routes of the control interface."""
    return [Route(path, _endpoint(gateway, command), methods=[method]) for (method, path), command in COMMANDS.items()]


def _endpoint(gateway: Gateway, command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            options = await request.json() if request.method == "POST" else dict(request.query_params)
            return _answer(command(gateway, options))
        except UnknownJobError as error:
            return _answer({"error": str(error)}, 404)
        except (KeyError, TypeError, ValueError) as error:
            return _answer({"error": str(error)}, 400)

    return endpoint


def _answer(content: Any, status: int = 200) -> Response:
    return Response(body(content), status, media_type="application/json")
