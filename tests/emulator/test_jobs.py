"""The life cycle of jobs, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.emulated import GOOD_REQUESTS, open_jobs, queried, submitted

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.settings import Settings

pytestmark = pytest.mark.slow

AUDIO, BATCH = "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob"
TEXT = st.text(max_size=12)
NUMBER = st.integers(-2, 120) | st.floats() | st.integers(0, 50).map(str) | st.none()
VALUE = TEXT | NUMBER | st.lists(TEXT, max_size=2) | st.booleans()
FIELDS: dict[str, dict[str, st.SearchStrategy[object]]] = {
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


def config(name: str) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries({}, optional=FIELDS[name]).map(json.dumps)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs() as jobs:
        yield jobs


@given(st.sampled_from(sorted(GOOD_REQUESTS)), st.data())
def test_every_accepted_job_can_be_queried_until_its_end(key: str, data: st.DataObject) -> None:
    changes = data.draw(st.fixed_dictionaries({}, optional={name: config(name) for name in FIELDS}))
    if key == AUDIO:
        changes["InputConfig"] = data.draw(TEXT)
    with open_jobs() as jobs:
        try:
            job = submitted(jobs, key, {**GOOD_REQUESTS[key], **changes})
        except ApiError:
            return
        for seconds in (0, 2, 100):
            jobs.clock.advance(seconds)
            assert job.job_id in json.dumps(queried(jobs, job))


def test_the_parts_of_a_batch_end_no_later_than_the_batch(jobs: Jobs) -> None:
    job = submitted(jobs, BATCH, GOOD_REQUESTS[BATCH])
    for _ in range(70):
        view = jobs.view(job)
        phases = [part.phase for part in view.parts()]
        assert len(phases) == 3
        assert phases == sorted(phases, reverse=True)
        assert (min(phases) >= 2) is (view.phase >= 2)
        jobs.clock.advance(0.1)


def test_a_job_without_a_duration_has_ended_at_its_first_query() -> None:
    with open_jobs(Settings(durations={BATCH: 0})) as jobs:
        response = queried(jobs, submitted(jobs, BATCH, GOOD_REQUESTS[BATCH]))["EditingBatchJob"]
    assert response["Status"] == "Finished"
    assert {sub_job["Status"] for sub_job in response["SubJobList"]} == {"Success"}
