"""Task records that are read from Airflow's database, with the default and with a custom XCom backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.io.xcom import backend
from airflow.providers.common.io.xcom.backend import XComObjectStorageBackend
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time import xcom
from airflow.utils.session import create_session

from airflow_provider_ims.media._records import Key, TaskRecord, read_task

if TYPE_CHECKING:
    from support.media_pages import Recorder

RESULT = {"job_id": "j1", "texts": ["A cake"]}


def read(recorder: Recorder) -> TaskRecord | None:
    with create_session() as session:
        return read_task(session, Key(recorder.dag_id, recorder.run_id, "copy"))


@pytest.fixture
def object_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder in which Airflow's custom XCom backend stores all values."""
    for cached in (backend._get_base_path, backend._get_threshold):
        cached.cache_clear()
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", f"file://{tmp_path}/")
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD", "0")
    monkeypatch.setattr(xcom, "XCom", XComObjectStorageBackend)
    yield tmp_path
    for cached in (backend._get_base_path, backend._get_threshold):
        cached.cache_clear()


def store(dag_id: str) -> str:
    """Store the result of a task of a DAG, and return the reference."""
    where = {"dag_id": dag_id, "run_id": "manual__2026-11-21T06:00:00+00:00", "task_id": "copy"}
    return XComObjectStorageBackend.serialize_value(RESULT, key="return_value", **where)


def test_a_result_in_object_storage_is_read(recorder: Recorder, object_storage: Path) -> None:
    recorder.task("copy", store(recorder.dag_id))
    assert list(object_storage.rglob("*/*"))
    record = read(recorder)
    assert record is not None
    assert record.results.value == RESULT


@pytest.mark.parametrize("through", ["", "{dag_id}/../"])
def test_an_object_of_another_dag_is_not_read(through: str, recorder: Recorder, object_storage: Path) -> None:
    base = f"file://{object_storage}/"
    recorder.task("copy", store("another").replace(base, base + through.format(dag_id=recorder.dag_id)))
    (object_storage / recorder.dag_id).mkdir()
    record = read(recorder)
    assert record is not None
    assert record.results.value is None
    assert "does not belong to this DAG" in (record.problem or "")


def test_an_error_of_the_xcom_backend_is_reported_without_its_message(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backend(BaseXCom):
        @staticmethod
        def deserialize_value(result: Any) -> Any:
            raise KeyError("secret")

    monkeypatch.setattr(xcom, "XCom", Backend)
    recorder.task("copy", "reference")
    record = read(recorder)
    assert record is not None
    assert "return_value could not be read: KeyError" in (record.problem or "")
    assert "secret" not in (record.problem or "")


@pytest.mark.parametrize("value", ["text", 1, True, [1], {"a": {"__classname__": "builtins.set", "__data__": [1]}}])
def test_results_of_other_types_are_returned_as_plain_data(value: Any, recorder: Recorder) -> None:
    recorder.task("copy", value)
    record = read(recorder)
    assert record is not None
    assert record.results.value == value
    assert len(record.results.jobs(0, 50)) == record.results.total


def test_a_record_of_an_unknown_product_is_ignored(recorder: Recorder) -> None:
    recorder.task("copy", RESULT, record={"product": "other"})
    assert read(recorder) is None
