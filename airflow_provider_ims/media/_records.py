"""Reads the data that the tasks of this provider have recorded in Airflow's database."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import func, select

from airflow_provider_ims._jobs.payload import as_number, as_text
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product
from airflow_provider_ims.links import FAILED_RESULT_KEY, RECORD_KEY
from airflow_provider_ims.media._results import Results, showable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: The keys of the XComs that may contain a result. The first of them that exists is used.
RESULT_KEYS = ("return_value", FAILED_RESULT_KEY)
PRODUCTS = {product.code: product for product in (ICE, VOD)}


@dataclass(frozen=True, slots=True)
class Key:
    """Identifies a task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that identify the task instance in the tables of Airflow's database, with their values."""
        return {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": self.task_id, "map_index": self.map_index}


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """
    A task instance of this provider, with the data that it has recorded.

    :param ims_conn_id: The connection id. It is not validated, and a user with permission to write XComs can set it to
        any value.
    :param region_id: The region, which is not validated either.
    :param job_id: The id of the first job of the task; ``None`` if none is recorded.
    :param state: The state of the task instance.
    :param seconds: The seconds from the submission of the first job to the storage of the result; ``None`` if unknown.
    :param results: The results of the task's jobs.
    :param problem: Why the result cannot be read; ``None`` if there is no problem.
    """

    key: Key
    product: Product
    ims_conn_id: Any
    region_id: Any
    job_id: str | None
    state: str | None
    seconds: float | None
    results: Results = field(default_factory=Results)
    problem: str | None = None


def read_task(session: Session, key: Key) -> TaskRecord | None:
    """Return the data that a task instance has recorded; ``None`` if there is no readable record of this provider."""
    return next(iter(_read(session, [key])), None)


def read_run(session: Session, dag_id: str, run_id: str, start: int, count: int) -> tuple[list[TaskRecord], int]:
    """
    Return a page of the task instances of this provider in a DAG run.

    :return: Up to ``count`` task instances, from the index ``start``, and the total number of task instances.
    """
    found = (XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == RECORD_KEY)
    total = session.scalar(select(func.count()).select_from(XComModel).where(*found)) or 0
    page = select(XComModel.task_id, XComModel.map_index).where(*found)
    page = page.order_by(XComModel.timestamp, XComModel.task_id, XComModel.map_index).offset(start).limit(count)
    keys = [Key(dag_id, run_id, task_id, map_index) for task_id, map_index in session.execute(page)]
    return list(_read(session, keys)), total


def _read(session: Session, keys: Sequence[Key]) -> Iterator[TaskRecord]:
    for key in keys:
        record, results, problem = None, Results(), None
        try:
            record = _value(session, key, RECORD_KEY)
        except ImsError:
            log.warning("The record of %s could not be read", key, exc_info=True)
        product = PRODUCTS.get(str(record.get("product"))) if isinstance(record, dict) else None
        if not isinstance(record, dict) or product is None:
            continue
        try:
            results = _results(session, key)
        except ImsError as error:
            problem = str(error)
        state = session.scalar(select(TaskInstance.state).filter_by(**key.columns))
        yield TaskRecord(
            key,
            product,
            record.get("ims_conn_id"),
            record.get("region_id"),
            as_text(record.get("job_id")),
            None if state is None else str(state),
            _seconds(record.get("submitted_at"), results),
            results,
            problem,
        )


def _seconds(submitted_at: Any, results: Results) -> float | None:
    began = as_number(submitted_at)
    return None if began is None or results.stored_at is None else max(0.0, results.stored_at.timestamp() - began)


def _results(session: Session, key: Key) -> Results:
    for name in RESULT_KEYS:
        row = select(XComModel.timestamp).filter_by(**key.columns, key=name)
        if (stored_at := session.scalar(row)) is not None:
            return Results(_value(session, key, name), stored_at)
    return Results()


def _value(session: Session, key: Key, name: str) -> Any:
    """
    Return the value of an XCom as plain JSON data; ``None`` if the XCom does not exist.

    :raises ImsError: If the XCom cannot be read.
    """
    problem = ""
    try:
        row = session.scalar(select(XComModel).filter_by(**key.columns, key=name))
        return None if row is None else showable(json.loads(json.dumps(_resolved(row))))
    except ImsError as error:
        problem = error.message
    except Exception as error:
        # A custom XCom backend may raise any exception, and its message may contain a secret.
        log.warning("XCom %s of %s could not be read", name, key, exc_info=True)
        problem = f"{type(error).__name__}; see the log of the API server"
    raise ImsError(f"The XCom {name} could not be read: {problem}")


def _resolved(row: XComModel) -> Any:
    """Return the value of an XCom. A custom XCom backend resolves a string, because the string may be a reference."""
    from airflow.sdk.bases.xcom import BaseXCom
    from airflow.sdk.execution_time.xcom import XCom

    if not isinstance(row.value, str) or XCom is BaseXCom:
        return row.value
    _check_reference(XCom, row.value, row.dag_id)
    return XCom.deserialize_value(row)


def _check_reference(backend: type[Any], reference: str, dag_id: str) -> None:
    """
    Reject a reference to an object of another DAG, because the user may not have access to that DAG.

    Airflow's own pages show references without resolving them. Airflow's backend for object storage stores the objects
    of each DAG in a folder below its path, but resolves references to all folders below this path. The references of
    other backends are not checked, because their format is unknown.

    :raises ImsError: If the reference does not refer to an object in the folder of the DAG.
    """
    from airflow.providers.common.compat.sdk import conf
    from airflow.providers.common.io.xcom.backend import XComObjectStorageBackend
    from airflow.sdk import ObjectStoragePath

    if not issubclass(backend, XComObjectStorageBackend):
        return
    folder = ObjectStoragePath(conf.get("common.io", "xcom_objectstorage_path")) / dag_id
    if not reference.startswith(f"{folder}/") or ".." in reference.split("/"):
        raise ImsError("it refers to an object that does not belong to this DAG")
