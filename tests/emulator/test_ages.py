"""The maximum age of the jobs that an action returns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.emulated import open_jobs, queried, response_of, submitted
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import JobKind
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.state.store import Job

DAY = 24 * 3600
URL = "https://example.com/1.mp4"
#: Submit action -> the days after which its query no longer returns the job.
QUERIED = {
    "SubmitTextGenerateJob": 365,
    "SubmitBatchMediaProducingJob": 365,
    "SubmitMediaProducingJob": 365,
    "SubmitLiveEditingJob": 365,
    "StartWorkflow": 365,
    "SubmitTranscodeJobs": 365,
    "vod:SubmitSnapshotJob": 184,
    "SubmitSmarttagJob": 180,
}
#: Submit action -> the listing, and the days after which it no longer contains the job.
LISTED = {
    "StartWorkflow": ("ListWorkflowTasks", 90),
    "SubmitMediaCensorJob": ("QueryMediaCensorJobList", 92),
}


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs() as jobs:
        yield jobs


def submit(jobs: Jobs, kind: JobKind) -> Job:
    return submitted(jobs, kind.key, encoded(SUBMITS[kind.family.product.ram_code, kind.submit]))


def is_found(jobs: Jobs, job: Job) -> bool:
    """Return whether a query by the id of a job returns it."""
    try:
        return job.job_id in str(queried(jobs, job)) or not JOB_KINDS[job.action].family.job_id
    except ApiError:
        return False


@pytest.mark.parametrize(("action", "days"), QUERIED.items())
def test_a_query_returns_jobs_up_to_the_documented_age(jobs: Jobs, action: str, days: int) -> None:
    job = submit(jobs, JOB_KINDS[action])
    jobs.clock.advance(days * DAY - 1)
    assert is_found(jobs, job)
    jobs.clock.advance(2)
    assert not is_found(jobs, job)


@pytest.mark.parametrize("kind", JOB_KINDS.values(), ids=JOB_KINDS)
def test_a_query_returns_jobs_of_any_age_if_no_maximum_is_documented(jobs: Jobs, kind: JobKind) -> None:
    job = submit(jobs, kind)
    jobs.clock.advance(3_650 * DAY)
    has_maximum = any(JOB_KINDS[action].family is kind.family for action in QUERIED)
    assert is_found(jobs, job) is not has_maximum


@pytest.mark.parametrize(("action", "listing", "days"), [(action, *rest) for action, rest in LISTED.items()])
def test_a_listing_contains_jobs_up_to_the_documented_age(jobs: Jobs, action: str, listing: str, days: int) -> None:
    job = submit(jobs, JOB_KINDS[action])
    jobs.clock.advance(days * DAY - 1)
    assert job.job_id in str(response_of(jobs, listing, {}))
    jobs.clock.advance(2)
    assert job.job_id not in str(response_of(jobs, listing, {}))
    started = {name: "2000-01-01T00:00:00Z" for name in ACTIONS[listing].parameters if name.startswith("StartOf")}
    assert job.job_id not in str(response_of(jobs, listing, started))


def test_a_listing_contains_jobs_of_any_age_if_no_maximum_is_documented(jobs: Jobs) -> None:
    for action, listing in (("SubmitASRJob", "ListSmartJobs"), ("SubmitMediaProducingJob", "ListMediaProducingJobs")):
        job = submit(jobs, JOB_KINDS[action])
        jobs.clock.advance(3_650 * DAY)
        assert job.job_id in str(response_of(jobs, listing, {}))


def test_all_requests_for_uploads_find_jobs_of_any_age(jobs: Jobs) -> None:
    job = submitted(jobs, "vod:UploadMediaByURL", {"UploadURLs": URL})
    jobs.set_state(job.job_id, "PENDING")
    jobs.clock.advance(3_650 * DAY)
    for request in ({"JobIds": job.job_id}, {"UploadURLs": URL}):
        (found,) = response_of(jobs, "GetURLUploadInfos", request)["URLUploadInfoList"]
        assert found["JobId"] == job.job_id
    assert response_of(jobs, "CancelUrlUploadJobs", {"JobIds": job.job_id})["CanceledJobs"] == [job.job_id]
