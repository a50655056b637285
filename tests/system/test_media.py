"""The media pages of a real Airflow: which users have access, and which files a request can open."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import jwt
import pytest
from support.waiting import CEILING

from local_airflow import wait_until
from local_airflow.demo import DAG_ID
from local_airflow.service import free_port, stop_services

if TYPE_CHECKING:
    from local_airflow import LocalAirflow
    from local_airflow.emulator import EmulatorControl

pytestmark = pytest.mark.slow

#: With characters that a URL must encode.
RUN_ID = "media+2026-11-21T06:00:00+00:00~1"


@pytest.fixture
def run_page(airflow: LocalAirflow, emulator: EmulatorControl) -> str:
    """Run the content pipeline, and return the path of the media page of its DAG run."""
    airflow.api.unpause(DAG_ID)
    airflow.api.call(
        "POST", f"dags/{DAG_ID}/dagRuns", json={"dag_run_id": RUN_ID, "logical_date": "2026-11-21T06:00:00Z"}
    )

    def advance_clock(_: object) -> None:
        emulator.advance(3600)

    assert airflow.api.wait(DAG_ID, RUN_ID, timeout=CEILING, on_progress=advance_clock) == "success"
    return f"/ims/media/dags/{DAG_ID}?run_id={quote(RUN_ID, safe='')}"


@pytest.fixture
def http(airflow: LocalAirflow) -> Iterator[httpx.Client]:
    """Start a second API server, which requires a session, and yield a client without a session."""
    port = free_port()
    env = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False"}
    server = airflow._service("second-api-server", ["api-server", "--port", str(port)], env)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=CEILING) as http:

        def responds() -> bool:
            server.check_running()
            try:
                return http.get("/api/v2/monitor/health").is_success
            except httpx.TransportError:
                return False

        try:
            server.start()
            wait_until("second API server", responds, CEILING)
            yield http
        finally:
            stop_services([server])


def token_of(airflow: LocalAirflow, **changes: Any) -> str:
    """Return the token of an administrator, with changed claims."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(airflow.home / "airflow.cfg")
    token = httpx.get(f"{airflow.url}/auth/token", trust_env=False).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    algorithm = jwt.get_unverified_header(token)["alg"]
    return jwt.encode(claims, config["api_auth"]["jwt_secret"], algorithm=algorithm)


def test_only_users_with_access_to_the_dag_can_open_its_media_pages_and_files(
    airflow: LocalAirflow, http: httpx.Client, run_page: str
) -> None:
    admin = {"Authorization": f"Bearer {token_of(airflow)}"}
    page = http.get(run_page, headers=admin)
    assert page.status_code == 200
    links = {unescape(part) for part in page.text.split('"') if "/file?" in part}
    urls = [run_page, run_page.replace("?", "/task?") + "&task_id=covers", *links]
    assert len(urls) >= 8
    for url in urls:
        anonymous = http.get(url)
        assert anonymous.status_code == 401
        denied = http.get(url, headers={"Authorization": f"Bearer {token_of(airflow, sub='user', role=None)}"})
        assert denied.status_code == 403
        forged = http.get(url, headers={"Authorization": f"Bearer {token_of(airflow)}x"})
        assert forged.status_code in (401, 403)
        for response in (anonymous, denied, forged):
            assert "location" not in response.headers
            assert "covers" not in response.text
        cookie = http.get(url, headers={"Cookie": f"_token={token_of(airflow)}"})
        assert cookie.status_code in (200, 204, 302)
        assert cookie.headers["cache-control"] == "no-store"

    # A URL that no task recorded, and a file of another task.
    recorded = next(url for url in urls if "/file?" in url and "poster" not in url and "task_id=covers" in url)
    assert http.get(recorded, headers=admin).status_code == 302
    for changed in (
        recorded.partition("&item=")[0] + f"&item={quote('http://example.com/secret.mp4', safe='')}",
        recorded.replace("task_id=covers", "task_id=videos"),
        recorded.replace("task_id=covers", "task_id=copy"),
    ):
        refused = http.get(changed, headers=admin)
        assert refused.status_code == 404
        assert "location" not in refused.headers
