"""A secrets backend that can simulate an outage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow.secrets.base_secrets import BaseSecretsBackend


class SecretsOutageError(Exception):
    """The backend is unavailable."""


class FileSecrets(BaseSecretsBackend):
    """
    Reads connections from a JSON file of the form ``{conn_id: uri}``.

    :param connections: The path of the JSON file.
    :param outage: The path of a file. While this file exists, every lookup raises an exception.
    """

    def __init__(self, connections: str, outage: str, **_: Any) -> None:
        super().__init__()
        self._connections = Path(connections)
        self._outage = Path(outage)

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """Return the URI of a connection, or None."""
        value: str | None = self._read().get(conn_id)
        return value

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """Return None: the backend contains no variables."""
        self._read()
        return None

    def get_config(self, key: str) -> str | None:
        """Return None: the backend contains no configuration options."""
        return None

    def _read(self) -> dict[str, str]:
        if self._outage.exists():
            raise SecretsOutageError("The secrets backend is unavailable.")
        if not self._connections.exists():
            return {}
        connections: dict[str, str] = json.loads(self._connections.read_text())
        return connections
