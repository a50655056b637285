"""A client of Airflow's REST API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from local_airflow.service import LocalAirflowError, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class AirflowApiError(LocalAirflowError):
    """
    Airflow returned an error response.

    :param status: The HTTP status of the response.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


RUN_END_STATES = frozenset({"success", "failed"})
TASK_END_STATES = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_PAGE = 100
#: The maximum number of attempts to send a request that fails with a database error, and the seconds between attempts.
DATABASE_ATTEMPTS = 20
DATABASE_PAUSE = 0.5


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """
    A snapshot of a task instance.

    :param id: Its key in Airflow's database. The title of its worker process ends with this id.
    :param operator: Name of the operator's class.
    :param seconds: Seconds from its start until its end, or until now, including deferrals; None before it starts.
    :param pid: The id of the worker process that last ran it.
    :param host: The host name of the worker that last ran it.
    :param triggerer_id: The id of the TriggererJob that runs its trigger.
    """

    id: str
    task_id: str
    map_index: int
    operator: str
    state: str | None
    try_number: int
    seconds: float | None
    pid: int | None
    host: str | None = None
    triggerer_id: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the task instance is in an end state."""
        return self.state in TASK_END_STATES

    @property
    def label(self) -> str:
        """The task id, followed by the map index of a mapped task."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """
    One message of a task's log.

    :param details: The stack frames and the message of a logged exception.
    """

    time: datetime
    level: str
    logger: str
    message: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the message in the format of a log file."""
        head = f"{self.time:%H:%M:%S} {self.level.upper():<7} {self.message}"
        return "\n    ".join((head, *self.details))


