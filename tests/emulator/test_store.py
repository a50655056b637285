from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ims.emulator.state import requests as requests_module
from airflow_provider_ims.emulator.state.clock import ClockMode, JobClock, from_iso, iso
from airflow_provider_ims.emulator.state.requests import RecordPage
from airflow_provider_ims.emulator.state.store import Filter, Job, Phase, Store

AUDIO = "SubmitAudioProduceJob"


def job(number: int, **changes: Any) -> Job:
    times = {"created": float(number), "starts": number + 1.0, "ends": number + 2.0}
    values: dict[str, Any] = {
        "job_id": f"job-{number}",
        "action": AUDIO,
        "region": "cn-shanghai",
        "job_type": "x",
        "parameters": {},
    }
    return Job(**{**values, **times, **changes})


def record_of(number: int, action: str = "a") -> dict[str, Any]:
    return {"action": action, "status": 200, "number": number}


def numbers(page: RecordPage) -> list[int]:
    return [record["number"] for record in page.records]


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("now", "phase"), [(0.0, Phase.CREATED), (1.0, Phase.RUNNING), (1.99, Phase.RUNNING), (2.0, Phase.SUCCEEDED)]
)
def test_the_filter_of_a_listing_and_the_job_agree_on_its_phase(store: Store, now: float, phase: Phase) -> None:
    store.add_job(job(0))
    store.add_job(job(0, job_id="fails"))
    failing = store.job("fails")
    assert failing is not None
    failing.error_code = "Bad"
    store.update_job(failing)
    for each in store.jobs():
        expected = Phase.FAILED if each.error_code and phase is Phase.SUCCEEDED else phase
        assert each.phase(now) is expected
        for selected in Phase:
            found = store.page(
                Filter((AUDIO,), job_id=each.job_id, state=(selected, selected, "-")),
                now=now,
                newest_first=True,
                limit=9,
            )
            assert bool(found) is (selected is expected)


@pytest.mark.parametrize(
    ("action", "plan"),
    [
        ("job", "SEARCH jobs USING INDEX"),
        ("page", "SEARCH jobs USING INDEX jobs_by_action"),
        ("video", "SEARCH jobs USING INDEX jobs_by_video"),
    ],
)
def test_every_query_uses_an_index(store: Store, action: str, plan: str) -> None:
    where, values = Filter((AUDIO,)).where()
    queries = {
        "job": ("SELECT * FROM jobs WHERE job_id = 'x'", {}),
        "page": (f"SELECT * FROM jobs WHERE {where} ORDER BY seq DESC LIMIT 10", values),
        "video": ("SELECT * FROM jobs WHERE video_id = 'x' AND action = 'y' ORDER BY seq", {}),
    }
    query, values = queries[action]
    steps = store._db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    assert [step[3] for step in steps if plan in step[3]]
    assert not [step[3] for step in steps if "TEMP B-TREE" in step[3]]


def test_the_oldest_requests_are_deleted_and_jobs_are_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "MAX_BYTES", 3 * len(json.dumps(record_of(0))))
    for number in range(5):
        store.requests.add(record_of(number))
        store.add_job(job(number))
    assert numbers(store.requests.page()) == [2, 3, 4]
    assert store.requests.counts() == {"a": {"200": 5}}
    assert len(store.jobs()) == 5


def test_a_request_that_exceeds_the_limit_is_counted_but_not_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "MAX_BYTES", 100)
    seq = store.requests.add({**record_of(0), "status": None})
    store.requests.update(seq, {**record_of(0), "text": "x" * 100})
    assert store.requests.page() == ([], None)
    assert store.requests.counts() == {"a": {"200": 1}}
    store.requests.update(seq, record_of(1))
    assert store.requests.page() == ([], None)


def test_requests_are_returned_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        store.requests.add(record_of(number, action="ab"[number % 2]))
    first = store.requests.page(limit=2)
    assert first.next is not None
    second = store.requests.page(after=first.next, limit=3)
    assert (numbers(first), numbers(second), second.next) == ([0, 1], [2, 3, 4], None)
    assert numbers(store.requests.page("a", limit=3)) == [0, 2, 4]
    monkeypatch.setattr(requests_module, "PAGE_BYTES", 1)
    page = store.requests.page("b")
    assert numbers(page) == [1]
    assert page.next is not None
    assert numbers(store.requests.page("b", after=page.next)) == [3]


def test_the_newest_requests_are_returned_up_to_the_size_of_a_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        store.requests.add(record_of(number))
    assert [record["number"] for record in store.requests.newest(2)] == [2, 1]
    monkeypatch.setattr(requests_module, "PAGE_BYTES", 1)
    assert [record["number"] for record in store.requests.newest(2)] == [2]


def test_a_file_of_another_version_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(sqlite3.DatabaseError, match="of this version of the emulator"):
        Store(str(path))


@pytest.mark.parametrize(
    ("before", "after"), [("manual", "manual"), ("manual", "auto"), ("auto", "auto"), ("auto", "manual")]
)
def test_a_clock_continues_from_its_saved_time(before: ClockMode, after: ClockMode) -> None:
    clock = JobClock(before)
    clock.advance(5000)
    again = JobClock(after, clock.save())
    assert again.now() == pytest.approx(clock.now(), abs=60)


def test_times_have_the_format_of_the_services() -> None:
    assert iso(from_iso("2022-01-21T06:15:07Z") + 0.9) == "2022-01-21T06:15:07Z"
