"""Stores the queues of SMQ and their messages in the database of the store."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (
    queue_id INTEGER PRIMARY KEY AUTOINCREMENT,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    attributes TEXT NOT NULL,
    UNIQUE (region, name)
);
CREATE TABLE IF NOT EXISTS queue_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    priority INTEGER NOT NULL,
    enqueued REAL NOT NULL,
    visible REAL NOT NULL,
    first_received REAL,
    received INTEGER NOT NULL DEFAULT 0,
    receipts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS queue_messages_in_order ON queue_messages (queue_id, priority, visible, seq);
CREATE INDEX IF NOT EXISTS queue_messages_by_visible ON queue_messages (queue_id, visible);
CREATE INDEX IF NOT EXISTS queue_messages_by_enqueued ON queue_messages (queue_id, enqueued);
"""


_RECEIPT = re.compile(r"(\d{1,18})-\d+-\d+", re.ASCII)


class ReceiptHandleError(Exception):
    """Raised if a string is not a receipt handle."""


@dataclass
class Queue:
    """
    A queue.

    :param queue_id: Its number. A deleted queue's number is not used again.
    :param region: The id of its region.
    :param created: The creation time, in epoch seconds.
    :param modified: The time of the last change, in epoch seconds.
    :param attributes: The attributes that a client can set, keyed by their names in the API.
    """

    queue_id: int
    region: str
    name: str
    created: float
    modified: float
    attributes: dict[str, Any]


@dataclass
class QueueMessage:
    """
    A message in a queue.

    :param enqueued: The time at which it was sent, in epoch seconds.
    :param visible: The time from which it can be received, in epoch seconds.
    :param first_received: The time at which it was first received, in epoch seconds; None if it was never received.
    :param received: The number of times that it was received.
    :param receipts: The number of receipt handles that the message has had. Only the last handle can be valid.
    """

    seq: int
    queue_id: int
    message_id: str
    body: str
    priority: int
    enqueued: float
    visible: float
    first_received: float | None
    received: int
    receipts: int

    @property
    def receipt_handle(self) -> str:
        """The last receipt handle of the message."""
        text = f"{self.seq}-{int(self.visible * 1000)}-{self.receipts}"
        return f"{self.priority}-{base64.b64encode(text.encode()).decode()}"


class Counts(NamedTuple):
    """
    The numbers of messages in a queue.

    :param active: Messages that can be received.
    :param inactive: Messages that were received and are not visible.
    :param delayed: Messages that are not visible and were never received.
    """

    active: int
    inactive: int
    delayed: int


