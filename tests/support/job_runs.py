"""Jobs that other clients run on the emulator, and checks of their results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.emulator import ImsEmulator, StsCredential

ICE, VOD = "2020-11-09", "2017-03-21"


@dataclass(frozen=True)
class JobCase:
    """
    A job to run.

    :param state: The path of the job's state in the response to the query.
    """

    version: str
    submit: str
    parameters: dict[str, str]
    query: str
    idParameter: str  # noqa: N815 - for JavaScript
    state: tuple[str | int, ...]
    endStates: tuple[str, ...]  # noqa: N815


JOBS = (
    JobCase(
        ICE,
        "SubmitTextGenerateJob",
        {
            "Title": "A title with *~'()! and 蛋糕",
            "Type": "MarketingCopy",
            "GenerateConfig": '{"keywords":"新店蛋糕, real cream","textLength":100,"targetCount":3}',
        },
        "GetSmartHandleJob",
        "JobId",
        ("State",),
        ("Finished", "Failed"),
    ),
    JobCase(
        ICE,
        "SubmitAudioProduceJob",
        {
            "EditingConfig": '{"voice":"Siqi","format":"MP3","volume":50}',
            "OutputConfig": '{"bucket":"your-bucket","object":"your-audio"}',
            "InputConfig": "说起郭德纲，他现在火得一塌糊涂。" * 100,
        },
        "GetSmartHandleJob",
        "JobId",
        ("State",),
        ("Finished", "Failed"),
    ),
    JobCase(
        ICE,
        "SubmitBatchMediaProducingJob",
        {
            "InputConfig": '{"MediaGroupArray":[{"GroupName":"one","MediaArray":["m1","m2"]}]}',
            "OutputConfig": '{"MediaURL":"http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4","Count":3}',
        },
        "GetBatchMediaProducingJob",
        "JobId",
        ("EditingBatchJob", "Status"),
        ("Finished", "Failed"),
    ),
    JobCase(
        VOD,
        "SubmitAIImageJob",
        {"VideoId": "video", "AITemplateId": "template", "UserData": '{"Extend":{"localId":"a","test":"www"}}'},
        "GetAIImageJobs",
        "JobIds",
        ("AIImageJobList", 0, "Status"),
        ("success", "fail"),
    ),
)


@contextmanager
def emulator_with_slow_jobs() -> Iterator[ImsEmulator]:
    """Run an emulator on which a client has to wait for each job."""
    durations = {job.submit: 0.2 for job in JOBS}
    with ImsEmulator(durations=durations, sts_tokens=[StsCredential("STS.key", "sts-secret", "sts-token")]) as emulator:
        yield emulator


def check_responses(service: ImsEmulator, responses: list[Any]) -> None:
    """Check the last response to the query for each job, and that the client had to wait for jobs."""
    text, audio, batch, images = responses
    assert text["State"] == audio["State"] == "Finished"
    assert len(json.loads(text["JobResult"]["AiResult"])) == 3
    assert audio["JobResult"]["MediaId"]
    assert batch["EditingBatchJob"]["Status"] == "Finished"
    assert [video["Status"] for video in batch["EditingBatchJob"]["SubJobList"]] == ["Success"] * 3
    (image_job,) = images["AIImageJobList"]
    assert image_job["Status"] == "success"
    assert json.loads(image_job["AIImageResult"])[0]["Url"]
    assert image_job["UserData"] == JOBS[3].parameters["UserData"]
    for job in JOBS:
        (submitted,) = service.requests(job.submit)
        assert submitted["parameters"].items() >= job.parameters.items()
    assert {request["status"] for request in service.requests()} == {200}
    assert len(service.requests()) > 2 * len(JOBS)
