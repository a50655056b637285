"""The media pages of a real Airflow: who has access, and what a request can open."""

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

from local_airflow.demo import DAG_ID

if TYPE_CHECKING:
    from local_airflow import LocalAirflow
    from local_airflow.emulator import EmulatorControl

pytestmark = pytest.mark.slow

#: With the characters that a URL must encode.
RUN_ID = "媒体__2026-11-21T06:00:00+00:00"


@pytest.fixture
def run_url(airflow: LocalAirflow, emulator: EmulatorControl) -> str:
    """Run the content pipeline, and return the URL of the media page of its DAG run."""
    airflow.api.unpause(DAG_ID)
    run = {"dag_run_id": RUN_ID, "logical_date": None}
    run_id = airflow.api.call("POST", f"dags/{DAG_ID}/dagRuns", json=run)["dag_run_id"]

    def advance_clock(_: object) -> None:
        emulator.advance(3600)

    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING, on_progress=advance_clock) == "success"
    return f"{airflow.url}/ims/media/dags/{DAG_ID}?run_id={quote(run_id, safe='')}"


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=CEILING) as http:
        yield http


def token_of(airflow: LocalAirflow, **changes: Any) -> str:
    """Return the token of an administrator, with other claims."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(airflow.home / "airflow.cfg")
    token = httpx.get(f"{airflow.url}/auth/token", trust_env=False).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    algorithm = jwt.get_unverified_header(token)["alg"]
    return jwt.encode(claims, config["api_auth"]["jwt_secret"], algorithm=algorithm)


def test_only_users_with_access_to_the_dag_see_what_it_made(
    airflow: LocalAirflow, http: httpx.Client, run_url: str
) -> None:
    admin = {"Authorization": f"Bearer {token_of(airflow)}"}
    page = http.get(run_url, headers=admin)
    assert page.status_code == 200
    links = [unescape(part.partition('"')[0]) for part in page.text.split('"') if "/file?" in part]
    urls = [run_url, run_url.replace("?", "/task?") + "&task_id=covers", *{f"{airflow.url}{link}" for link in links}]
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

    # An address that no task recorded, and a file of another task.
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
