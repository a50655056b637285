"""Pages of the two listings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_ims.emulator.errors import invalid
from airflow_provider_ims.emulator.store import Filter, Job, Store

DEFAULT_PAGE = 10


@dataclass(frozen=True)
class Page:
    """Which part of a listing is asked for."""

    size: int
    newest_first: bool
    after: int | None
    offset: int
    numbered: bool

    @classmethod
    def of(cls, parameters: Mapping[str, str], *, oldest_first: str) -> Page:
        """
        Return the page that the parameters ask for.

        :param oldest_first: the word of SortBy that turns the default order round.
        """
        numbered = "PageNo" in parameters or "PageSize" in parameters
        size = int(parameters.get("PageSize" if numbered else "MaxResults", DEFAULT_PAGE))
        token = parameters.get("NextToken")
        return cls(
            size=size,
            newest_first=parameters.get("SortBy") != oldest_first,
            after=_parse_token(token) if token else None,
            offset=(int(parameters.get("PageNo", 1)) - 1) * size if numbered else 0,
            numbered=numbered,
        )

    def take(self, store: Store, wanted: Filter, now: float) -> tuple[list[Job], str]:
        """Return the jobs of the page, and the token for the next one: empty if there is none."""
        found = store.page(
            wanted,
            now=now,
            newest_first=self.newest_first,
            limit=self.size + 1,
            after=self.after,
            offset=self.offset,
        )
        if len(found) <= self.size:
            return found, ""
        found.pop()
        return found, base64.b64encode(f"seq:{found[-1].seq}".encode()).decode()


def _parse_token(token: str) -> int:
    try:
        kind, _, seq = base64.b64decode(token, validate=True).decode().partition(":")
        if kind == "seq":
            return int(seq)
    except (binascii.Error, ValueError):
        pass
    raise invalid("NextToken", "It is not a token of an earlier page.")
