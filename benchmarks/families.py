"""The job families that the benchmarks use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """
    One job family.

    :param title: Its name in the tables.
    :param kind: The submit action of the jobs.
    :param parameters: The parameters of the submit action.
    :param query: The action that returns a job's state.
    :param id_parameter: The parameter of the query action for the job ids.
    """

    title: str
    kind: str
    parameters: dict[str, str]
    query: str
    id_parameter: str = "JobId"


FAMILIES = {
    "smart": Family(
        title="Smart jobs",
        kind="SubmitAudioProduceJob",  # According to the documentation, ListSmartJobs lists only these jobs.
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
