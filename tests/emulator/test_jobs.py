"""The life cycle of jobs, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.emulated import GOOD_REQUESTS, open_jobs, queried, response_of, submitted
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.settings import Settings

pytestmark = pytest.mark.slow

AUDIO, BATCH = "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob"
PRODUCTION, STORYBOARD = "SubmitIProductionJob", "SubmitYikeStoryboardJob"
GOOD_PRODUCTION = encoded(SUBMITS["ice", PRODUCTION])
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


@pytest.mark.parametrize("change", [Jobs.finish, Jobs.fail])
@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_the_outcome_of_a_job_that_has_ended_is_not_changed(end: str, change: Callable[..., object]) -> None:
    with open_jobs() as jobs:
        job_id = submitted(jobs, PRODUCTION, GOOD_PRODUCTION).job_id
        if end == "cancelled":
            response_of(jobs, "CancelIProductionJob", {"JobId": job_id})
        elif end == "failed":
            jobs.fail(job_id, "Broken", "No.")
        else:
            jobs.clock.advance(3600)
        before = vars(jobs.get(job_id))
        if end == "succeeded" and change is Jobs.finish:
            change(jobs, job_id)
        else:
            with pytest.raises(ValueError, match=f"the job {job_id} has already ended in the state (Success|Fail)"):
                change(jobs, job_id)
        assert vars(jobs.get(job_id)) == before


def test_a_job_whose_state_was_set_to_success_has_succeeded_although_an_error_is_stored(jobs: Jobs) -> None:
    job_id = submitted(jobs, AUDIO, GOOD_REQUESTS[AUDIO]).job_id
    jobs.fail_at_end(job_id, "Broken", "No.")
    jobs.set_state(job_id, "Finished")
    before = vars(jobs.get(job_id)).copy()
    assert vars(jobs.finish(job_id)) == before
    with pytest.raises(ValueError, match="has already ended in the state Finished"):
        jobs.fail(job_id, "Broken", "No.")


def test_a_job_that_failed_can_fail_again_with_the_same_error(jobs: Jobs) -> None:
    job = submitted(jobs, AUDIO, GOOD_REQUESTS[AUDIO])
    jobs.fail(job.job_id, "Broken", "No.")
    jobs.clock.advance(10)
    assert vars(jobs.fail(job.job_id, "Broken", "No.")) == vars(jobs.get(job.job_id))
    assert jobs.get(job.job_id).ends < jobs.clock.now()


def test_a_suspended_job_can_be_ended() -> None:
    with open_jobs() as jobs:
        for end, state in ((jobs.finish, "Succeeded"), (jobs.fail, "Failed")):
            job = submitted(jobs, STORYBOARD, encoded(SUBMITS["ice", STORYBOARD]))
            jobs.set_state(job.job_id, "Suspended")
            assert queried(jobs, end(job.job_id))["JobStatus"] == state
