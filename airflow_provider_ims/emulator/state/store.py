"""
Stores the state of an emulator in SQLite: jobs, resources, requests, callbacks, queues and the clock.

If the database is a file, the state survives when the emulator is killed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from airflow_provider_ims.emulator.state.callbacks import CallbackTable
from airflow_provider_ims.emulator.state.queues import QueueTable
from airflow_provider_ims.emulator.state.requests import RequestTable
from airflow_provider_ims.emulator.state.resources import ResourceTable

SCHEMA_VERSION = 2


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
    region TEXT NOT NULL,
    job_type TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created REAL NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    client_token TEXT,
    video_id TEXT,
    error_code TEXT,
    error_message TEXT,
    pinned TEXT,
    failed_parts TEXT NOT NULL DEFAULT '{{}}'
);
CREATE INDEX jobs_by_action ON jobs (action, seq);
CREATE UNIQUE INDEX jobs_by_token ON jobs (client_token, action, region) WHERE client_token IS NOT NULL;
CREATE INDEX jobs_by_video ON jobs (video_id, seq) WHERE video_id IS NOT NULL;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = {SCHEMA_VERSION};
"""
# The SQL equivalent of Job.phase, for the filters of the listings.
_PHASE = f"""CASE WHEN :now < starts THEN {Phase.CREATED:d} WHEN :now < ends THEN {Phase.RUNNING:d}
 WHEN error_code IS NULL THEN {Phase.SUCCEEDED:d} ELSE {Phase.FAILED:d} END"""


@dataclass
class Job:
    """
    A job, whose phase depends on the job clock.

    :param action: Its submit action, which is its key in the table of job kinds.
    :param region: The region in which it was submitted.
    :param job_type: The ``JobType`` in the responses of the service.
    :param created: When it was submitted, in seconds of the job clock.
    :param starts: When it starts to run, in seconds of the job clock.
    :param ends: When it ends, in seconds of the job clock.
    :param error_code: The error code with which it fails; None if it succeeds.
    :param pinned: The name of a state that the job has regardless of the job clock; None if the state depends on the
        job clock.
    :param failed_parts: The parts of the job that fail: index -> (error code, error message).
    :param seq: Its number in the order of submission; 0 until it is stored.
    """

    job_id: str
    action: str
    region: str
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

    def step(self, now: float, count: int) -> int:
        """Return the index of the current step of a running job, which has ``count`` steps of equal duration."""
        return min(int((now - self.starts) / (self.ends - self.starts) * count), count - 1)


