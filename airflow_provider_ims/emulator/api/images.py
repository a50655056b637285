"""AI image jobs of VOD, which are queried with ``GetAIImageJobs``; ``ListAIImageInfo`` lists the images of a video."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VOD, Fields, JobFamily, JobKind, JobView, stable_id
from airflow_provider_ims.emulator.api.parameters import Parameters, declare
from airflow_provider_ims.emulator.api.signing import signed_url
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

IMAGES_PER_JOB = 3


def _check_user_data(user_data: Fields, name: str, _: Parameters) -> None:
    if "MessageCallback" not in user_data and "Extend" not in user_data:
        raise invalid(name, "It must contain MessageCallback or Extend.")


def images(view: JobView) -> list[Fields]:
    """Return the score and the URL of each image of a job, in descending order of the scores."""
    bucket = f"outin-{stable_id('bucket')}"
    found = []
    for number in range(1, IMAGES_PER_JOB + 1):
        fraction = int(view.id(number)[:8], 16) / 0x1_0000_0000
        name = f"{view.parameters['VideoId']}/image/ai/{view.job_id}-{number:05}.gif"
        found.append({"Score": 1 + (IMAGES_PER_JOB - number) * 2 + 2 * fraction, "Url": view.url(name, bucket)})
    return found


def image_infos(view: JobView) -> list[Fields]:
    """Return the images of a job in the format of ``ListAIImageInfo``, with signed URLs."""
    return [
        {
            "AIImageInfoId": view.id(number, "info"),
            "CreationTime": iso(view.job.ends),
            "FileURL": signed_url(image["Url"], view.settings, view.region),
            "Format": image["Url"].rpartition(".")[2],
            "JobId": view.job_id,
            "Score": str(image["Score"]),
            "Version": str(number + 1),
            "VideoId": view.parameters["VideoId"],
        }
        for number, image in enumerate(images(view))
    ]


def _job(view: JobView) -> Fields:
    fields: Fields = {
        "VideoId": view.parameters["VideoId"],
        "TemplateId": view.parameters["AITemplateId"],
        "TemplateConfig": dump({"Format": "gif", "SetDefaultCover": "true"}),
    }
    if view.phase < Phase.SUCCEEDED and view.job.pinned is None:
        fields["Status"] = view.settings.image_running_status or None
    return fields


def _result(view: JobView) -> Fields:
    return {"Code": "Success", "Message": "success", "AIImageResult": dump(images(view))}


AI_IMAGE = JobFamily(
    "GetAIImageJobs",
    # The documentation contains only the states "success" and "fail".
    ("processing", "processing", "success", "fail"),
    "AIImageJobList[]",
    VOD,
    times=("CreationTime", ""),
    id_parameter="JobIds",
    render=_job,
    result="AIImageResult",
)

AI_IMAGE_KIND = JobKind(
    "SubmitAIImageJob",
    AI_IMAGE,
    declare("VideoId* AITemplateId* UserData{}<512 AIPipelineId", UserData=_check_user_data),
    result=_result,
    seconds=2.0,
)
