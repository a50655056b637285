"""Media processing jobs: packaging, snapshots, animated images and media information."""

from __future__ import annotations

import json

from airflow_provider_ims.emulator.api.fields import (
    combined,
    created,
    fields,
    file_in,
    located_file_in,
    media_file,
    modified,
    objects,
    parameter,
    pipeline,
    priority,
    schedule,
    submit_request_id,
)
from airflow_provider_ims.emulator.api.media_info import media_info
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import (
    Fields,
    JobFamily,
    JobKind,
    JobView,
    Listing,
    Render,
    as_object,
)
from airflow_provider_ims.emulator.api.parameters import declare

STATES = ("Init", "Init", "Success", "Fail")

#: The response fields that packaging, snapshot and animated image jobs have in common.
_JOB = fields(
    SubmitTime=created, ModifiedTime=modified, TriggerSource="API", Name=parameter("Name"), PipelineId=pipeline
)

_NOT_LISTED = ("UserData", "Code", "Message", "TemplateConfig", "Input.OssFile", "Output.OssFile")

SNAPSHOT = JobFamily(
    "GetSnapshotJob",
    STATES,
    "SnapshotJob",
    listing=Listing("ListSnapshotJobs", "Jobs", STATES, _NOT_LISTED, filters={"JobId": "job_id"}),
)
DYNAMIC_IMAGE = JobFamily(
    "GetDynamicImageJob",
    STATES,
    "DynamicImageJob",
    listing=Listing("ListDynamicImageJobs", "Jobs", STATES, (*_NOT_LISTED, "OutputUrl"), filters={"JobId": "job_id"}),
    id_optional=True,
)
PACKAGE = JobFamily(
    "GetPackageJob",
    STATES,
    "PackageJob",
    listing=Listing(
        "ListPackageJobs",
        "PackageJobList.PackageJobs",
        STATES,
        ("OutputUrl",),
        token_at="PackageJobList.NextPageToken",
        filters={"JobId": "job_id"},
    ),
)
MEDIA_INFO = JobFamily(
    "GetMediaInfoJob",
    STATES,
    "MediaInfoJob",
    error=("", ""),
    times=("SubmitTime", "FinishTime"),
    listing=Listing("ListMediaInfoJobs", "Jobs", STATES, filters={"JobId": "job_id"}),
    id_optional=True,
)


def _snapshot(view: JobView) -> Fields:
    wanted = as_object(view.json("TemplateConfig").get("OverwriteParams"))
    count = wanted.get("Count")
    return {
        "Async": True,
        "Count": count if type(count) is int else 1,
        "Type": str(wanted.get("Type") or "Normal"),
    }


def _template(view: JobView) -> Fields:
    template = view.json("TemplateConfig")
    return {
        "TemplateId": str(template.get("TemplateId") or ""),
        "TemplateConfig": dump(as_object(template.get("OverwriteParams"))),
    }


def _output_url(suffix: str) -> Render:
    return lambda view: {"OutputUrl": view.output_url(view.json("Output"), f"{view.job_id}.{suffix}")}


def _package(view: JobView) -> Fields:
    inputs = objects(json.loads(view.parameters["Inputs"]))
    return {"Inputs": [{"Input": media_file(as_object(one.get("Input")))} for one in inputs]}


def _media_info(view: JobView) -> Fields:
    url = view.output_url(view.json("Input"), "source.mp4")
    return {"MediaInfoProperty": media_info(view, url, view.id("media"), "source_file")}


_IMAGE_PARAMETERS = "Input*{} Output*{} TemplateConfig*{} Name ScheduleConfig{}"
_IMAGE = combined(_JOB, fields(Input=located_file_in("Input"), Output=located_file_in("Output")), _template)

PROCESSING_KINDS = (
    JobKind(
        "SubmitSnapshotJob",
        SNAPSHOT,
        declare(f"{_IMAGE_PARAMETERS} UserData{{}}"),
        render=combined(_IMAGE, _snapshot),
        seconds=2.0,
    ),
    JobKind(
        "SubmitDynamicImageJob",
        DYNAMIC_IMAGE,
        declare(f"{_IMAGE_PARAMETERS} UserData"),
        render=_IMAGE,
        result=_output_url("gif"),
        seconds=2.0,
    ),
    JobKind(
        "SubmitPackageJob",
        PACKAGE,
        declare("Inputs*[] Output*{} Name ScheduleConfig{} UserData"),
        render=combined(_JOB, _package, fields(Output=file_in("Output"), Priority=priority)),
        result=_output_url("m3u8"),
    ),
    JobKind(
        "SubmitMediaInfoJob",
        MEDIA_INFO,
        declare("Input*{} Name ScheduleConfig{} UserData"),
        "MediaInfoJob.JobId",
        whole_job=True,
        render=fields(
            Async=lambda _: True,
            Input=file_in("Input"),
            Name=parameter("Name"),
            RequestId=submit_request_id,
            ScheduleConfig=schedule,
            SubmitResultJson=lambda _: {},
            TriggerSource="API",
        ),
        result=_media_info,
        seconds=1.0,
    ),
)
