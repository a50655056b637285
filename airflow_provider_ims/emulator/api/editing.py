"""Cloud editing: videos from timelines, exported projects, videos from live streams, and algorithms."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, Fields, JobFamily, JobKind, JobView, Listing
from airflow_provider_ims.emulator.api.parameters import declare
from airflow_provider_ims.emulator.api.processing import input_and_output

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


def _algorithm_output(view: JobView) -> Fields:
    # Covers are numbered.
    url = view.output_url(view.json("Output"), f"{view.job_id}.mp4").replace("{Count}", "00001")
    return {"Result": dump({"Data": [url]}), "OutputFiles": [url], "OutputUrls": [url]}


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
    ),
)
