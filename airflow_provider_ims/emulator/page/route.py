"""The route of the page, which shares its path with the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.page.document import HEADERS, document
from airflow_provider_ims.emulator.page.view import view_of

if TYPE_CHECKING:
    from starlette.types import Scope


class PageRoute(Route):
    """
    Routes requests from browsers to the page. API requests do not match this route.

    :param service: The emulated service whose state the page shows.
    """

    def __init__(self, service: EmulatedService) -> None:
        # The function is async because Starlette runs other functions in a thread, and the store is not thread-safe.
        async def endpoint(request: Request) -> Response:
            return Response(document(view_of(service)), headers=HEADERS, media_type="text/html")

        super().__init__("/", endpoint, methods=["GET"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a full match for a request for the page, and no match for any other request."""
        match, child_scope = super().matches(scope)
        return (match, child_scope) if match is Match.FULL and is_page_request(Request(scope)) else (Match.NONE, {})


def is_page_request(request: Request) -> bool:
    """
    Return whether a request for the path ``/`` is for the page and not for the API.

    A request for the page accepts HTML. It has no query string, no ``Authorization`` header and no ``x-acs-*`` headers,
    because these contain the action and the signature of an API request.
    """
    is_api_request = request.scope["query_string"] or any(
        name == "authorization" or name.startswith("x-acs-") for name in request.headers
    )
    return not is_api_request and "text/html" in request.headers.get("accept", "").lower()
