"""Runs a DAG file with ``dag.test()``, as DAG authors do on their machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._waiting import monitor
from support.compat import DagBag

if TYPE_CHECKING:
    import pytest


class DagRunner:
    """
    Runs the DAGs of one folder. Requires the fixture ``airflow_db``.

    :param folder: The DAGs folder.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setattr(monitor, "FIRST_POLL_DELAY", 0.05)
        bundle = {
            "name": "tests",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
        }
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))

    def run(
        self, dag_id: str, file: str | None = None, *, logical_date: datetime | None = None
    ) -> dict[tuple[str, int], Any]:
        """Run a DAG whose tasks must all succeed, and return its XComs by task and map index."""
        bag = DagBag(self.folder / (file or f"{dag_id}.py"))
        assert bag.import_errors == {}
        dag = bag.dags[dag_id]
        for task in dag.tasks:
            # Otherwise, dag.test() waits for the retry of a failed task.
            task.retries = 0
        dag_run = dag.test(logical_date=logical_date or datetime.now(UTC))
        assert dag_run.state == "success"
        instances = dag_run.get_task_instances()
        assert {instance.state for instance in instances} == {"success"}
        return {
            (instance.task_id, instance.map_index): instance.xcom_pull(
                task_ids=instance.task_id, map_indexes=instance.map_index
            )
            for instance in instances
        }
