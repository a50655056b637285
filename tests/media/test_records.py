"""What is read from Airflow's database, also with a custom XCom backend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.io.xcom.backend import XComObjectStorageBackend
from airflow.sdk.execution_time import xcom
from airflow.utils.session import create_session

from airflow_provider_ims.media._records import Key, TaskRecord, read_task

if TYPE_CHECKING:
    from support.media_pages import Recorder

RESULT = {"job_id": "j1", "texts": ["A cake"]}


def read(recorder: Recorder) -> TaskRecord | None:
    with create_session() as session:
        return read_task(session, Key(recorder.dag_id, recorder.run_id, "copy"))


def test_a_result_in_object_storage_is_read(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", f"file://{tmp_path}")
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD", "0")
    monkeypatch.setattr(xcom, "XCom", XComObjectStorageBackend)
    stored = XComObjectStorageBackend.serialize_value(RESULT, key="return_value", dag_id=recorder.dag_id)
    recorder.task("copy", stored)
    assert list(tmp_path.rglob("*/*"))
    record = read(recorder)
    assert record is not None
    assert record.result == RESULT


@pytest.mark.parametrize("value", ["text", 1, True, [1], {"a": {"__classname__": "builtins.set", "__data__": [1]}}])
def test_other_results_are_plain_data(value: Any, recorder: Recorder) -> None:
    recorder.task("copy", value)
    record = read(recorder)
    assert record is not None
    assert record.result == value
    assert len(record.jobs(0, 50)) == record.total


def test_a_record_of_an_unknown_product_is_ignored(recorder: Recorder) -> None:
    recorder.task("copy", RESULT, record={"product": "other"})
    assert read(recorder) is None
