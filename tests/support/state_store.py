"""The state store of an asset, which Airflow provides in triggerers as of version 3.3."""

from __future__ import annotations

from typing import Any


class StateStore:
    """
    The state store of one asset, in memory.

    :ivar values: The stored values by key.
    :ivar error: The error that all methods raise, if set.
    """

    def __init__(self, values: Any = None, error: Exception | None = None) -> None:
        self.values = dict(values or {})
        self.error = error
        self.writes = 0

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.error is not None:
            raise self.error
        return self.values.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        if self.error is not None:
            raise self.error
        self.writes += 1
        self.values[key] = list(value)
