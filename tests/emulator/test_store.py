from __future__ import annotations

import sqlite3

import pytest

from airflow_provider_ims.emulator import store as store_module
from airflow_provider_ims.emulator.actions import Phase
from airflow_provider_ims.emulator.clock import JobClock, from_iso, iso
from airflow_provider_ims.emulator.store import Filter, Job, Store

AUDIO = "SubmitAudioProduceJob"


def job(number, **changes):
    times = {"created": float(number), "starts": number + 1.0, "ends": number + 2.0}
    return Job(**{"job_id": f"job-{number}", "action": AUDIO, "job_type": "x", "parameters": {}, **times, **changes})


@pytest.fixture
def store():
    store = Store()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("now", "phase"), [(0.0, Phase.CREATED), (1.0, Phase.RUNNING), (1.99, Phase.RUNNING), (2.0, Phase.SUCCEEDED)]
)
def test_the_filter_of_a_listing_and_the_job_agree_on_its_phase(store, now, phase):
    store.add_job(job(0))
    store.add_job(job(0, job_id="fails"))
    failing = store.job("fails")
    failing.error_code = "Bad"
    store.save_fate(failing)
    for each in store.jobs():
        expected = Phase.FAILED if each.error_code and phase is Phase.SUCCEEDED else phase
        assert each.phase(now) is expected
        for asked in Phase:
            found = store.page(
                Filter((AUDIO,), job_id=each.job_id, shown=(asked, "-")), now=now, newest_first=True, limit=9
            )
            assert bool(found) is (asked is expected)


@pytest.mark.parametrize(
    ("action", "plan"),
    [
        ("job", "SEARCH jobs USING INDEX"),
        ("page", "SEARCH jobs USING INDEX jobs_by_action"),
        ("video", "SEARCH jobs USING INDEX jobs_by_video"),
    ],
)
def test_every_look_up_goes_by_an_index(store, action, plan):
    where, values = Filter((AUDIO,)).where()
    queries = {
        "job": ("SELECT * FROM jobs WHERE job_id = 'x'", {}),
        "page": (f"SELECT * FROM jobs WHERE {where} ORDER BY seq DESC LIMIT 10", values),
        "video": ("SELECT * FROM jobs WHERE video_id = 'x' ORDER BY seq", {}),
    }
    query, values = queries[action]
    steps = store._db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()
    assert [step[3] for step in steps if plan in step[3]]
    assert not [step[3] for step in steps if "TEMP B-TREE" in step[3]]


def test_the_oldest_requests_are_forgotten_and_jobs_never(store, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_REQUESTS", 3)
    for number in range(5):
        store.add_request({"action": "a", "status": 200, "number": number})
        store.add_job(job(number))
    assert [record["number"] for record in store.requests()] == [2, 3, 4]
    assert len(store.jobs()) == 5


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(sqlite3.DatabaseError, match="another version"):
        Store(str(path))


@pytest.mark.parametrize(
    ("before", "after"), [("manual", "manual"), ("manual", "auto"), ("auto", "auto"), ("auto", "manual")]
)
def test_a_clock_goes_on_from_where_it_was(before, after):
    clock = JobClock(before)
    clock.advance(5000)
    again = JobClock(after, clock.save())
    assert again.now() == pytest.approx(clock.now(), abs=60)


def test_times_are_written_as_the_services_write_them():
    assert iso(from_iso("2022-01-21T06:15:07Z") + 0.9) == "2022-01-21T06:15:07Z"
