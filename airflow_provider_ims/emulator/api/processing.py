"""Media processing: transcoding, packaging, snapshots, animated images, and media information."""

from __future__ import annotations

import json

from airflow_provider_ims.emulator.api.model import (
    VIDEO_SECONDS,
    Fields,
    JobFamily,
    JobKind,
    JobView,
    Listing,
    Part,
    Parts,
    as_object,
)
from airflow_provider_ims.emulator.api.parameters import Parameters, declare
from airflow_provider_ims.emulator.state.store import Phase

STATES = ("Init", "Init", "Success", "Fail")
TRANSCODE_STATES = ("Init", "Processing", "Success", "Fail")
CONVERT_STATES = ("Inited", "Running", "Complete", "Error")
FILE_INFO = {
    "Duration": str(VIDEO_SECONDS),
    "Width": "1280",
    "Height": "720",
    "FileSize": "1891290",
    "FormatName": "mp4",
}


def media_file(config: Fields) -> dict[str, str]:
    """Return the type and address of an input or output file."""
    return {"Type": str(config.get("Type") or "OSS"), "Media": str(config.get("Media") or "")}


def input_file(view: JobView) -> Fields:
    """Return the input file of a job."""
    return {"Input": media_file(view.json("Input")), **view.given("Name")}


def output_file(view: JobView) -> Fields:
    """Return the output file of a job."""
    return {"Output": media_file(view.json("Output")), **view.given("Name")}


def input_and_output(view: JobView) -> Fields:
    """Return the input and the output file of a job."""
    return {**input_file(view), **output_file(view)}


TRANSCODE = JobFamily(
    "GetTranscodeJob",
    TRANSCODE_STATES,
    "TranscodeParentJob",
    job_id="ParentJobId",
    id_parameter="ParentJobId",
    error=("", ""),
    listing=Listing("ListTranscodeJobs", "Jobs", ("Init", "Success", "Fail"), ("TranscodeJobList",)),
)
MEDIA_CONVERT = JobFamily(
    "GetMediaConvertJob",
    CONVERT_STATES,
    "Job",
    state="State",
    failed=("Cancelled",),
    listing=Listing("ListMediaConvertJobs", "Jobs", CONVERT_STATES, ("OutputDetails",)),
)
SNAPSHOT = JobFamily(
    "GetSnapshotJob",
    STATES,
    "SnapshotJob",
    listing=Listing("ListSnapshotJobs", "Jobs", STATES, ("UserData", "Code", "Message")),
)
DYNAMIC_IMAGE = JobFamily(
    "GetDynamicImageJob",
    STATES,
    "DynamicImageJob",
    listing=Listing("ListDynamicImageJobs", "Jobs", STATES, ("UserData", "Code", "Message", "OutputUrl")),
)
PACKAGE = JobFamily(
    "GetPackageJob",
    STATES,
    "PackageJob",
    listing=Listing(
        "ListPackageJobs", "PackageJobList.PackageJobs", STATES, ("OutputUrl",), token_at="PackageJobList.NextPageToken"
    ),
)
MEDIA_INFO = JobFamily(
    "GetMediaInfoJob",
    STATES,
    "MediaInfoJob",
    error=("", ""),
    times=("SubmitTime", "FinishTime"),
    listing=Listing("ListMediaInfoJobs", "Jobs", STATES),
)


def _output_count(parameters: Parameters) -> int:
    return len(json.loads(parameters["OutputGroup"]))


def _transcoded(view: JobView, part: Part) -> Fields:
    output = as_object(as_object(json.loads(view.parameters["OutputGroup"])[part.index]).get("Output"))
    part_id = view.id(part.index)
    fields: Fields = {
        "JobId": part_id,
        "ParentJobId": view.job_id,
        "JobIndex": part.index,
        "Status": ("Processing", "Processing", "Success", "Fail")[part.phase],
        "Output": media_file(output),
    }
    if part.phase is Phase.SUCCEEDED:
        url = view.output_url(output, f"{part_id}.mp4")
        fields["OutFileMeta"] = {"FileBasicInfo": {"FileUrl": url, **FILE_INFO}}
    return fields


def _conversions(parameters: Parameters) -> list[str]:
    """Return the names of the outputs."""
    outputs = as_object(json.loads(parameters["Config"])).get("Outputs")
    named = outputs if isinstance(outputs, list) else [None]
    return [str(as_object(one).get("Name") or number) for number, one in enumerate(named)]


def _converted(view: JobView) -> Fields:
    details = []
    for number, name in enumerate(_conversions(view.parameters)):
        detail: Fields = {"Name": name, "TaskId": view.id(number), "Status": "Success"}
        if error := view.job.failed_parts.get(str(number)):
            detail |= {"Status": "Failed", "Code": error[0], "Message": error[1]}
        else:
            detail["Result"] = {"OutputFile": {"Type": "OSS", "Media": view.url(f"{view.job_id}-{number}.mp4")}}
        details.append(detail)
    return {"OutputDetails": details}


def _snapshots(view: JobView) -> Fields:
    count = as_object(view.json("TemplateConfig").get("OverwriteParams")).get("Count")
    return {"Count": count if isinstance(count, int) else 1, "Type": "Normal"}


def _output_url(view: JobView) -> Fields:
    return {"OutputUrl": view.output_url(view.json("Output"), f"{view.job_id}.gif").replace("{Count}", "00001")}


def _media_info(view: JobView) -> Fields:
    return {
        "MediaInfoProperty": {
            "FileBasicInfo": FILE_INFO,
            "VideoStreamInfoList": [{"Codec_name": "h264", "Width": "1280", "Height": "720", "Fps": "25.0"}],
            "AudioStreamInfoList": [{"CodecName": "aac", "Channels": "2", "SampleRate": "44100"}],
        }
    }


_IMAGE_PARAMETERS = "Input*{} Output*{} TemplateConfig*{} Name ScheduleConfig{}"

PROCESSING_KINDS = (
    JobKind(
        "SubmitTranscodeJob",
        TRANSCODE,
        declare("InputGroup*[] OutputGroup*[] Name ScheduleConfig{} UserData{}<512 ClientToken<64"),
        "TranscodeParentJob.ParentJobId",
        parts=Parts("TranscodeJobList", _output_count, _transcoded),
        seconds=6.0,
    ),
    JobKind(
        "SubmitMediaConvertJob",
        MEDIA_CONVERT,
        declare("Config*{} PipelineId UserData ClientToken<64"),
        "Job.JobId",
        result=_converted,
        parts=Parts("", lambda parameters: len(_conversions(parameters)), lambda view, part: {}),
        seconds=6.0,
    ),
    JobKind(
        "SubmitSnapshotJob",
        SNAPSHOT,
        declare(f"{_IMAGE_PARAMETERS} UserData{{}}"),
        render=input_and_output,
        result=_snapshots,
        seconds=2.0,
    ),
    JobKind(
        "SubmitDynamicImageJob",
        DYNAMIC_IMAGE,
        declare(f"{_IMAGE_PARAMETERS} UserData"),
        render=input_and_output,
        result=_output_url,
        seconds=2.0,
    ),
    JobKind(
        "SubmitPackageJob",
        PACKAGE,
        declare("Inputs*[] Output*{} Name ScheduleConfig{} UserData"),
        render=output_file,
        result=_output_url,
    ),
    JobKind(
        "SubmitMediaInfoJob",
        MEDIA_INFO,
        declare("Input*{} Name ScheduleConfig{} UserData"),
        "MediaInfoJob.JobId",
        render=input_file,
        result=_media_info,
        seconds=1.0,
    ),
)
