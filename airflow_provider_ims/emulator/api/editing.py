"""Cloud editing: videos from timelines, exported projects, videos from live streams, and algorithms."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, Fields, JobFamily, JobKind, JobView, Listing, Parts
from airflow_provider_ims.emulator.api.parameters import Parameters, declare
from airflow_provider_ims.emulator.api.processing import input_and_output

NOT_SAVED = "oss fail to save the image in the given bucket"
STATES = ("Init", "Processing", "Success", "Failed")

MEDIA_PRODUCING = JobFamily(
    "GetMediaProducingJob",
    STATES,
    "MediaProducingJob",
    times=("CreateTime", "CompleteTime"),
    listing=Listing(
        "ListMediaProducingJobs",
        "MediaProducingJobList",
        STATES,
        order="SortBy",
        orders=("CreationTime:Desc", "CreationTime:Asc"),
        page_size="MaxResults",
        token="NextToken",
        times=("StartTime", "EndTime"),
        token_at="NextToken",
    ),
)
PROJECT_EXPORT = JobFamily("GetProjectExportJob", STATES, "ProjectExportJob", times=("", ""))
LIVE_EDITING = JobFamily("GetLiveEditingJob", STATES, "LiveEditingJob", times=("CreationTime", "CompleteTime"))
IPRODUCTION = JobFamily(
    "QueryIProductionJob", ("Queuing", "Analyzing", "Success", "Fail"), error=("", ""), cancel="CancelIProductionJob"
)


def _project_id(view: JobView) -> str:
    return view.parameters.get("ProjectId") or view.id("project")


def _project(view: JobView) -> Fields:
    return {"ProjectId": _project_id(view), "MediaId": view.id("media")}


def _video(view: JobView) -> Fields:
    return {"MediaURL": view.output_url(view.json("OutputMediaConfig"), f"{view.job_id}.mp4")}


def _export(view: JobView) -> Fields:
    return {"ExportType": view.parameters.get("ExportType", "BaseTimeline"), "ProjectId": _project_id(view)}


def _exported_project(view: JobView) -> Fields:
    if view.parameters.get("ExportType") == "AdobePremierePro":
        bucket = view.json("OutputMediaConfig").get("Bucket") or "emulated"
        return {"ExportResult": {"ProjectUrl": view.url(f"{view.job_id}.zip", bucket)}}
    return {"ExportResult": {"Timeline": view.parameters.get("Timeline") or '{"VideoTracks":[]}'}}


def _algorithm(view: JobView) -> Fields:
    return {**input_and_output(view), **view.given("FunctionName", "JobParams", "TemplateId")}


def _file_count(parameters: Parameters) -> int:
    """Return the number of files: covers are numbered, and separated music has two tracks."""
    output = parameters["Output"]
    if "{sequenceId}" in output or "{Count}" in output:
        return 3
    return 2 if "{resultType}" in output else 1


def _algorithm_output(view: JobView) -> Fields:
    template = view.output_url(view.json("Output"), f"{view.job_id}.mp4")
    urls = []
    for number, track in zip(range(_file_count(view.parameters)), ("vocals", "accompaniment", ""), strict=False):
        sequence = f"{number + 1:05}"
        url = template.replace("{Count}", sequence).replace("{sequenceId}", sequence).replace("{resultType}", track)
        urls.append(url)
    # The service reports success and returns the addresses even if it could not save the files.
    files = [NOT_SAVED if str(number) in view.job.failed_parts else url for number, url in enumerate(urls)]
    return {"Result": dump({"Data": files}), "OutputFiles": files, "OutputUrls": urls}


EDITING_KINDS = (
    JobKind(
        "SubmitMediaProducingJob",
        MEDIA_PRODUCING,
        declare(
            "OutputMediaConfig*{} OutputMediaTarget Timeline{} TemplateId ClipsParam{} ProjectId ProjectMetadata{}"
            " EditingProduceConfig{} MediaMetadata{} Source UserData{}<512 ClientToken<64"
        ),
        render=_project,
        result=lambda view: {**_video(view), "Duration": VIDEO_SECONDS},
        seconds=6.0,
    ),
    JobKind(
        "SubmitProjectExportJob",
        PROJECT_EXPORT,
        declare("OutputMediaConfig*{} ExportType ProjectId Timeline{} UserData{}"),
        render=_export,
        result=_exported_project,
    ),
    JobKind(
        "SubmitLiveEditingJob",
        LIVE_EDITING,
        declare(
            "Clips*[] LiveStreamConfig{} MediaProduceConfig{} OutputMediaConfig{} OutputMediaTarget ProjectId"
            " UserData{}<512"
        ),
        render=_project,
        result=_video,
    ),
    JobKind(
        "SubmitIProductionJob",
        IPRODUCTION,
        declare("FunctionName* Input*{} Output*{} JobParams{} ModelId Name ScheduleConfig{} TemplateId UserData<1024"),
        render=_algorithm,
        result=_algorithm_output,
        parts=Parts("", _file_count, lambda view, part: {}),
    ),
)
