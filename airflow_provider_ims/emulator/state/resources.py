"""Stores resources, such as media assets and templates, in the database of the store."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    fields TEXT NOT NULL,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    UNIQUE (kind, region, id)
);
"""
_NAMES = "seq, kind, region, id, fields, created, modified"


@dataclass
class Resource:
    """
    A resource.

    :param kind: The key of its resource kind.
    :param region: The id of its region.
    :param id: Its id, which is unique within its kind and region.
    :param fields: The stored fields, by name.
    :param created: When it was created, in seconds of the job clock.
    :param modified: When it was last changed, in seconds of the job clock.
    :param seq: Its number in the order of creation; 0 until it is stored.
    """

    kind: str
    region: str
    id: str
    fields: dict[str, Any]
    created: float
    modified: float
    seq: int = 0


class ResourceTable:
    """
    The table of all resources.

    :param db: The database connection of the store. The store commits all changes.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_SCHEMA)

    def save(self, resource: Resource) -> None:
        """Store a new resource, or the changes to an existing one."""
        cursor = self._db.execute(
            "INSERT INTO resources (kind, region, id, fields, created, modified)"
            " VALUES (:kind, :region, :id, :fields, :created, :modified)"
            " ON CONFLICT (kind, region, id) DO UPDATE SET fields = :fields, modified = :modified",
            {**vars(resource), "fields": json.dumps(resource.fields)},
        )
        resource.seq = resource.seq or cursor.lastrowid or 0

    def get(self, kind: str, region: str, resource_id: str) -> Resource | None:
        """Return a resource by its id; None if it does not exist."""
        query = f"SELECT {_NAMES} FROM resources WHERE kind = ? AND region = ? AND id = ?"
        row = self._db.execute(query, (kind, region, resource_id)).fetchone()
        return None if row is None else _resource(row)

    def all(self, kind: str, region: str) -> list[Resource]:
        """Return all resources of a kind in a region, oldest first."""
        query = f"SELECT {_NAMES} FROM resources WHERE kind = ? AND region = ? ORDER BY seq"
        return [_resource(row) for row in self._db.execute(query, (kind, region))]

    def next_number(self) -> int:
        """Return a number that is larger than the ``seq`` of every resource so far, including deleted resources."""
        row = self._db.execute("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'resources'").fetchone()
        return 1 if row is None else int(row[0])

    def delete(self, resource: Resource) -> None:
        """Delete a resource."""
        self._db.execute("DELETE FROM resources WHERE seq = ?", (resource.seq,))

    def reset(self) -> None:
        """Delete all resources."""
        self._db.execute("DELETE FROM resources")


def _resource(row: sqlite3.Row) -> Resource:
    return Resource(**{**dict(row), "fields": json.loads(row["fields"])})
