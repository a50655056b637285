"""Stores jobs, requests and the clock in SQLite, so that nothing is lost if the emulator is killed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from airflow_provider_ims.emulator.state.callbacks import CallbackTable

SCHEMA_VERSION = 1
MAX_REQUESTS = 100_000
"""The maximum number of stored requests. Older requests are deleted; jobs are not."""
MAX_NEWEST_BYTES = 4 * 2**20


class Phase(IntEnum):
    """The progress of a job; each job family has its own state names for these phases."""

    CREATED = 0
    RUNNING = 1
    SUCCEEDED = 2
    FAILED = 3


_SCHEMA = f"""
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    action TEXT NOT NULL,
    job_type TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created REAL NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    client_token TEXT UNIQUE,
    video_id TEXT,
    error_code TEXT,
    error_message TEXT,
    pinned TEXT,
    failed_parts TEXT NOT NULL DEFAULT '{{}}'
);
CREATE INDEX jobs_by_action ON jobs (action, seq);
CREATE INDEX jobs_by_video ON jobs (video_id, seq) WHERE video_id IS NOT NULL;
CREATE TABLE requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    status INTEGER,
    record TEXT NOT NULL
);
CREATE INDEX requests_by_action ON requests (action, seq);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = {SCHEMA_VERSION};
"""
# The SQL equivalent of Job.phase, for the filters of the listings.
_PHASE = f"""CASE WHEN :now < starts THEN {Phase.CREATED:d} WHEN :now < ends THEN {Phase.RUNNING:d}
 WHEN error_code IS NULL THEN {Phase.SUCCEEDED:d} ELSE {Phase.FAILED:d} END"""


@dataclass
class Job:
    """
    A job, whose phase is derived from the clock.

    :param action: The key of its submit action in the table of job kinds.
    :param job_type: The ``JobType`` of the service.
    :param created: When it was submitted, in seconds of the job clock; likewise ``starts`` and ``ends``.
    :param error_code: The code of its error; None if it succeeds.
    :param pinned: A state name that overrides the clock.
    :param failed_parts: (code, message) of the parts that fail, by index.
    """

    job_id: str
    action: str
    job_type: str
    parameters: dict[str, str]
    created: float
    starts: float
    ends: float
    client_token: str | None = None
    video_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    pinned: str | None = None
    failed_parts: dict[str, tuple[str, str]] = field(default_factory=dict)
    seq: int = 0

    def phase(self, now: float) -> Phase:
        """Return the phase at a time of the job clock."""
        if now < self.starts:
            return Phase.CREATED
        if now < self.ends:
            return Phase.RUNNING
        return Phase.SUCCEEDED if self.error_code is None else Phase.FAILED


@dataclass(frozen=True)
class Filter:
    """
    The filter of a listing; a field that is None matches all jobs.

    :param state: (first phase, last phase, state name): jobs in these phases, or pinned to the state.
    """

    actions: tuple[str, ...]
    job_id: str | None = None
    job_type: str | None = None
    created_from: float | None = None
    created_to: float | None = None
    state: tuple[Phase, Phase, str] | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the SQL condition and its values."""
        values: dict[str, Any] = {f"action{n}": action for n, action in enumerate(self.actions)}
        terms = [f"action IN ({', '.join(f':{name}' for name in values)})"]
        for name, condition in (
            ("job_id", "job_id ="),
            ("job_type", "job_type ="),
            ("created_from", "created >="),
            ("created_to", "created <"),
        ):
            if (value := getattr(self, name)) is not None:
                terms.append(f"{condition} :{name}")
                values[name] = value
        if self.state is not None:
            values["first"], values["last"], values["word"] = self.state
            terms.append(f"CASE WHEN pinned IS NULL THEN {_PHASE} BETWEEN :first AND :last ELSE pinned = :word END")
        return " AND ".join(terms), values


