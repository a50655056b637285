"""The web application: the services under ``/``, the control interface under ``/_emulator``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from airflow_provider_ims.emulator.control_api import CONTROL_PATH, control_routes
from airflow_provider_ims.emulator.wire import Call, Reply, pairs

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_ims.emulator.gateway import Gateway

JSON_TYPE = "application/json;charset=utf-8"
METHODS = ["DELETE", "GET", "PATCH", "POST", "PUT"]
FORM_TYPE = "application/x-www-form-urlencoded"


def make_app(gateway: Gateway) -> Starlette:
    """Return the application of one emulator."""
    return Starlette(
        routes=[
            Mount(CONTROL_PATH, routes=control_routes(gateway)),
            Route("/{path:path}", _service(gateway), methods=METHODS),
        ]
    )


def _service(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def service(request: Request) -> Response:
        try:
            call = await _read(request)
        except ValueError:
            return Response("Bad Request", 400)
        reply = await gateway.answer(call, lambda: _disconnected(request))
        if reply is None:
            request.state.transport.abort()
            # The server may only answer once it has noticed: then it drops the answer.
            await _disconnected(request)
            return Response()
        return _response(reply)

    return service


async def _read(request: Request) -> Call:
    body = await request.body()
    is_form = request.headers.get("content-type", "").startswith(FORM_TYPE)
    return Call(
        method=request.method,
        path=request.scope["path"],
        headers=dict(request.headers.items()),
        query=pairs(request.scope["query_string"].decode("ascii")),
        form=pairs(body.decode("ascii")) if is_form else [],
        body=body,
    )


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(reply: Reply) -> Response:
    return Response(reply.payload(), reply.status, headers={"content-type": JSON_TYPE, **reply.headers})
