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
    Serves the page to browsers, and leaves all API requests to the next route.

    :param service: The emulator to show.
    """

    def __init__(self, service: EmulatedService) -> None:
        # Not in a thread, because the store is not thread-safe.
        async def endpoint(request: Request) -> Response:
            return Response(document(view_of(service)), headers=HEADERS, media_type="text/html")

        super().__init__("/", endpoint, methods=["GET"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a match if the request is for the path of the page, and not to the API."""
        match, child_scope = super().matches(scope)
        return (match, child_scope) if match is Match.FULL and is_page_request(Request(scope)) else (Match.NONE, {})


def is_page_request(request: Request) -> bool:
    """
    Return whether a request for the root path accepts HTML and has no part of an API request.

    An API request has its action and signature in the query, or in the headers x-acs-* and Authorization.
    """
    is_api_request = request.scope["query_string"] or any(
        name == "authorization" or name.startswith("x-acs-") for name in request.headers
    )
    return not is_api_request and "text/html" in request.headers.get("accept", "").lower()
