"""Records of tasks in Airflow's database, and a client of the media pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow.models import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert

from airflow_provider_ims.links import FAILED_RESULT_KEY, RECORD_KEY

MOMENT = datetime(2026, 11, 21, 6, tzinfo=UTC)
RECORD = {
    "product": "ice",
    "ims_conn_id": "ims_default",
    "region_id": None,
    "job_id": "j1",
    "submitted_at": MOMENT.timestamp(),
}


@dataclass
class Recorder:
    """
    Stores task instances with their XComs.

    :param dag_id: A DAG id that no other test uses.
    """

    dag_id: str
    run_id: str = "manual__2026-11-21T06:00:00+00:00"
    run_pk: int = field(default=0, init=False)

    def __enter__(self) -> Recorder:
        with create_session() as session:
            run = DagRun(
                dag_id=self.dag_id, run_id=self.run_id, run_type="manual", logical_date=MOMENT, run_after=MOMENT
            )
            session.add(run)
            session.flush()
            self.run_pk = run.id
        return self

    def __exit__(self, *_: object) -> None:
        with create_session() as session:
            for model in (XComModel, TaskInstance, DagRun):
                session.execute(delete(model).where(model.dag_id == self.dag_id))

    def task(
        self,
        task_id: str,
        result: Any = None,
        *,
        record: Mapping[str, Any] | None = RECORD,
        map_index: int = -1,
        state: str = "success",
    ) -> None:
        """Store a task instance, its record and its result."""
        where = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": task_id, "map_index": map_index}
        with create_session() as session:
            values = {"state": state, "duration": 61.5, "pool": "default_pool", "pool_slots": 1, "span_status": "ended"}
            session.execute(insert(TaskInstance).values(**where, **values))
            key_of_result = FAILED_RESULT_KEY if state == "failed" else "return_value"
            xcoms = ((RECORD_KEY, record, MOMENT), (key_of_result, result, MOMENT + timedelta(seconds=61.5)))
            for key, value, moment in xcoms:
                if value is not None:
                    # The execution API stores the value in this form.
                    stored = json.loads(json.dumps(value))
                    row = XComModel(dag_run_id=self.run_pk, key=key, value=stored, timestamp=moment, **where)
                    session.add(row)

    def url(self, path: str = "", /, **query: Any) -> str:
        """Return the URL of a page of the DAG run."""
        parameters = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return f"/ims/media/dags/{self.dag_id}{path}?run_id={quote(self.run_id, safe='')}&{parameters}"


def media_server() -> FastAPI:
    """Return an application that mounts the media pages as Airflow's API server does."""
    from airflow.api_fastapi.app import init_auth_manager

    from airflow_provider_ims._plugin import ImsPlugin

    server = FastAPI()
    (mounted,) = ImsPlugin.fastapi_apps
    server.mount(mounted["url_prefix"], mounted["app"])
    init_auth_manager(server)
    return server


@contextmanager
def media_client() -> Iterator[TestClient]:
    """Yield a client of the application."""
    with TestClient(media_server(), follow_redirects=False) as client:
        yield client


def session_of(role: str | None) -> str:
    """Return the session token of a user with a role, or without one."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="user", role=role))


def log_in(client: TestClient, role: str | None = "ADMIN") -> None:
    """Store the session of a user with a role, or without one, in the cookies of a client."""
    client.cookies.set("_token", session_of(role))
