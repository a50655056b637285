"""Jobs that succeed although parts of them fail, and suspended jobs."""

from __future__ import annotations

from typing import Any

import pytest
from support.emulated import open_jobs, queried, response_of, submitted
from support.submits import FILE, OUTPUT, SUBMITS, encoded

from airflow_provider_ims.emulator.api.errors import ApiError

NOT_SAVED = "oss fail to save the image in the given bucket"


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("{sequenceId}.png", ["00002.png", "00003.png"]),
        ("c{Count}.png", ["c00002.png", "c00003.png"]),
        ("{resultType}.wav", ["accompaniment.wav"]),
        ("out.mp4", []),
    ],
)
def test_a_file_that_is_not_saved_is_replaced_by_an_error_text_in_a_successful_job(name: str, saved: list[str]) -> None:
    request: dict[str, Any] = {
        **SUBMITS["ice", "SubmitIProductionJob"],
        "Output": {**OUTPUT, "Media": f"oss://b/{name}"},
    }
    with open_jobs() as jobs:
        job = submitted(jobs, "SubmitIProductionJob", encoded(request))
        jobs.fail_videos(job.job_id, 1)
        assert "OutputFiles" not in queried(jobs, job)
        response = queried(jobs, jobs.finish(job.job_id))
    assert response["Status"] == "Success"
    assert response["OutputFiles"] == [NOT_SAVED, *(f"oss://b/{one}" for one in saved)]
    assert len(response["OutputUrls"]) == len(saved) + 1


def test_an_output_of_a_complete_conversion_can_fail() -> None:
    config = {"Inputs": [{"InputFile": FILE}], "Outputs": [{"Name": "sd"}, {"Name": "hd"}]}
    with open_jobs() as jobs:
        job = submitted(jobs, "SubmitMediaConvertJob", encoded({"Config": config}))
        jobs.fail_videos(job.job_id, 1, code="Broken", message="No.")
        response = queried(jobs, jobs.finish(job.job_id))["Job"]
    assert response["State"] == "Complete"
    failed, converted = response["OutputDetails"]
    assert (failed["Status"], failed["Code"], failed["Message"]) == ("Failed", "Broken", "No.")
    assert (converted["Status"], converted["Name"]) == ("Success", "hd")


def test_a_suspended_storyboard_continues_when_it_is_resumed() -> None:
    action = "SubmitYikeStoryboardJob"
    with open_jobs() as jobs:
        job = submitted(jobs, action, encoded(SUBMITS["ice", action]))
        with pytest.raises(ApiError):
            response_of(jobs, "ResumeYikeStoryboardJob", {"JobId": job.job_id})
        jobs.set_state(job.job_id, "Suspended")
        jobs.clock.advance(60)
        assert queried(jobs, job)["JobStatus"] == "Suspended"
        assert response_of(jobs, "ResumeYikeStoryboardJob", {"JobId": job.job_id}) == {"JobId": job.job_id}
        assert queried(jobs, job)["JobStatus"] == "Succeeded"
        with pytest.raises(ApiError):
            response_of(jobs, "ResumeYikeStoryboardJob", {"JobId": "nobody"})