class Store:
    """
    The state of one emulator. It is not thread-safe.

    :param path: Database file, or ``:memory:``.
    :raises sqlite3.OperationalError: If another emulator uses the file.
    :raises sqlite3.DatabaseError: If the file is not a database of this version.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._db = sqlite3.connect(path, timeout=0.1, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # If two processes shared the file, each would know only some of the jobs.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        # Commits survive a crash of the process, although not of the machine, and need no fsync.
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(_SCHEMA)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"{path} was written by another version of the emulator")
        self.callbacks = CallbackTable(self._db)
        #: Called after each commit.
        self.on_commit: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def commit(self) -> None:
        """Commit all changes."""
        self._db.commit()
        self.on_commit()

    def add_job(self, job: Job) -> None:
        """Store a new job."""
        names = ("job_id", "action", "job_type", "parameters", "created", "starts", "ends", "client_token", "video_id")
        cursor = self._db.execute(
            f"INSERT INTO jobs ({', '.join(names)}) VALUES (:{', :'.join(names)})",
            {**vars(job), "parameters": json.dumps(job.parameters)},
        )
        job.seq = cursor.lastrowid or 0

    def update_job(self, job: Job) -> None:
        """Store the changes to a job after its submission."""
        names = ("starts", "ends", "error_code", "error_message", "pinned", "failed_parts")
        self._db.execute(
            f"UPDATE jobs SET {', '.join(f'{name} = :{name}' for name in names)} WHERE job_id = :job_id",
            {**vars(job), "failed_parts": json.dumps(job.failed_parts)},
        )

    def job(self, job_id: str) -> Job | None:
        """Return a job by its id."""
        return self._first("job_id = ?", job_id)

    def job_of_token(self, client_token: str) -> Job | None:
        """Return the job that was submitted with a client token."""
        return self._first("client_token = ?", client_token)

    def job_of_session(self, action: str, session_id: str, since: float) -> Job | None:
        """Return a job that an action submitted with a SessionId since a time."""
        where = "action = ? AND json_extract(parameters, '$.SessionId') = ? AND created > ?"
        return self._first(where, action, session_id, since)

    def jobs_of_video(self, action: str, video_id: str) -> list[Job]:
        """Return the jobs of a submit action with a VideoId, oldest first."""
        query = "SELECT * FROM jobs WHERE video_id = ? AND action = ? ORDER BY seq"
        return [_job(row) for row in self._db.execute(query, (video_id, action))]

    def jobs(self, action: str | None = None) -> list[Job]:
        """Return all jobs, or those of one submit action, oldest first."""
        query = "SELECT * FROM jobs WHERE action = ? ORDER BY seq" if action else "SELECT * FROM jobs ORDER BY seq"
        return [_job(row) for row in self._db.execute(query, (action,) if action else ())]

    def page(
        self, selected: Filter, *, now: float, newest_first: bool, limit: int, after: int | None = None, offset: int = 0
    ) -> list[Job]:
        """
        Return one page of a listing.

        :param after: ``seq`` of the last job of the previous page.
        :param offset: How many jobs to skip instead, if the page was requested by number.
        """
        where, values = selected.where()
        if after is not None:
            where += f" AND seq {'<' if newest_first else '>'} :after"
        order = "DESC" if newest_first else "ASC"
        rows = self._db.execute(
            f"SELECT * FROM jobs WHERE {where} ORDER BY seq {order} LIMIT :limit OFFSET :offset",
            {**values, "now": now, "after": after, "limit": limit, "offset": offset},
        )
        return [_job(row) for row in rows]

    def count(self, selected: Filter, *, now: float) -> int:
        """Return the total number of jobs in a listing."""
        where, values = selected.where()
        row = self._db.execute(f"SELECT count(*) FROM jobs WHERE {where}", {**values, "now": now}).fetchone()
        return int(row[0])

    def add_request(self, record: dict[str, Any]) -> int:
        """Store the record of a request and return its number."""
        cursor = self._db.execute(
            "INSERT INTO requests (action, status, record) VALUES (?, ?, ?)",
            (record["action"], record["status"], json.dumps(record)),
        )
        seq = cursor.lastrowid or 0
        self._db.execute("DELETE FROM requests WHERE seq <= ?", (seq - MAX_REQUESTS,))
        return seq

    def update_request(self, seq: int, record: dict[str, Any]) -> None:
        """Update the record of a request that was stored before its response."""
        self._db.execute(
            "UPDATE requests SET status = ?, record = ? WHERE seq = ?", (record["status"], json.dumps(record), seq)
        )

    def requests(self, action: str | None = None) -> list[dict[str, Any]]:
        """Return the records of all requests, or of those for one action, oldest first."""
        query = (
            "SELECT record FROM requests WHERE action = ? ORDER BY seq"
            if action
            else "SELECT record FROM requests ORDER BY seq"
        )
        return [json.loads(row[0]) for row in self._db.execute(query, (action,) if action else ())]

    def newest_requests(self, limit: int) -> list[dict[str, Any]]:
        """Return the records of the newest requests, newest first, up to a total of 4 MiB."""
        records: list[dict[str, Any]] = []
        size = 0
        for (text,) in self._db.execute("SELECT record FROM requests ORDER BY seq DESC LIMIT ?", (limit,)):
            size += len(text)
            if records and size > MAX_NEWEST_BYTES:
                break
            records.append(json.loads(text))
        return records

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of requests by action and status; status 0 means no response."""
        result: dict[str, dict[str, int]] = {}
        for action, status, number in self._db.execute(
            "SELECT action, coalesce(status, 0), count(*) FROM requests GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            result.setdefault(action, {})[str(status)] = number
        return result

    def setting(self, name: str) -> str | None:
        """Return a stored value."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def save_setting(self, name: str, value: str) -> None:
        """Store a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def reset(self) -> None:
        """Delete all jobs, requests and callbacks."""
        self.callbacks.reset()
        self._db.execute("DELETE FROM jobs")
        self._db.execute("DELETE FROM requests")
        self._db.commit()

    def _first(self, where: str, *values: str | float) -> Job | None:
        row = self._db.execute(f"SELECT * FROM jobs WHERE {where}", values).fetchone()
        return None if row is None else _job(row)


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["parameters"] = json.loads(values["parameters"])
    values["failed_parts"] = {part: tuple(error) for part, error in json.loads(values["failed_parts"]).items()}
    return Job(**values)
