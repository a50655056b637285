"""The families of jobs that are waited for, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """
    One family.

    :param title: What the tables call it.
    :param kind: The submit action of the jobs.
    :param parameters: What they are submitted with.
    :param query: The action that tells a job's state.
    :param id_parameter: Its parameter that takes the job ids.
    """

    title: str
    kind: str
    parameters: dict[str, str]
    query: str
    id_parameter: str = "JobId"


FAMILIES = {
    "smart": Family(
        title="Smart jobs",
        kind="SubmitAudioProduceJob",  # The kind of smart job that listings are documented to show.
        parameters={
            "InputConfig": "The new shop is open. Come and see!",
            "EditingConfig": '{"voice":"Siqi","format":"MP3"}',
            "OutputConfig": '{"bucket":"bucket","object":"audio"}',
        },
        query="GetSmartHandleJob",
    ),
    "batch": Family(
        title="Batch jobs",
        kind="SubmitBatchMediaProducingJob",
        parameters={
            "InputConfig": '{"MediaGroupArray":[{"GroupName":"one","MediaArray":["media-1","media-2"]}]}',
            "OutputConfig": '{"MediaURL":"http://bucket.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4","Count":2}',
        },
        query="GetBatchMediaProducingJob",
    ),
    "image": Family(
        title="AI image jobs",
        kind="SubmitAIImageJob",
        parameters={"VideoId": "video", "AITemplateId": "template", "UserData": '{"Extend":{}}'},
        query="GetAIImageJobs",
        id_parameter="JobIds",
    ),
}
