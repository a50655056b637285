"""Stores the callback settings of each region and the callbacks of jobs, in the database of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PENDING = "pending"
_PENDING = f"status = '{PENDING}'"

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS callback_settings (
    product TEXT NOT NULL,
    region TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (product, region)
);
CREATE TABLE IF NOT EXISTS notifications (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT '{PENDING}',
    due REAL,
    delay REAL NOT NULL DEFAULT 0,
    copies INTEGER NOT NULL DEFAULT 1,
    event_type TEXT,
    url TEXT,
    message TEXT NOT NULL DEFAULT 'null',
    tries TEXT NOT NULL DEFAULT '[]',
    reason TEXT
);
CREATE INDEX IF NOT EXISTS due_notifications ON notifications (due, seq) WHERE {_PENDING};
"""


@dataclass
class Notification:
    """
    The record of the callback of a job.

    :param status: ``pending`` until the callback is processed, then ``delivered``, ``failed``, ``refused`` or ``lost``.
    :param event_type: The ``EventType`` in the message.
    :param url: The URL or the name of the queue to which the callback is sent.
    :param message: The body of the HTTP request or of the queue message.
    :param tries: The attempts to deliver the callback. Each has ``time`` (real time in epoch seconds) and one of
        ``status`` (of the HTTP response), ``message_id`` (of the queue message) or ``error`` (if there is neither).
    :param reason: Why the callback was refused, was lost or could not be processed; None in all other cases.
    :param copies: How many times the callback is sent. A fault can change this number.
    """

    job_id: str
    status: str = PENDING
    event_type: str | None = None
    url: str | None = None
    message: dict[str, Any] | None = None
    tries: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    copies: int = 1


class CallbackTable:
    """
    The tables of callback settings and notifications.

    :param db: The database connection of the store. The store commits all changes.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_SCHEMA)

    def settings(self, product: str, region: str) -> dict[str, str] | None:
        """Return the callback settings of a product in a region; None if there are none."""
        query = "SELECT settings FROM callback_settings WHERE product = ? AND region = ?"
        row = self._db.execute(query, (product, region)).fetchone()
        return None if row is None else dict(json.loads(row["settings"]))

    def save_settings(self, product: str, region: str, settings: dict[str, str]) -> None:
        """Replace the callback settings of a product in a region."""
        values = (product, region, json.dumps(settings))
        self._db.execute("INSERT OR REPLACE INTO callback_settings VALUES (?, ?, ?)", values)

    def delete_settings(self, product: str, region: str) -> None:
        """Delete the callback settings of a product in a region."""
        self._db.execute("DELETE FROM callback_settings WHERE product = ? AND region = ?", (product, region))

    def expect(self, job_id: str, ends: float | None) -> None:
        """
        Add the pending notification of a job.

        :param ends: When the job ends, in seconds of the job clock; None if it does not end by itself.
        """
        self._db.execute("INSERT OR IGNORE INTO notifications (job_id, due) VALUES (?, ?)", (job_id, ends))

    def expect_all(self, actions: Iterable[str], region: str, now: float) -> None:
        """
        Add a pending notification for each job in a region that has not ended or whose state is pinned.

        Jobs that already have a notification are skipped.

        :param actions: The submit actions of the jobs.
        :param now: The time of the job clock.
        """
        keys = tuple(actions)
        self._db.execute(
            "INSERT OR IGNORE INTO notifications (job_id, due)"
            " SELECT job_id, CASE WHEN pinned IS NULL THEN ends END FROM jobs"
            f" WHERE action IN ({', '.join('?' * len(keys))}) AND region = ? AND (ends > ? OR pinned IS NOT NULL)"
            " ORDER BY seq",
            (*keys, region, now),
        )

    def reschedule(self, job_id: str, ends: float | None) -> None:
        """Update the due time of a job's notification, because the time at which the job ends has changed."""
        self._db.execute("UPDATE notifications SET due = ? + delay WHERE job_id = ?", (ends, job_id))

    def set_delivery(self, job_id: str, copies: int, delay: float) -> None:
        """
        Change how a pending notification is sent.

        :param copies: How many times it is sent; with 0, it is lost.
        :param delay: How long after the end of the job it is sent, in seconds of the job clock.
        """
        query = "UPDATE notifications SET copies = ?, due = due - delay + ?, delay = ? WHERE job_id = ?"
        self._db.execute(query, (copies, delay, delay, job_id))

    def has_pending(self, job_id: str | None = None) -> bool:
        """Return whether the notification of a job is pending; without a job id, whether any notification is."""
        where, values = ("AND job_id = ?", (job_id,)) if job_id else ("", ())
        query = f"SELECT 1 FROM notifications WHERE {_PENDING} {where} LIMIT 1"
        return self._db.execute(query, values).fetchone() is not None

    def due(self, now: float, limit: int) -> list[str]:
        """Return the ids of up to ``limit`` jobs whose notifications are due, ordered by due time."""
        query = f"SELECT job_id FROM notifications WHERE {_PENDING} AND due <= ? ORDER BY due, seq LIMIT ?"
        return [row["job_id"] for row in self._db.execute(query, (now, limit))]

    def next_due(self, now: float) -> float | None:
        """Return the due time of the next pending notification that is not due yet; None if there is none."""
        query = f"SELECT min(due) FROM notifications WHERE {_PENDING} AND due > ?"
        end = self._db.execute(query, (now,)).fetchone()[0]
        return None if end is None else float(end)

    def save(self, notification: Notification) -> None:
        """Store the fields of a notification that change when the callback is processed."""
        values = {
            **vars(notification),
            "message": json.dumps(notification.message),
            "tries": json.dumps(notification.tries),
        }
        names = ("status", "event_type", "url", "message", "tries", "reason")
        changes = ", ".join(f"{name} = :{name}" for name in names)
        self._db.execute(f"UPDATE notifications SET {changes} WHERE job_id = :job_id", values)

    def delete(self, job_id: str) -> None:
        """Delete the notification of a job."""
        self._db.execute("DELETE FROM notifications WHERE job_id = ?", (job_id,))

    def notifications(self, job_id: str | None = None) -> list[Notification]:
        """Return the notification of a job, or all notifications in the order in which they were added."""
        where, values = ("WHERE job_id = ?", (job_id,)) if job_id else ("", ())
        names = "job_id, status, event_type, url, message, tries, reason, copies"
        rows = self._db.execute(f"SELECT {names} FROM notifications {where} ORDER BY seq", values)
        return [
            Notification(**{**dict(row), "message": json.loads(row["message"]), "tries": json.loads(row["tries"])})
            for row in rows
        ]

    def reset(self) -> None:
        """Delete all settings and notifications."""
        self._db.execute("DELETE FROM callback_settings")
        self._db.execute("DELETE FROM notifications")
