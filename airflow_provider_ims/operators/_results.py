"""Collects the results of many jobs, for XCom or in a file."""

from __future__ import annotations

import json
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims.exceptions import ImsError, ImsRequestError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

#: The maximum size of the results in XCom, in bytes of JSON.
MAX_INLINE = 512 * 1024
#: The maximum number of failed jobs that an error or a log message lists.
MAX_NAMED = 10


class JobResults:
    """
    The results of the jobs of one task, in the order of their requests.

    :param path: The path or URL of the file for the results, as JSON Lines; ``None`` to keep them in memory.
    :raises ImsRequestError: If the path cannot be used.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._target = _storage_path(path) if path else None
        self._part: ObjectStoragePath | None = None
        self._file: IO[str] | None = None
        self._jobs: list[dict[str, Any]] = []
        self._results: list[Any] = []
        self._failures: list[str] = []
        self._size = 0
        self.failed = 0
        #: The number of requests with a permanent error.
        self.permanent_failures = 0

    @property
    def total(self) -> int:
        """The number of requests, including those without a job."""
        return len(self._jobs)

    def add(self, index: int, job_id: str | None, outcome: Job | ImsError) -> None:
        """Add the result of a job, or the error of a request that was refused or whose job failed."""
        if isinstance(outcome, Job):
            state, result = outcome.status, outcome.outcome()
        else:
            state, result = "failed" if job_id else "refused", None
            self.failed += 1
            self.permanent_failures += outcome.is_permanent
            if self.failed <= MAX_NAMED:
                self._failures.append(f"requests[{index}]{f' (job {job_id})' if job_id else ''}: {outcome}")
        self._jobs.append({"index": index, "job_id": job_id, "state": state})
        if self._file is not None:
            error = None if isinstance(outcome, Job) else str(outcome)
            line = {"index": index, "job_id": job_id, "state": state, "result": result, "error": error}
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            return
        self._size += len(json.dumps(result))
        if self._size <= MAX_INLINE:
            self._results.append(result)

    @property
    def fit_into_xcom(self) -> bool:
        """Whether the results are small enough for XCom, or are in a file."""
        return self._size <= MAX_INLINE

    def describe_failures(self) -> str:
        """Return a string with the first errors and, if there is a file with the results, the path of this file."""
        where = f"; all errors are in {self.path}" if self.path else ""
        more = self.failed - len(self._failures)
        return "; ".join(self._failures) + (f"; and {more} more{where}" if more else where)

    def advice(self) -> str:
        """Return advice for the user of a task that failed because too many jobs failed."""
        if self.permanent_failures:
            failures = f"{self.permanent_failures} of the failed jobs would fail again"
            return f"{failures}: correct their requests and clear the task"
        return "A retry submits only the failed jobs again"

    def as_dict(self) -> dict[str, Any]:
        """
        Return the result of the task.

        :raises ImsRequestError: If the results are too large for XCom.
        """
        summary = {
            "total": self.total,
            "succeeded": self.total - self.failed,
            "failed": self.failed,
            "jobs": self._jobs,
        }
        if self.path:
            return {**summary, "results_path": self.path}
        if not self.fit_into_xcom:
            raise ImsRequestError(
                f"The results take up {self._size:,} bytes, which is more than the limit for XCom ({MAX_INLINE:,} "
                "bytes). Set results_path and clear the task. On Airflow 3.3 and later, the cleared task collects the "
                "results of the same jobs, unless on_clear is 'new'",
                field="results_path",
            )
        return {**summary, "results": self._results}

    def __enter__(self) -> Self:
        """Open a temporary file in the folder of the path. :meth:`__exit__` renames the file if it is complete."""
        if self._target is not None:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._part = self._target.parent / f"{self._target.name}.part"
            self._file = self._part.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and rename it if it is complete."""
        if self._file is None or self._part is None or self._target is None:
            return
        self._file.close()
        if error is None:
            self._part.fs.mv(self._part.path, self._target.path)
        else:
            self._part.unlink(missing_ok=True)


def _storage_path(path: str) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    try:
        found: ObjectStoragePath = ObjectStoragePath(path)
        found.fs  # noqa: B018 - it raises an error if no provider package supports the scheme
    except Exception as error:
        problem = f"results_path: the storage of {path!r} cannot be used: {error}"
        raise ImsRequestError(problem, field="results_path") from error
    return found


def allowed_failures(max_failures: Any, total: int) -> int:
    """
    Return how many of the jobs of a task are allowed to fail.

    :raises ImsRequestError: If ``max_failures`` is negative or not a number.
    """
    try:
        allowed = float(max_failures)
    except (TypeError, ValueError):
        allowed = -1.0
    if not allowed >= 0:
        raise ImsRequestError(
            f"max_failures: {max_failures!r} is neither a number of jobs (0 or more) nor a fraction from 0 to 1",
            field="max_failures",
        )
    # Adding 1e-6 compensates for rounding errors: 0.29 * 100 is slightly less than 29.
    return int(min(allowed * total + 1e-6 if allowed < 1 else allowed, total))
