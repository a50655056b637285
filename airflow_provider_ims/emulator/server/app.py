"""The web application of the emulator: IMS, VOD, SMQ, objects in OSS, the control interface and a page for browsers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Mount, Route

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiRequest, json_body, parse_pairs
from airflow_provider_ims.emulator.control.routes import CONTROL_PATH, control_routes
from airflow_provider_ims.emulator.page.route import PageRoute
from airflow_provider_ims.emulator.server.encoding import encode, rejection
from airflow_provider_ims.emulator.server.gateway import Gateway
from airflow_provider_ims.emulator.server.objects import ObjectRoute
from airflow_provider_ims.emulator.server.processor import Processor
from airflow_provider_ims.emulator.server.queue_gateway import QueueGateway
from airflow_provider_ims.emulator.server.queue_signature import QueueRequest
from airflow_provider_ims.emulator.server.verifier import Verifier

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

FORM_TYPE = "application/x-www-form-urlencoded"
METHODS = ["DELETE", "GET", "PATCH", "POST", "PUT"]
MAX_BODY = 10 * 2**20
"""The maximum size of a request body, in bytes. The limits of the services are not documented."""


class QueueRoute(Route):
    """
    Routes requests under ``/queues`` to SMQ, except those with ``x-acs-*`` headers, which are for IMS or VOD.

    :param gateway: The object that processes the requests to SMQ.
    """

    def __init__(self, gateway: QueueGateway) -> None:
        super().__init__("/queues{rest:path}", _queue_endpoint(gateway), methods=METHODS)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a full match for a request to SMQ, and no match for any other request."""
        match, child_scope = super().matches(scope)
        rest = child_scope.get("path_params", {}).get("rest", "")
        is_api_request = any(name.startswith(b"x-acs-") for name, _ in scope.get("headers", ()))
        is_queue_request = match is Match.FULL and rest[:1] in ("", "/") and not is_api_request
        return (match, child_scope) if is_queue_request else (Match.NONE, {})


def make_app(processor: Processor) -> Starlette:
    """Return the web application of one emulator."""
    service, settings = processor.service, processor.service.settings
    verifier = Verifier(settings.access_keys, settings.sts_tokens, settings.bearer_tokens)
    return Starlette(
        routes=[
            Mount(CONTROL_PATH, routes=control_routes(service)),
            PageRoute(service),
            QueueRoute(QueueGateway(processor, verifier)),
            ObjectRoute(service, verifier),
            Route("/{path:path}", _endpoint(Gateway(processor, verifier)), methods=METHODS),
        ],
        exception_handlers={
            ClientDisconnect: _ignore_disconnect,
            HTTPException: _no_route,
            Exception: _internal_error,
        },
    )


def _endpoint(gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            api_request = await _read(request)
        except ApiError as error:
            return _rejected(request, error)
        response = await gateway.handle(api_request, lambda: _disconnected(request))
        if response is None:
            return await _cut(request)
        body, headers = encode(api_request, response)
        return Response(body, response.status, headers)

    return endpoint


def _queue_endpoint(gateway: QueueGateway) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await _read_body(request)
        except ApiError as error:
            return _rejected(request, error)
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" if query else b"") + query
        queue_request = QueueRequest(request.method, target.decode("latin-1"), dict(request.headers.items()), body)
        response = await gateway.handle(queue_request, request.scope["scheme"], lambda: _disconnected(request))
        if response is None:
            return await _cut(request)
        return Response(response.content, response.status, response.headers)

    return endpoint


async def _cut(request: Request) -> Response:
    request.state.transport.abort()
    # Wait until the server has detected the disconnect, so that it discards the response.
    await _disconnected(request)
    return Response()


async def _read(request: Request) -> ApiRequest:
    body = await _read_body(request)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        query = parse_pairs(request.scope["query_string"].decode())
        form = parse_pairs(body.decode()) if content_type == FORM_TYPE else []
    except ValueError as error:
        raise ApiError("InvalidRequest", f"The parameters cannot be parsed: {error}.") from None
    return ApiRequest(
        method=request.method,
        path=request.scope["path"],
        headers=dict(request.headers.items()),
        query=query,
        form=form,
        body=body,
    )


async def _read_body(request: Request) -> bytes:
    # If the response is sent before the whole body has been read, the server discards the rest of the body, so that the
    # client can read the response.
    too_large = ApiError("RequestEntityTooLarge", f"The limit is {MAX_BODY} bytes.")
    if int(request.headers.get("content-length", 0)) > MAX_BODY:
        raise too_large
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > MAX_BODY:
            raise too_large
    return bytes(chunks)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _no_route(request: Request, error: Exception) -> Response:
    """Return the error for an HTTP method that no route accepts, or for a request target that is not a path."""
    assert isinstance(error, HTTPException)
    if request.scope["path"].startswith(CONTROL_PATH):
        return Response(json_body({"error": error.detail}), error.status_code, media_type="application/json")
    return _rejected(
        request, ApiError("UnsupportedHTTPMethod" if error.status_code == 405 else "InvalidAction.NotFound")
    )


async def _internal_error(request: Request, error: Exception) -> Response:
    return _rejected(request, ApiError("InternalError"))


def _rejected(request: Request, error: ApiError) -> Response:
    body, headers = rejection(error, request.headers.get("host", ""))
    return Response(body, error.status, headers)


async def _ignore_disconnect(request: Request, error: Exception) -> Response:
    """Return an empty response. The server discards it, because the client has closed its connection."""
    return Response()
