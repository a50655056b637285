"""Pagination of the listings of jobs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.model import Listing
from airflow_provider_ims.emulator.api.parameters import MAX_INTEGER
from airflow_provider_ims.emulator.state.store import Filter, Job, Store

DEFAULT_PAGE_SIZE = 10
PAGE_PARAMETERS = ("PageNo", "PageSize")


@dataclass(frozen=True)
class JobPage:
    """
    One page of a listing.

    :param size: The requested page size, by default 10. The last page can contain fewer jobs.
    :param next_token: The token of the next page; empty if this page is the last one.
    :param numbered: Whether the request contains ``PageNo`` or ``PageSize``, and the listing accepts page numbers.
    """

    jobs: list[Job]
    size: int
    next_token: str
    numbered: bool


def take_page(listing: Listing, parameters: Mapping[str, str], store: Store, selected: Filter, now: float) -> JobPage:
    """
    Return the requested page of a listing.

    :param selected: The filter that the request specifies.
    :param now: The time of the job clock at which the states of the jobs are evaluated.
    :raises ApiError: If the page token is invalid.
    """
    numbered = listing.numbered and any(name in parameters for name in PAGE_PARAMETERS)
    size = int(parameters.get("PageSize" if numbered else listing.page_size, DEFAULT_PAGE_SIZE))
    token = parameters.get(listing.token)
    found = store.page(
        selected,
        now=now,
        newest_first=parameters.get(listing.order) != listing.orders[1],
        limit=size + 1,
        after=_parse_token(token, listing.token) if token else None,
        offset=min((int(parameters.get("PageNo", 1)) - 1) * size, MAX_INTEGER) if numbered else 0,
    )
    more = len(found) > size
    next_token = base64.b64encode(f"seq:{found[size - 1].seq}".encode()).decode() if more else ""
    return JobPage(found[:size], size, next_token, numbered)


def _parse_token(token: str, name: str) -> int:
    try:
        prefix, _, seq = base64.b64decode(token, validate=True).decode().partition(":")
        if prefix == "seq" and abs(int(seq)) <= MAX_INTEGER:
            return int(seq)
    except (binascii.Error, ValueError):
        pass
    raise invalid(name, "It is not a page token from an earlier response.")
