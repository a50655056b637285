from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims.emulator import batch, images, smart
from airflow_provider_ims.emulator.clock import JobClock
from airflow_provider_ims.emulator.errors import ApiError
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.rules import check_parameters
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.store import Store

pytestmark = pytest.mark.slow

FAMILIES = {
    smart.TEXT: (smart.submit_text, smart.get, "JobId"),
    smart.AUDIO: (smart.submit_audio, smart.get, "JobId"),
    batch.ACTION: (batch.submit, batch.get, "JobId"),
    images.ACTION: (images.submit, images.get, "JobIds"),
}
TEXT = st.text(max_size=12)
NUMBER = st.integers(-2, 120) | st.floats() | st.integers(0, 50).map(str) | st.none()
VALUE = TEXT | NUMBER | st.lists(TEXT, max_size=2) | st.booleans()
FIELDS = {
    "GenerateConfig": {"keywords": TEXT, "textLength": NUMBER, "targetCount": NUMBER, "originText": TEXT},
    "EditingConfig": {"voice": TEXT, "customizedVoice": TEXT, "volume": NUMBER, "speech_rate": NUMBER, "format": VALUE},
    "OutputConfig": {
        "bucket": TEXT,
        "object": TEXT,
        "MediaURL": TEXT.map("{{index}}{}".format),
        "Count": NUMBER,
        "MaxDuration": NUMBER,
        "FixedDuration": NUMBER,
        "StorageLocation": VALUE,
        "FileName": VALUE,
        "GeneratePreviewOnly": VALUE,
    },
    "InputConfig": {"MediaArray": VALUE, "MediaSearchInput": VALUE, "SpeechTextArray": VALUE},
}


def config(name):
    values = FIELDS[name]
    return st.fixed_dictionaries({}, optional=values).map(json.dumps)


@pytest.fixture
def jobs():
    store = Store()
    yield Jobs(store, JobClock("manual"), Settings())
    store.close()


def accepted(action, parameters):
    try:
        return check_parameters(action, parameters)
    except ApiError:
        return None


@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_whatever_is_accepted_can_be_answered_to_its_end(good_requests, action, data):
    changes = data.draw(st.fixed_dictionaries({}, optional={name: config(name) for name in FIELDS}))
    if action == smart.AUDIO:
        changes["InputConfig"] = data.draw(TEXT)
    parameters = accepted(action, {**good_requests[action], **changes})
    if parameters is None:
        return
    submit, get, name = FAMILIES[action]
    store = Store()
    jobs = Jobs(store, JobClock("manual"), Settings())
    job = submit(jobs, parameters)[1]
    for seconds in (0, 2, 100):
        jobs.clock.advance(seconds)
        assert job.job_id in json.dumps(get(jobs, {name: job.job_id}))
    store.close()


def test_the_parts_of_a_batch_end_no_later_than_the_batch(jobs, good_requests):
    job = batch.submit(jobs, good_requests[batch.ACTION])[1]
    for _ in range(70):
        phases = [jobs.part_phase(job, index, 3) for index in range(3)]
        assert phases == sorted(phases, reverse=True)
        assert (min(phases) >= 2) is (jobs.phase(job) >= 2)
        jobs.clock.advance(0.1)


def test_a_job_that_takes_no_time_has_ended_when_it_is_first_asked_for(good_requests):
    store = Store()
    jobs = Jobs(store, JobClock("manual"), Settings(durations={batch.ACTION: 0}))
    job = batch.submit(jobs, good_requests[batch.ACTION])[1]
    answer = batch.get(jobs, {"JobId": job.job_id})["EditingBatchJob"]
    store.close()
    assert answer["Status"] == "Finished"
    assert {sub_job["Status"] for sub_job in answer["SubJobList"]} == {"Success"}