class QueueTable:
    """
    The queues and their messages. All times are real times in epoch seconds, not times of the job clock.

    :param db: The database connection of the store. The store commits all changes.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._changes: dict[int, asyncio.Event] = {}
        db.executescript(_SCHEMA)

    def change(self, queue: Queue) -> asyncio.Event:
        """
        Return an event that is set at the next change to a queue.

        A queue changes when a message is added or becomes invisible, when :meth:`show_all` is called, and when the
        queue is deleted.
        """
        return self._changes.setdefault(queue.queue_id, asyncio.Event())

    def queue(self, region: str, name: str) -> Queue | None:
        """Return a queue; None if it does not exist."""
        row = self._db.execute("SELECT * FROM queues WHERE region = ? AND name = ?", (region, name)).fetchone()
        return None if row is None else _queue(row)

    def queues(self, region: str | None = None) -> list[Queue]:
        """Return the queues of a region, or all queues, ordered by name."""
        where, values = ("WHERE region = ?", (region,)) if region else ("", ())
        return [_queue(row) for row in self._db.execute(f"SELECT * FROM queues {where} ORDER BY name, region", values)]

    def add_queue(self, region: str, name: str, attributes: dict[str, Any], now: float) -> Queue:
        """Store a new queue."""
        query = "INSERT INTO queues (region, name, created, modified, attributes) VALUES (?, ?, ?, ?, ?)"
        cursor = self._db.execute(query, (region, name, now, now, json.dumps(attributes)))
        return Queue(cursor.lastrowid or 0, region, name, now, now, attributes)

    def save_queue(self, queue: Queue) -> None:
        """Store the changes to a queue."""
        query = "UPDATE queues SET modified = ?, attributes = ? WHERE queue_id = ?"
        self._db.execute(query, (queue.modified, json.dumps(queue.attributes), queue.queue_id))

    def delete_queue(self, queue: Queue) -> None:
        """Delete a queue and its messages."""
        self._db.execute("DELETE FROM queue_messages WHERE queue_id = ?", (queue.queue_id,))
        self._db.execute("DELETE FROM queues WHERE queue_id = ?", (queue.queue_id,))
        self._changed(queue.queue_id)

    def put(self, queue: Queue, body: str, *, priority: int, now: float, delay: float = 0.0) -> QueueMessage:
        """
        Add a message to a queue.

        :param delay: Seconds after which the message becomes visible. A delayed message already has a receipt
            handle.
        """
        message_id = f"{uuid.uuid4().hex[:16]}-1-{int(now * 1000):X}-{uuid.uuid4().hex[:9]}".upper()
        receipts = 1 if delay else 0
        message = QueueMessage(
            0, queue.queue_id, message_id, body, priority, now, now + delay, None, received=0, receipts=receipts
        )
        self._insert(message)
        return message

    def repeat(self, message: QueueMessage, now: float) -> None:
        """Add a visible copy of a received message, with the same message id."""
        self._insert(QueueMessage(**{**vars(message), "visible": now}))

    def receive(self, queue: Queue, limit: int, now: float) -> list[QueueMessage]:
        """Return up to ``limit`` visible messages, and make them invisible for the visibility timeout of the queue."""
        messages = self.peek(queue, limit, now)
        for message in messages:
            message.received += 1
            if message.first_received is None:
                message.first_received = now
            self.hide(message, now + queue.attributes["VisibilityTimeout"])
        return messages

    def peek(self, queue: Queue, limit: int, now: float) -> list[QueueMessage]:
        """
        Return up to ``limit`` visible messages, without making them invisible.

        The documentation of SMQ does not specify the order of messages with the same priority. The emulator orders them
        by the time at which they became visible.
        """
        self._delete_expired(queue, now)
        return list(self._select("queue_id = ? AND visible <= ? ORDER BY priority, visible, seq", limit, queue, now))

    def of_receipt(self, queue: Queue, handle: str, now: float) -> QueueMessage | None:
        """
        Return the message that a receipt handle identifies; None if the handle is no longer valid.

        :raises ReceiptHandleError: If the string is not a receipt handle.
        """
        self._delete_expired(queue, now)
        for message in self._select("queue_id = ? AND seq = ?", 1, queue, _seq_of(handle)):
            if message.receipts and message.receipt_handle == handle and now < message.visible:
                return message
        return None

    def hide(self, message: QueueMessage, until: float) -> None:
        """Make a message invisible until a time in epoch seconds, and give it a new receipt handle."""
        message.visible = until
        message.receipts += 1
        names = ("visible", "first_received", "received", "receipts")
        changes = ", ".join(f"{name} = :{name}" for name in names)
        self._db.execute(f"UPDATE queue_messages SET {changes} WHERE seq = :seq", vars(message))
        self._changed(message.queue_id)

    def delete(self, message: QueueMessage) -> None:
        """Delete a message."""
        self._db.execute("DELETE FROM queue_messages WHERE seq = ?", (message.seq,))

    def show_all(self, queue: Queue, now: float) -> None:
        """Make all messages of a queue visible, as if their timeouts had expired."""
        query = "UPDATE queue_messages SET visible = ? WHERE queue_id = ? AND visible > ?"
        self._db.execute(query, (now, queue.queue_id, now))
        self._changed(queue.queue_id)

    def next_visible(self, queue: Queue, now: float) -> float | None:
        """Return the time at which the next invisible message becomes visible; None if all are visible."""
        query = "SELECT min(visible) FROM queue_messages WHERE queue_id = ? AND visible > ?"
        moment = self._db.execute(query, (queue.queue_id, now)).fetchone()[0]
        return None if moment is None else float(moment)

    def messages(self, queue: Queue, now: float) -> list[QueueMessage]:
        """Return all messages of a queue, in the order in which they were sent."""
        self._delete_expired(queue, now)
        return list(self._select("queue_id = ? ORDER BY seq", -1, queue))

    def counts(self, queue: Queue, now: float) -> Counts:
        """Return the numbers of messages in a queue."""
        self._delete_expired(queue, now)
        query = (
            "SELECT count(*) FILTER (WHERE visible <= :now), count(*) FILTER (WHERE visible > :now AND received > 0),"
            " count(*) FILTER (WHERE visible > :now AND received = 0) FROM queue_messages WHERE queue_id = :queue_id"
        )
        return Counts(*self._db.execute(query, {"now": now, "queue_id": queue.queue_id}).fetchone())

    def reset(self) -> None:
        """Delete all queues and messages."""
        self._db.execute("DELETE FROM queues")
        self._db.execute("DELETE FROM queue_messages")
        for queue_id in list(self._changes):
            self._changed(queue_id)

    def _insert(self, message: QueueMessage) -> None:
        names = [name for name in vars(message) if name != "seq"]
        cursor = self._db.execute(
            f"INSERT INTO queue_messages ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})",
            vars(message),
        )
        message.seq = cursor.lastrowid or 0
        self._changed(message.queue_id)

    def _select(self, where: str, limit: int, queue: Queue, *values: float) -> Iterator[QueueMessage]:
        query = f"SELECT * FROM queue_messages WHERE {where} LIMIT ?"
        for row in self._db.execute(query, (queue.queue_id, *values, limit)).fetchall():
            yield QueueMessage(**dict(row))

    def _delete_expired(self, queue: Queue, now: float) -> None:
        oldest = now - queue.attributes["MessageRetentionPeriod"]
        self._db.execute("DELETE FROM queue_messages WHERE queue_id = ? AND enqueued <= ?", (queue.queue_id, oldest))

    def _changed(self, queue_id: int) -> None:
        if event := self._changes.pop(queue_id, None):
            event.set()


def _seq_of(handle: str) -> int:
    try:
        text = base64.b64decode(handle.partition("-")[2], validate=True).decode("ascii")
    except ValueError:
        text = ""
    match = _RECEIPT.fullmatch(text)
    if match is None:
        raise ReceiptHandleError(handle)
    return int(match[1])


def _queue(row: sqlite3.Row) -> Queue:
    return Queue(**{**dict(row), "attributes": json.loads(row["attributes"])})
