"""Reads from Airflow's database what the tasks of this provider recorded."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import func, select

from airflow_provider_ims.hooks._actions import ICE, VOD, Product
from airflow_provider_ims.links import FAILED_RESULT_KEY, RECORD_KEY

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: The XComs that contain a result, the first of which is used.
RESULT_KEYS = ("return_value", FAILED_RESULT_KEY)
PRODUCTS = {product.code: product for product in (ICE, VOD)}


@dataclass(frozen=True, slots=True)
class Key:
    """Identifies a task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True, slots=True)
class JobRecord:
    """
    A job as recorded by its task.

    :param index: Its position in the result of the task.
    :param result: The result of the job; ``None`` if it failed.
    :param error: The error message, if the job failed and it is recorded.
    """

    index: int
    job_id: str | None
    state: str | None
    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """
    A task instance of this provider, with what it recorded.

    :param job_id: The first job of the task.
    :param state: The state of the task instance.
    :param seconds: The time from the submission of the first job to the result.
    :param result: Its result; ``None`` while it has none.
    :param stored_at: When the result was stored.
    """

    key: Key
    product: Product
    ims_conn_id: str | None
    region_id: str | None
    job_id: str | None
    state: str | None
    seconds: float | None
    result: Any = None
    stored_at: datetime | None = None

    @property
    def total(self) -> int:
        """The number of jobs in the result."""
        if isinstance(self.result, list):
            return len(self.result)
        return len(self.result["jobs"]) if self._has_many else int(isinstance(self.result, dict))

    @property
    def _has_many(self) -> bool:
        return isinstance(self.result, dict) and isinstance(self.result.get("jobs"), list) and "total" in self.result

    def jobs(self, start: int, count: int) -> list[JobRecord]:
        """
        Return some jobs, in their order.

        :raises OSError: If the file with the results cannot be read.
        :raises ValueError: If it does not contain the results of these jobs.
        """
        if not self._has_many:
            results = self.result if isinstance(self.result, list) else [self.result] if self.total else []
            return [_job(index, one) for index, one in enumerate(results)][start : start + count]
        listed = self.result["jobs"][start : start + count]
        if path := self.result.get("results_path"):
            lines = _lines(str(path), start, len(listed), self.stored_at)
        else:
            results = self.result.get("results") or []
            lines = tuple({"result": one} for one in results[start : start + count])
        if len(lines) != len(listed):
            raise ValueError("the number of results differs from the number of jobs")
        return [
            _listed_job(start + offset, job, line) for offset, (job, line) in enumerate(zip(listed, lines, strict=True))
        ]


def _job(index: int, result: Any) -> JobRecord:
    fields = result if isinstance(result, dict) else {}
    error = ": ".join(str(fields[name]) for name in ("error_code", "error_message") if fields.get(name))
    return JobRecord(index, fields.get("job_id"), fields.get("state"), result, error or None)


def _listed_job(index: int, job: Any, line: dict[str, Any]) -> JobRecord:
    if not isinstance(job, dict) or line.get("job_id", job.get("job_id")) != job.get("job_id"):
        raise ValueError(f"line {index + 1} is not that of job {index}")
    return JobRecord(index, job.get("job_id"), job.get("state"), line.get("result"), line.get("error"))


@lru_cache(maxsize=8)
def _lines(path: str, start: int, count: int, _: datetime | None) -> tuple[dict[str, Any], ...]:
    """Return some lines of a file with results; cached, because each picture of a page requests its line."""
    from airflow.sdk import ObjectStoragePath

    with ObjectStoragePath(path).open("r", encoding="utf-8") as file:
        lines = tuple(json.loads(line) for line in islice(file, start, start + count))
    if not all(isinstance(line, dict) and "job_id" in line for line in lines):
        raise ValueError("it does not contain results of jobs")
    return lines


def read_task(session: Session, key: Key) -> TaskRecord | None:
    """Return what a task instance recorded; ``None`` if it does not exist or is not one of this provider."""
    return next(iter(_read(session, [key])), None)


def read_run(session: Session, dag_id: str, run_id: str, start: int, count: int) -> tuple[list[TaskRecord], int]:
    """Return some task instances of this provider in a DAG run, and their total number."""
    found = (XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == RECORD_KEY)
    total = session.scalar(select(func.count()).select_from(XComModel).where(*found)) or 0
    page = select(XComModel.task_id, XComModel.map_index).where(*found)
    page = page.order_by(XComModel.timestamp, XComModel.task_id, XComModel.map_index).offset(start).limit(count)
    keys = [Key(dag_id, run_id, task_id, map_index) for task_id, map_index in session.execute(page)]
    return list(_read(session, keys)), total


def _read(session: Session, keys: Sequence[Key]) -> Iterator[TaskRecord]:
    for key in keys:
        where = {"dag_id": key.dag_id, "run_id": key.run_id, "task_id": key.task_id, "map_index": key.map_index}
        query = select(XComModel).filter_by(**where).where(XComModel.key.in_((RECORD_KEY, *RESULT_KEYS)))
        xcoms = {row.key: row for row in session.scalars(query)}
        record = _value(xcoms[RECORD_KEY]) if RECORD_KEY in xcoms else None
        if not isinstance(record, dict) or record.get("product") not in PRODUCTS:
            continue
        state = session.scalar(select(TaskInstance.state).filter_by(**where))
        result = next((xcoms[key] for key in RESULT_KEYS if key in xcoms), None)
        yield TaskRecord(
            key,
            PRODUCTS[record["product"]],
            record.get("ims_conn_id"),
            record.get("region_id"),
            record.get("job_id"),
            None if state is None else str(state),
            _seconds(record.get("submitted_at"), result),
            None if result is None else _value(result),
            None if result is None else result.timestamp,
        )


def _seconds(submitted_at: Any, result: XComModel | None) -> float | None:
    if result is None or not isinstance(submitted_at, (int, float)):
        return None
    return max(0.0, result.timestamp.timestamp() - submitted_at)


def _value(row: XComModel) -> Any:
    """
    Return the value of an XCom, if it consists of plain JSON data.

    A custom XCom backend may have stored a reference. Only then is its code used, as in a task.
    """
    from airflow.sdk.bases.xcom import BaseXCom
    from airflow.sdk.execution_time.xcom import XCom

    value = row.value
    if isinstance(value, str) and XCom is not BaseXCom:
        try:
            value = XCom.deserialize_value(row)
        except Exception:
            log.exception("XCom %s of %s.%s could not be read", row.key, row.dag_id, row.task_id)
            return None
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return None
