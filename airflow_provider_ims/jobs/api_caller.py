"""What the jobs need of a hook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class ApiCaller(Protocol):
    """Something that calls actions of one product: a hook, or the poller's careful way of using one."""

    def call(
        self, action: str, params: Mapping[str, Any], *, attempts: int = ..., throttle_timeout: float = ...
    ) -> dict[str, Any]:
        """Call an API action and return the answer's body."""