@dataclass(frozen=True)
class Filter:
    """
    The filter of a listing; a field that is None matches all jobs.

    :param key_text: A string that the parameter TaskInput contains.
    :param created_from: The earliest creation time, in seconds of the job clock.
    :param created_to: The time before which the jobs were created, in seconds of the job clock.
    :param state: (first phase, last phase, state name): matches jobs in the phases from the first to the last.
        A job with a pinned state matches only if the pinned state has this name.
    """

    actions: tuple[str, ...]
    region: str | None = None
    job_id: str | None = None
    job_type: str | None = None
    workflow_id: str | None = None
    key_text: str | None = None
    created_from: float | None = None
    created_to: float | None = None
    state: tuple[Phase, Phase, str] | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the filter as an SQL condition, and the values of its parameters."""
        values: dict[str, Any] = {f"action{n}": action for n, action in enumerate(self.actions)}
        terms = [f"action IN ({', '.join(f':{name}' for name in values)})"]
        for name, condition in (
            ("region", "region = :region"),
            ("job_id", "job_id = :job_id"),
            ("job_type", "job_type = :job_type"),
            ("workflow_id", "json_extract(parameters, '$.WorkflowId') = :workflow_id"),
            ("key_text", "instr(json_extract(parameters, '$.TaskInput'), :key_text) > 0"),
            ("created_from", "created >= :created_from"),
            ("created_to", "created < :created_to"),
        ):
            if (value := getattr(self, name)) is not None:
                terms.append(condition)
                values[name] = value
        if self.state is not None:
            values["first"], values["last"], values["word"] = self.state
            terms.append(f"CASE WHEN pinned IS NULL THEN {_PHASE} BETWEEN :first AND :last ELSE pinned = :word END")
        return " AND ".join(terms), values


class Store:
    """
    The state of one emulator. It is not thread-safe.

    :param path: Database file, or ``:memory:``.
    :raises sqlite3.OperationalError: If the file cannot be opened, or another emulator uses it.
    :raises sqlite3.DatabaseError: If the file is not a database of this version of the emulator.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._db = sqlite3.connect(path, timeout=0.1, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # Two processes must not share the file, because each keeps a part of the state, such as the clock, in memory.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        # A commit requires no fsync. It survives a crash of the process, but can be lost in a crash of the machine.
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(_SCHEMA)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"{path} is not a database of this version of the emulator")
        self.callbacks = CallbackTable(self._db)
        self.queues = QueueTable(self._db)
        self.requests = RequestTable(self._db)
        self.resources = ResourceTable(self._db)
        #: A function that :meth:`commit` calls after it has committed the changes.
        self.on_commit: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def commit(self) -> None:
        """Commit all changes."""
        self._db.commit()
        self.on_commit()

    def rollback(self) -> None:
        """Undo all changes since the last commit."""
        self._db.rollback()

    def add_job(self, job: Job) -> None:
        """Store a new job."""
        cursor = self._db.execute(
            "INSERT INTO jobs"
            " (job_id, action, region, job_type, parameters, created, starts, ends, client_token, video_id) VALUES"
            " (:job_id, :action, :region, :job_type, :parameters, :created, :starts, :ends, :client_token, :video_id)",
            {**vars(job), "parameters": json.dumps(job.parameters)},
        )
        job.seq = cursor.lastrowid or 0

    def update_job(self, job: Job) -> None:
        """Store the fields of a job that can change after its submission."""
        names = ("starts", "ends", "error_code", "error_message", "pinned", "failed_parts")
        self._db.execute(
            f"UPDATE jobs SET {', '.join(f'{name} = :{name}' for name in names)} WHERE job_id = :job_id",
            {**vars(job), "failed_parts": json.dumps(job.failed_parts)},
        )

    def job(self, job_id: str) -> Job | None:
        """Return a job by its id; None if it does not exist."""
        return self._first("job_id = ?", job_id)

    def job_of_token(self, action: str, region: str, client_token: str) -> Job | None:
        """Return the job that an action submitted in a region with a ClientToken; None if there is none."""
        return self._first("client_token = ? AND action = ? AND region = ?", client_token, action, region)

    def job_of_session(self, action: str, region: str, session_id: str, since: float) -> Job | None:
        """Return a job that an action submitted in a region with a SessionId after ``since``; None if there is none."""
        where = "action = ? AND region = ? AND json_extract(parameters, '$.SessionId') = ? AND created > ?"
        return self._first(where, action, region, session_id, since)

    def jobs_of_video(self, action: str, region: str, video_id: str) -> list[Job]:
        """Return the jobs that an action submitted in a region with a VideoId, oldest first."""
        query = "SELECT * FROM jobs WHERE video_id = ? AND action = ? AND region = ? ORDER BY seq"
        return [_job(row) for row in self._db.execute(query, (video_id, action, region))]

    def jobs(self, action: str | None = None) -> list[Job]:
        """Return the jobs of a submit action, or all jobs, oldest first."""
        query = "SELECT * FROM jobs WHERE action = ? ORDER BY seq" if action else "SELECT * FROM jobs ORDER BY seq"
        return [_job(row) for row in self._db.execute(query, (action,) if action else ())]

    def page(
        self, selected: Filter, *, now: float, newest_first: bool, limit: int, after: int | None = None, offset: int = 0
    ) -> list[Job]:
        """
        Return one page of a listing.

        :param now: The time of the job clock.
        :param after: ``seq`` of the last job of the previous page; None for the first page.
        :param offset: For listings with page numbers: the number of jobs on the previous pages.
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
        """Return the total number of jobs in a listing, at a time of the job clock."""
        where, values = selected.where()
        row = self._db.execute(f"SELECT count(*) FROM jobs WHERE {where}", {**values, "now": now}).fetchone()
        return int(row[0])

    def setting(self, name: str) -> str | None:
        """Return the value stored under a name; None if there is none."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def save_setting(self, name: str, value: str) -> None:
        """Store a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def reset(self) -> None:
        """Delete all jobs, resources, requests, callbacks and queues."""
        self.callbacks.reset()
        self.queues.reset()
        self.requests.reset()
        self.resources.reset()
        self._db.execute("DELETE FROM jobs")
        self._db.commit()

    def _first(self, where: str, *values: str | float) -> Job | None:
        row = self._db.execute(f"SELECT * FROM jobs WHERE {where}", values).fetchone()
        return None if row is None else _job(row)


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["parameters"] = json.loads(values["parameters"])
    values["failed_parts"] = {part: tuple(error) for part, error in json.loads(values["failed_parts"]).items()}
    return Job(**values)
