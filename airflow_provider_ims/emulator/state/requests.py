"""Stores the records of requests, up to a maximum total size."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

MAX_BYTES = 64 * 2**20
"""The maximum total size of the records in bytes. The oldest records are deleted first, but the counts still
include them."""
PAGE_BYTES = 4 * 2**20
"""The maximum size of a page in bytes. Only a page with a single record can be larger."""
PAGE_RECORDS = 1_000
"""The maximum number of records on a page."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    size INTEGER NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_by_action ON requests (action, seq);
CREATE TABLE IF NOT EXISTS request_counts (
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (action, status)
) WITHOUT ROWID;
"""


class RecordPage(NamedTuple):
    """
    A page of records.

    :param next: The number of the last record on the page, after which the next page begins; None on the last page.
    """

    records: list[dict[str, Any]]
    next: int | None


class RequestTable:
    """
    The tables of request records and request counts.

    :param db: The database connection of the store. The store commits all changes.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_SCHEMA)
        self._bytes = int(db.execute("SELECT coalesce(sum(size), 0) FROM requests").fetchone()[0])

    def add(self, record: dict[str, Any]) -> int:
        """Store the record of a request and return its number."""
        text = json.dumps(record)
        query = "INSERT INTO requests (action, size, record) VALUES (?, ?, ?)"
        cursor = self._db.execute(query, (record["action"], len(text), text))
        self._bytes += len(text)
        self._count(record["action"], record["status"], 1)
        self._delete_oldest()
        return cursor.lastrowid or 0

    def update(self, seq: int, record: dict[str, Any]) -> None:
        """Replace a record that was stored before the request got its response."""
        text = json.dumps(record)
        row = self._db.execute("SELECT size FROM requests WHERE seq = ?", (seq,)).fetchone()
        if row is not None:
            self._db.execute("UPDATE requests SET size = ?, record = ? WHERE seq = ?", (len(text), text, seq))
            self._bytes += len(text) - row[0]
        self._count(record["action"], None, -1)
        self._count(record["action"], record["status"], 1)
        self._delete_oldest()

    def page(self, action: str | None = None, *, after: int = 0, limit: int = PAGE_RECORDS) -> RecordPage:
        """
        Return one page of the records of an action, or of all records, oldest first.

        :param after: The number of the last record of the previous page.
        :param limit: The maximum number of records.
        """
        where = "seq > :after" + (" AND action = :action" if action else "")
        rows = self._db.execute(
            f"SELECT seq, size, record FROM requests WHERE {where} ORDER BY seq LIMIT :limit",
            {"after": after, "action": action, "limit": limit + 1},
        )
        records: list[dict[str, Any]] = []
        last, total = after, 0
        for seq, size, record in rows:
            if records and (len(records) == limit or total + size > PAGE_BYTES):
                return RecordPage(records, last)
            records.append(json.loads(record))
            last, total = seq, total + size
        return RecordPage(records, None)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """
        Return up to ``limit`` records, newest first.

        Their total size is at most ``PAGE_BYTES``, unless the newest record alone is larger.
        """
        records: list[dict[str, Any]] = []
        total = 0
        for size, record in self._db.execute("SELECT size, record FROM requests ORDER BY seq DESC LIMIT ?", (limit,)):
            total += size
            if records and total > PAGE_BYTES:
                break
            records.append(json.loads(record))
        return records

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of requests by action and status; the status ``"0"`` means that there was no response."""
        result: dict[str, dict[str, int]] = {}
        query = "SELECT action, status, number FROM request_counts WHERE number > 0"
        for action, status, number in self._db.execute(query):
            result.setdefault(action, {})[str(status)] = number
        return result

    def reset(self) -> None:
        """Delete all records and counts."""
        self._db.execute("DELETE FROM requests")
        self._db.execute("DELETE FROM request_counts")
        self._bytes = 0

    def _count(self, action: str, status: int | None, number: int) -> None:
        self._db.execute(
            "INSERT INTO request_counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
            (action, status or 0, number),
        )

    def _delete_oldest(self) -> None:
        while self._bytes > MAX_BYTES:
            seq, size = self._db.execute("SELECT seq, size FROM requests ORDER BY seq LIMIT 1").fetchone()
            self._db.execute("DELETE FROM requests WHERE seq = ?", (seq,))
            self._bytes -= size
