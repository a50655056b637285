"""The web application: the services and the page under ``/``, and the control interface under ``/_emulator``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from airflow_provider_ims.emulator.api.messages import ApiRequest, parse_pairs
from airflow_provider_ims.emulator.control.routes import CONTROL_PATH, control_routes
from airflow_provider_ims.emulator.page.route import PageRoute
from airflow_provider_ims.emulator.server.gateway import Gateway

if TYPE_CHECKING:
    from starlette.requests import Request

JSON_TYPE = "application/json;charset=utf-8"
FORM_TYPE = "application/x-www-form-urlencoded"
METHODS = ["DELETE", "GET", "PATCH", "POST", "PUT"]


def make_app(gateway: Gateway) -> Starlette:
    """Return the application of one emulator."""
    return Starlette(
        routes=[
            Mount(CONTROL_PATH, routes=control_routes(gateway.service)),
            PageRoute(gateway.service),
            Route("/{path:path}", _endpoint(gateway), methods=METHODS),
        ]
    )


def _endpoint(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            api_request = await _read(request)
        except ValueError:
            return Response("Bad Request", 400)
        response = await gateway.handle(api_request, lambda: _disconnected(request))
        if response is None:
            request.state.transport.abort()
            # The server discards the response once it has detected the disconnect.
            await _disconnected(request)
            return Response()
        headers = {"content-type": JSON_TYPE, **response.headers}
        return Response(response.body(), response.status, headers=headers)

    return endpoint


async def _read(request: Request) -> ApiRequest:
    body = await request.body()
    is_form = request.headers.get("content-type", "").startswith(FORM_TYPE)
    return ApiRequest(
        method=request.method,
        path=request.scope["path"],
        headers=dict(request.headers.items()),
        query=parse_pairs(request.scope["query_string"].decode("ascii")),
        form=parse_pairs(body.decode("ascii")) if is_form else [],
        body=body,
    )


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