class AirflowApi:
    """
    A client of the REST API of an Airflow instance in which all users are administrators.

    :param url: The URL of the API server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Proxies from the environment must not be used for the loopback address.
        self._http = httpx.Client(base_url=url, timeout=600, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """
        Send a request to the API and return the parsed response.

        :param path: The path below ``/api/v2/``.
        :param request: Arguments of ``httpx.Client.request``.
        :raises AirflowApiError: If the API returns an error; the message contains the response.
        """
        if "Authorization" not in self._http.headers:
            token = self._http.get("/auth/token").raise_for_status().json()["access_token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
        for _ in range(DATABASE_ATTEMPTS):
            response = self._http.request(method, f"/api/v2/{path}", **request)
            # SQLite rejects the first write of a transaction if another process has written since the transaction
            # began to read, regardless of the timeout. Airflow rolls the transaction back, so the request can be sent
            # again.
            if response.status_code != 500 or "Database error" not in response.text:
                break
            time.sleep(DATABASE_PAUSE)
        if response.is_error:
            raise AirflowApiError(f"{method} {path}: {response.status_code} {response.text}", response.status_code)
        return response.json() if response.content else None

    def health(self) -> dict[str, dict[str, str | None]]:
        """Return the state and the last heartbeat of each component; empty while the API server is unavailable."""
        try:
            health: dict[str, dict[str, str | None]] = self.call("GET", "monitor/health")
        except (httpx.HTTPError, AirflowApiError):
            return {}
        return health

    def heartbeats(self, job_type: str, host: str) -> list[float]:
        """
        Return the latest heartbeats, in epoch seconds, of Airflow's running jobs of one type on one host.

        The list is empty while the API server is unavailable.

        :param job_type: ``SchedulerJob``, ``TriggererJob`` or ``DagProcessorJob``.
        :param host: The host name that the components report.
        """
        try:
            found = self.call("GET", "jobs", params={"job_type": job_type, "hostname": host, "job_state": "running"})
        except (httpx.HTTPError, AirflowApiError):
            return []
        beats = (job["latest_heartbeat"] for job in found["jobs"])
        return [datetime.fromisoformat(beat).timestamp() for beat in beats if beat]

    def unpause(self, dag_id: str, timeout: float = 600) -> None:
        """
        Wait until Airflow has parsed the DAG, then unpause it.

        :raises LocalAirflowError: If a DAG file cannot be imported, or the DAG is not found in time.
        """

        def parsed() -> bool:
            errors = self.call("GET", "importErrors")["import_errors"]
            if errors:
                raise LocalAirflowError("\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors))
            dags = self.call("GET", "dags", params={"limit": _PAGE, "exclude_stale": True})["dags"]
            return any(dag["dag_id"] == dag_id for dag in dags)

        wait_until(f"DAG {dag_id}", parsed, timeout)
        self.call("PATCH", f"dags/{quote(dag_id)}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run of an unpaused DAG and return the run id."""
        body = {"logical_date": datetime.now(UTC).isoformat(), "conf": conf or {}}
        run_id: str = self.call("POST", f"dags/{quote(dag_id)}/dagRuns", json=body)["dag_run_id"]
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        state: str = self.call("GET", self._run(dag_id, run_id))["state"]
        return state

    def wait(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float,
        on_progress: Callable[[list[TaskState]], None] | None = None,
    ) -> str:
        """
        Wait until a run ends and return its state, ``success`` or ``failed``.

        :param timeout: Maximum number of seconds to wait.
        :param on_progress: A function that is called with the states of all tasks at each poll.
        :raises LocalAirflowError: On a timeout.
        """
        deadline = time.monotonic() + timeout
        while True:
            # Query the run before its tasks, so that the tasks' states are never older than the run's state.
            state = self.run_state(dag_id, run_id)
            if on_progress is not None:
                on_progress(self.task_instances(dag_id, run_id))
            if state in RUN_END_STATES:
                return state
            if time.monotonic() > deadline:
                raise LocalAirflowError(f"run {run_id} of {dag_id} is still {state} after {timeout:g} s")
            time.sleep(0.5)

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the task instances of a run in the order in which they started."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(
                "GET",
                f"{self._run(dag_id, run_id)}/taskInstances",
                params={"limit": _PAGE, "offset": len(found)},
            )
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                break
        found.sort(key=lambda ti: (ti["start_date"] is None, ti["start_date"] or "", ti["map_index"]))
        return [
            TaskState(
                id=ti["id"],
                task_id=ti["task_id"],
                map_index=ti["map_index"],
                operator=ti["operator_name"] or "",
                state=ti["state"],
                try_number=ti["try_number"],
                seconds=_seconds(ti),
                pid=ti["pid"],
                host=ti["hostname"] or None,
                triggerer_id=(ti["trigger"] or {}).get("triggerer_id"),
            )
            for ti in found
        ]

    def task_log(self, dag_id: str, run_id: str, task: TaskState, try_number: int | None = None) -> list[LogLine]:
        """
        Return the log messages of a task and its trigger.

        :param try_number: The number of the try. Default: the latest try.
        """
        response = self.call(
            "GET",
            f"{self._run(dag_id, run_id)}/taskInstances/{quote(task.task_id)}"
            f"/logs/{task.try_number if try_number is None else try_number}",
            params={"map_index": task.map_index, "full_content": True},
            headers={"Accept": "application/json"},
        )
        # Entries without a timestamp contain the names of the log files; "::" opens and closes groups in the UI.
        return [
            _log_line(entry)
            for entry in response["content"]
            if entry.get("timestamp") and not entry["event"].startswith("::")
        ]

    def xcom(self, dag_id: str, run_id: str, task: TaskState, key: str = "return_value") -> Any:
        """Return an XCom value of a task; None if the task pushed no such value."""
        try:
            return self.call(
                "GET",
                f"{self._run(dag_id, run_id)}/taskInstances/{quote(task.task_id)}/xcomEntries/{quote(key)}",
                params={"map_index": task.map_index, "deserialize": True},
            )["value"]
        except AirflowApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def runs(self, dag_id: str, *states: str) -> list[str]:
        """Return the ids of up to 100 runs of a DAG that are in one of the states, or in any state if none is given."""
        runs = self.call("GET", f"dags/{quote(dag_id)}/dagRuns", params={"state": states, "limit": _PAGE})
        return [run["dag_run_id"] for run in runs["dag_runs"]]

    def active_runs(self, dag_id: str) -> list[str]:
        """Return the ids of a DAG's runs that have not ended."""
        return self.runs(dag_id, "queued", "running")

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run as failed. Airflow then marks the unfinished tasks of the run as failed or skipped."""
        self.call("PATCH", self._run(dag_id, run_id), json={"state": "failed"})

    def clear(self, dag_id: str, run_id: str, tasks: Iterable[TaskState]) -> None:
        """Clear tasks, regardless of their state."""
        self.call(
            "POST",
            f"dags/{quote(dag_id)}/clearTaskInstances",
            json={
                "dry_run": False,
                "only_failed": False,
                "dag_run_id": run_id,
                "task_ids": [task.task_id if task.map_index < 0 else [task.task_id, task.map_index] for task in tasks],
            },
        )

    def mark(self, dag_id: str, run_id: str, task: TaskState, state: str) -> None:
        """Mark a task as ``success`` or ``failed``, as a user does in the UI."""
        path = f"{self._run(dag_id, run_id)}/taskInstances/{quote(task.task_id)}"
        self.call("PATCH", path if task.map_index < 0 else f"{path}/{task.map_index}", json={"new_state": state})

    @staticmethod
    def _run(dag_id: str, run_id: str) -> str:
        return f"dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def _seconds(ti: dict[str, Any]) -> float | None:
    if ti["start_date"] is None:
        return None
    end = datetime.fromisoformat(ti["end_date"]) if ti["end_date"] else datetime.now(UTC)
    return max(0.0, (end - datetime.fromisoformat(ti["start_date"])).total_seconds())


def _log_line(entry: dict[str, Any]) -> LogLine:
    details = []
    for error in entry.get("error_detail") or []:
        details += [f"{frame['filename']}:{frame['lineno']} in {frame['name']}" for frame in error["frames"]]
        details.append(f"{error['exc_type']}: {error['exc_value']}")
    return LogLine(
        time=datetime.fromisoformat(entry["timestamp"]),
        level=entry.get("level", "info"),
        logger=entry.get("logger") or "",
        message=entry["event"],
        details=tuple(details),
    )
