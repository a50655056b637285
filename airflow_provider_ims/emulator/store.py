"""Jobs, requests and the clock, kept in SQLite so that a killed emulator loses nothing."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ims.emulator.actions import Phase

SCHEMA_VERSION = 1
MAX_REQUESTS = 100_000
"""How many requests are remembered; older ones are forgotten, jobs never."""

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
# The same function of the clock as Job.phase, for the filters of the listings.
_PHASE = f"""CASE WHEN :now < starts THEN {Phase.CREATED:d} WHEN :now < ends THEN {Phase.RUNNING:d}
 WHEN error_code IS NULL THEN {Phase.SUCCEEDED:d} ELSE {Phase.FAILED:d} END"""


@dataclass
class Job:
    """
    A job; its phase follows from the clock alone.

    :param action: the submit action that made it.
    :param job_type: the service's word for what it does.
    :param created: when it was submitted, in seconds of the job clock; so are ``starts`` and ``ends``.
    :param error_code: what it fails with at its end; None for success.
    :param pinned: a state to show whatever the clock says.
    :param failed_parts: (code, message) of the sub-jobs that fail, by index.
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
        """Return how far the job is at a moment of the job clock."""
        if now < self.starts:
            return Phase.CREATED
        if now < self.ends:
            return Phase.RUNNING
        return Phase.SUCCEEDED if self.error_code is None else Phase.FAILED


@dataclass(frozen=True)
class Filter:
    """
    Which jobs a listing asks for; None means any.

    :param shown: (phase, word): jobs that are in the phase, or pinned to the word.
    :param shown_to: the last phase, where the word stands for several.
    """

    actions: tuple[str, ...]
    job_id: str | None = None
    job_type: str | None = None
    shown: tuple[Phase, str] | None = None
    shown_to: Phase | None = None
    created_from: float | None = None
    created_to: float | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the SQL condition and its values."""
        values: dict[str, Any] = {f"action{n}": action for n, action in enumerate(self.actions)}
        terms = [f"action IN ({', '.join(f':action{n}' for n in range(len(self.actions)))})"]
        for name, column in (
            ("job_id", "job_id ="),
            ("job_type", "job_type ="),
            ("created_from", "created >="),
            ("created_to", "created <"),
        ):
            if (value := getattr(self, name)) is not None:
                terms.append(f"{column} :{name}")
                values[name] = value
        if self.shown is not None:
            terms.append(f"CASE WHEN pinned IS NULL THEN {_PHASE} BETWEEN :phase AND :last ELSE pinned = :word END")
            values["phase"], values["word"] = int(self.shown[0]), self.shown[1]
            values["last"] = int(self.shown_to or self.shown[0])
        return " AND ".join(terms), values


class Store:
    """
    The state of one emulator. Not safe for several threads at a time.

    :param path: file of the database; ``:memory:`` keeps nothing beyond the process.
    :raises sqlite3.OperationalError: if another emulator has the file open.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._db = sqlite3.connect(path, timeout=0.1, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # One process to a file: two would each answer with half of the jobs.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        # Commits then survive the death of the process, though not that of the machine, and cost no fsync.
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(_SCHEMA)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"{path} was written by another version of the emulator")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def commit(self) -> None:
        """Make all that was written since the last commit last."""
        self._db.commit()

    def add_job(self, job: Job) -> None:
        """Keep a new job."""
        cursor = self._db.execute(
            "INSERT INTO jobs (job_id, action, job_type, parameters, created, starts, ends, client_token, video_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.job_id,
                job.action,
                job.job_type,
                json.dumps(job.parameters),
                job.created,
                job.starts,
                job.ends,
                job.client_token,
                job.video_id,
            ),
        )
        job.seq = cursor.lastrowid or 0

    def save_fate(self, job: Job) -> None:
        """Keep what was decided about a job after it was submitted."""
        self._db.execute(
            "UPDATE jobs SET starts = ?, ends = ?, error_code = ?, error_message = ?, pinned = ?, failed_parts = ?"
            " WHERE job_id = ?",
            (
                job.starts,
                job.ends,
                job.error_code,
                job.error_message,
                job.pinned,
                json.dumps(job.failed_parts),
                job.job_id,
            ),
        )

    def job(self, job_id: str) -> Job | None:
        """Return a job by its id."""
        return self._first("job_id = ?", job_id)

    def job_of_token(self, client_token: str) -> Job | None:
        """Return the job that was submitted with a client token."""
        return self._first("client_token = ?", client_token)

    def job_of_session(self, action: str, session_id: str, since: float) -> Job | None:
        """Return a job that an action made since a time with a SessionId."""
        where = "action = ? AND json_extract(parameters, '$.SessionId') = ? AND created > ?"
        return self._first(where, action, session_id, since)

    def jobs_of_video(self, video_id: str) -> list[Job]:
        """Return the AI image jobs of a video, oldest first."""
        rows = self._db.execute("SELECT * FROM jobs WHERE video_id = ? ORDER BY seq", (video_id,))
        return [_job(row) for row in rows]

    def jobs(self, action: str | None = None) -> list[Job]:
        """Return all jobs, or those of one submit action, oldest first."""
        query = "SELECT * FROM jobs WHERE action = ? ORDER BY seq" if action else "SELECT * FROM jobs ORDER BY seq"
        return [_job(row) for row in self._db.execute(query, (action,) if action else ())]

    def page(
        self, wanted: Filter, *, now: float, newest_first: bool, limit: int, after: int | None = None, offset: int = 0
    ) -> list[Job]:
        """
        Return one page of a listing.

        :param after: ``seq`` of the last job of the page before.
        :param offset: how many jobs to leave out instead, for pages by number.
        """
        where, values = wanted.where()
        if after is not None:
            where += f" AND seq {'<' if newest_first else '>'} :after"
        order = "DESC" if newest_first else "ASC"
        rows = self._db.execute(
            f"SELECT * FROM jobs WHERE {where} ORDER BY seq {order} LIMIT :limit OFFSET :offset",
            {**values, "now": now, "after": after, "limit": limit, "offset": offset},
        )
        return [_job(row) for row in rows]

    def count(self, wanted: Filter, *, now: float) -> int:
        """Return how many jobs a listing has over all its pages."""
        where, values = wanted.where()
        row = self._db.execute(f"SELECT count(*) FROM jobs WHERE {where}", {**values, "now": now}).fetchone()
        return int(row[0])

    def add_request(self, record: dict[str, Any]) -> int:
        """Keep the record of a request and return its number."""
        cursor = self._db.execute(
            "INSERT INTO requests (action, status, record) VALUES (?, ?, ?)",
            (record["action"], record["status"], json.dumps(record)),
        )
        seq = cursor.lastrowid or 0
        self._db.execute("DELETE FROM requests WHERE seq <= ?", (seq - MAX_REQUESTS,))
        return seq

    def change_request(self, seq: int, record: dict[str, Any]) -> None:
        """Keep more of a request that was recorded while it was still open."""
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

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many requests each action had, by status; status 0 are those never answered."""
        result: dict[str, dict[str, int]] = {}
        for action, status, number in self._db.execute(
            "SELECT action, coalesce(status, 0), count(*) FROM requests GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            result.setdefault(action, {})[str(status)] = number
        return result

    def setting(self, name: str) -> str | None:
        """Return a value kept under a name."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def save_setting(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def reset(self) -> None:
        """Forget all jobs and requests."""
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
