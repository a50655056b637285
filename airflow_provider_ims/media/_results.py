"""Reads the results of the jobs of a task from the task's XCom, or from the file whose path is in the XCom."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import IO, Any

from airflow_provider_ims._jobs.payload import MAX_DEPTH, as_text, parse_json
from airflow_provider_ims.exceptions import ImsError

log = logging.getLogger(__name__)

#: The maximum total length, in characters, of the results that a page shows from a file with one result per line. The
#: earlier lines of the file are read and skipped; each of them has the same maximum length.
MAX_PAGE = 16 * 1024 * 1024
_OMITTED = f"(values that are nested deeper than {MAX_DEPTH} levels are not shown)"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """
    A job as recorded by its task.

    :param index: Its position in the result of the task, counted from 0.
    :param job_id: Its id; ``None`` if none is recorded.
    :param state: Its state; ``None`` if none is recorded.
    :param result: Its result; ``None`` if none is recorded.
    :param error: Its error message; ``None`` if none is recorded.
    """

    index: int
    job_id: str | None
    state: str | None
    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """
    The result of a task: the result of one job, the list of results of a sensor, or the summary of a task with many
    jobs.

    :param value: The result; ``None`` while there is none.
    :param stored_at: The time at which the result was stored; ``None`` while there is none.
    """

    value: Any = None
    stored_at: datetime | None = None

    @property
    def total(self) -> int:
        """The number of jobs."""
        return len(self._listed)

    @property
    def _has_many(self) -> bool:
        return isinstance(self.value, dict) and isinstance(self.value.get("jobs"), list) and "total" in self.value

    @property
    def _listed(self) -> list[Any]:
        if self._has_many:
            jobs: list[Any] = self.value["jobs"]
            return jobs
        if isinstance(self.value, list):
            return self.value
        return [self.value] if isinstance(self.value, dict) else []

    def without_results(self, start: int, count: int) -> list[JobRecord]:
        """Return up to ``count`` jobs, from the index ``start``, with only their ids and states."""
        listed = enumerate(map(_fields, self._listed[start : start + count]), start)
        return [JobRecord(index, as_text(job.get("job_id")), as_text(job.get("state"))) for index, job in listed]

    def jobs(self, start: int, count: int) -> list[JobRecord]:
        """
        Return up to ``count`` jobs, from the index ``start``, with their results.

        :raises ImsError: If their results cannot be read.
        """
        listed = self._listed[start : start + count]
        if not self._has_many:
            return [_single_job(index, job) for index, job in enumerate(listed, start)]
        if not listed:
            return []
        path, results = self.value.get("results_path"), self.value.get("results")
        if isinstance(path, str):
            lines = _lines_of_file(path, start, len(listed), self.stored_at)
        elif isinstance(results, list):
            lines = [{"result": one} for one in results[start : start + count]]
        else:
            raise _unreadable("the XCom contains neither a list of results nor the path of a file with results")
        jobs = [_listed_job(index, *pair) for index, pair in enumerate(zip(listed, lines, strict=False), start)]
        if len(jobs) != len(listed):
            raise _unreadable("their number differs from the number of jobs")
        return jobs


def showable(value: Any) -> Any:
    """Return JSON data in which a note replaces each part that is nested too deeply to be shown."""
    return parse_json(_cut(value, MAX_DEPTH)) if isinstance(value, (dict, list)) else value


def _cut(value: Any, levels: int) -> Any:
    if levels == 0 and isinstance(value, (dict, list)):
        return _OMITTED
    if isinstance(value, dict):
        return {name: _cut(inner, levels - 1) for name, inner in value.items()}
    return [_cut(inner, levels - 1) for inner in value] if isinstance(value, list) else value


def _unreadable(problem: str) -> ImsError:
    return ImsError(f"The results could not be read: {problem}")


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _single_job(index: int, result: Any) -> JobRecord:
    fields = _fields(result)
    error = ": ".join(str(fields[name]) for name in ("error_code", "error_message") if fields.get(name))
    return JobRecord(index, as_text(fields.get("job_id")), as_text(fields.get("state")), result, error or None)


def _listed_job(index: int, listed: Any, line: dict[str, Any]) -> JobRecord:
    job = _fields(listed)
    if line.get("job_id", job.get("job_id")) != job.get("job_id"):
        raise _unreadable(f"the result at position {index} belongs to another job")
    error = as_text(line.get("error"))
    return JobRecord(index, as_text(job.get("job_id")), as_text(job.get("state")), line.get("result"), error)


def _lines_of_file(path: str, start: int, count: int, stored_at: datetime | None) -> Iterable[dict[str, Any]]:
    problem = ""
    try:
        return _lines(path, start, count, stored_at)
    except ImsError as error:
        problem = error.message
    except Exception as error:
        # The errors of storage libraries have no common base class, and their messages may contain secrets.
        log.warning("The results could not be read from %s", path, exc_info=True)
        problem = f"{type(error).__name__}; see the log of the API server"
    raise ImsError(f"The results could not be read from {path}: {problem}")


@lru_cache(maxsize=8)
def _lines(path: str, start: int, count: int, _: datetime | None) -> tuple[dict[str, Any], ...]:
    """
    Return up to ``count`` lines of a file with results, from the index ``start``.

    The lines are cached, because a browser requests each media file on a page separately, and each of these requests
    needs the results of the page.
    """
    from airflow.sdk import ObjectStoragePath

    target = ObjectStoragePath(path)
    # A device or a named pipe may have no end.
    if not target.fs.isfile(target.path):
        raise ImsError("it is not a file that the API server can read")
    with target.open("r", encoding="utf-8") as file:
        for _skipped in range(start):
            _read_line(file, MAX_PAGE)
        lines: list[Any] = []
        left = MAX_PAGE
        while len(lines) < count and (line := _read_line(file, left)):
            left -= len(line)
            lines.append(showable(json.loads(line)))
    if not all(isinstance(line, dict) and "job_id" in line for line in lines):
        raise ImsError("it does not contain the results of jobs")
    return tuple(lines)


def _read_line(file: IO[str], limit: int) -> str:
    line = file.readline(limit + 1)
    if len(line) > limit:
        problem = f"the results on this page, or one of the results before them, exceed {MAX_PAGE:,} characters"
        raise ImsError(f"{problem}; open the file instead")
    return line
