"""Uploads from URLs, in both products."""

from __future__ import annotations

from typing import Any

import pytest
from support.emulated import open_jobs, response_of, submitted

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.table import JOB_KINDS

QUERIES = {"UploadMediaByURL": "GetUrlUploadInfos", "vod:UploadMediaByURL": "GetURLUploadInfos"}
every_product = pytest.mark.parametrize("action", QUERIES)
VOD_UPLOAD = JOB_KINDS["vod:UploadMediaByURL"]
URL = "https://example.com/{}.mp4"


@pytest.fixture
def jobs() -> Any:
    with open_jobs() as jobs:
        yield jobs


@every_product
def test_each_url_of_a_request_is_a_job(action: str, jobs: Jobs) -> None:
    urls = [URL.format(number) for number in range(3)]
    accepted = response_of(jobs, action, {"UploadURLs": ",".join(urls)})["UploadJobs"]
    assert [job["SourceURL"] for job in accepted] == urls
    ids = [job["JobId"] for job in accepted]
    found = response_of(jobs, QUERIES[action], {"JobIds": ",".join(ids)})["URLUploadInfoList"]
    assert [(job["JobId"], job["UploadURL"]) for job in found] == list(zip(ids, urls, strict=True))


@every_product
def test_invalid_urls_are_rejected(action: str, jobs: Jobs) -> None:
    for urls in (",".join(URL.format(number) for number in range(21)), "ftp://example.com/1.mp4", "1.mp4", "http://[a"):
        with pytest.raises(ApiError, match="UploadURLs"):
            response_of(jobs, action, {"UploadURLs": urls})
    assert jobs.store.jobs() == []


@every_product
def test_jobs_are_queried_by_their_urls_plain_or_encoded(action: str, jobs: Jobs) -> None:
    product = action.removesuffix("UploadMediaByURL")
    first = submitted(jobs, action, {"UploadURLs": "https%3A%2F%2Fexample.com%2F1.mp4"})
    stream = {"MediaId": "m", "StreamURL": URL.format(1), "Definition": "HD"}
    second = submitted(jobs, f"{product}UploadStreamByURL", stream)
    submitted(jobs, action, {"UploadURLs": URL.format(2)})
    for url in (URL.format(1), "https%3A%2F%2Fexample.com%2F1.mp4"):
        response = response_of(jobs, QUERIES[action], {"UploadURLs": f"{url},{URL.format(3)}"})
        assert {job["JobId"] for job in response["URLUploadInfoList"]} == {first.job_id, second.job_id}
        assert response["NonExists"] == [URL.format(3)]
    with pytest.raises(ApiError, match="JobIds"):
        response_of(jobs, QUERIES[action], {})
    # Job ids take precedence.
    both = response_of(jobs, QUERIES[action], {"JobIds": first.job_id, "UploadURLs": URL.format(2)})
    assert [job["JobId"] for job in both["URLUploadInfoList"]] == [first.job_id]


def test_a_query_by_url_returns_the_latest_hundred_jobs(jobs: Jobs) -> None:
    ids = [submitted(jobs, "UploadMediaByURL", {"UploadURLs": URL.format(1)}).job_id for _ in range(101)]
    found = response_of(jobs, "GetUrlUploadInfos", {"UploadURLs": URL.format(1)})["URLUploadInfoList"]
    assert [job["JobId"] for job in found] == ids[1:]


@every_product
def test_the_latest_jobs_of_a_url_are_those_of_both_kinds(action: str, jobs: Jobs) -> None:
    stream = {"MediaId": "m", "StreamURL": URL.format(1), "Definition": "HD"}
    older = submitted(jobs, f"{action.removesuffix('UploadMediaByURL')}UploadStreamByURL", stream).job_id
    newer = [submitted(jobs, action, {"UploadURLs": URL.format(1)}).job_id for _ in range(100)]
    found = response_of(jobs, QUERIES[action], {"UploadURLs": URL.format(1)})["URLUploadInfoList"]
    assert older not in [job["JobId"] for job in found]
    assert [job["JobId"] for job in found] == newer


def test_only_the_response_of_ims_to_an_upload_request_contains_the_media_id(jobs: Jobs) -> None:
    (accepted,) = response_of(jobs, "UploadMediaByURL", {"UploadURLs": URL.format(1)})["UploadJobs"]
    (job,) = jobs.store.jobs("UploadMediaByURL")
    jobs.finish(job.job_id)
    (found,) = response_of(jobs, "GetUrlUploadInfos", {"JobIds": job.job_id})["URLUploadInfoList"]
    assert (found["MediaId"], found["Status"]) == (accepted["MediaId"], "Normal")
    (vod,) = response_of(jobs, "vod:UploadMediaByURL", {"UploadURLs": URL.format(1)})["UploadJobs"]
    assert "MediaId" not in vod


@every_product
def test_a_job_has_the_documented_states(action: str, jobs: Jobs) -> None:
    job = submitted(jobs, action, {"UploadURLs": URL.format(1)})

    def state(at: float) -> str:
        jobs.clock.advance(at - jobs.clock.now())
        (found,) = response_of(jobs, QUERIES[action], {"JobIds": job.job_id})["URLUploadInfoList"]
        return str(found["Status"])

    assert state(job.created) == "PENDING"
    running = [state(job.starts + (job.ends - job.starts) * (step + 0.5) / 5) for step in range(5)]
    assert running == ["PROCESSING", "DOWNLOADING", "DOWNLOAD_SUCCESS", "UPLOADING", "UPLOAD_SUCCESS"]
    assert state(job.ends) == ("SUCCESS" if action.startswith("vod:") else "Normal")


@every_product
def test_a_failed_upload_has_the_state_download_fail(action: str, jobs: Jobs) -> None:
    job = submitted(jobs, action, {"UploadURLs": URL.format(1)})
    jobs.fail(job.job_id, "InvalidURL", "The URL cannot be read.")
    (found,) = response_of(jobs, QUERIES[action], {"JobIds": job.job_id})["URLUploadInfoList"]
    assert (found["Status"], found["ErrorCode"]) == ("DOWNLOAD_FAIL", "InvalidURL")


def test_uploads_in_the_queue_are_cancelled(jobs: Jobs) -> None:
    waiting, started = (submitted(jobs, "vod:UploadMediaByURL", {"UploadURLs": URL.format(n)}) for n in range(2))
    jobs.set_state(started.job_id, "UPLOADING")
    ids = ",".join((waiting.job_id, started.job_id, "unknown"))
    response = response_of(jobs, "CancelUrlUploadJobs", {"JobIds": ids})
    assert response == {"CanceledJobs": [waiting.job_id], "NonExists": ["unknown"]}
    assert response_of(jobs, "CancelUrlUploadJobs", {"UploadUrls": URL.format(1)})["CanceledJobs"] == []
    found = response_of(jobs, "GetURLUploadInfos", {"JobIds": ids})["URLUploadInfoList"]
    assert [job["Status"] for job in found] == ["DOWNLOAD_FAIL", "UPLOADING"]


def test_a_session_id_is_rejected_for_ten_minutes(jobs: Jobs) -> None:
    request = {"UploadURLs": f"{URL.format(1)},{URL.format(2)}", "SessionId": "s"}
    assert len(jobs.submit_all(VOD_UPLOAD, request)) == 2
    jobs.clock.advance(599)
    with pytest.raises(ApiError, match="SessionIdExists"):
        jobs.submit_all(VOD_UPLOAD, request)
    jobs.clock.advance(2)
    assert len(jobs.submit_all(VOD_UPLOAD, request)) == 2
