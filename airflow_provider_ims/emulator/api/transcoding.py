"""Transcoding and media conversion jobs, which can have several outputs."""

from __future__ import annotations

import json

from airflow_provider_ims.emulator.api.fields import (
    combined,
    created,
    ended,
    fields,
    media_file,
    objects,
    parameter,
    parsed,
    percent,
    pipeline,
    schedule,
    submit_request_id,
)
from airflow_provider_ims.emulator.api.media_info import media_info
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView, Listing, as_object
from airflow_provider_ims.emulator.api.parameters import Parameters, declare
from airflow_provider_ims.emulator.api.parts import Part, Parts
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

TRANSCODE_STATES = ("Init", "Processing", "Success", "Fail")
CONVERT_STATES = ("Inited", "Running", "Complete", "Error")

_PROCESS = "OutputGroup.ProcessConfig"

TRANSCODE = JobFamily(
    "GetTranscodeJob",
    TRANSCODE_STATES,
    "TranscodeParentJob",
    job_id="ParentJobId",
    id_parameter="ParentJobId",
    error=("", ""),
    # Some fields are returned only by the listing, and others only by the query.
    hidden=("InputGroup.InputUrl", f"{_PROCESS}.IsInheritTags", f"{_PROCESS}.Transcode.OverwriteParams.Tags"),
    listing=Listing(
        "ListTranscodeJobs",
        "Jobs",
        ("Init", "Success", "Fail"),
        (
            "TranscodeJobList",
            f"{_PROCESS}.Encryption.KeyServiceType",
            f"{_PROCESS}.Transcode.OverwriteParams.TransConfig",
        ),
        filters={"ParentJobId": "job_id"},
    ),
    id_optional=True,
)
MEDIA_CONVERT = JobFamily(
    "GetMediaConvertJob",
    CONVERT_STATES,
    "Job",
    state="State",
    failed=("Cancelled",),
    listing=Listing(
        "ListMediaConvertJobs",
        "Jobs",
        CONVERT_STATES,
        ("OutputDetails", "OutputGroupDetails", "Percent"),
        filters={"JobId": "job_id"},
    ),
    id_optional=True,
)


def _output_count(parameters: Parameters) -> int:
    return len(json.loads(parameters["OutputGroup"]))


_TRANSCODE_JOB = fields(
    Name=parameter("Name"),
    RequestId=submit_request_id,
    ScheduleConfig=schedule,
    SubmitTime=created,
    UserData=parameter("UserData"),
)


def _inputs(view: JobView) -> list[Fields]:
    return [media_file(one, "InputUrl") for one in objects(json.loads(view.parameters["InputGroup"]))]


def _outputs(view: JobView) -> list[Fields]:
    return [
        {
            **one,
            "Output": media_file(as_object(one.get("Output")), "OutputUrl"),
            "ProcessConfig": {"IsInheritTags": False, **as_object(one.get("ProcessConfig"))},
        }
        for one in objects(json.loads(view.parameters["OutputGroup"]))
    ]


def _transcoded(view: JobView, part: Part) -> Fields:
    output = _outputs(view)[part.index]
    part_id, media_id = view.id(part.index), view.id(part.index, "media")
    shown: Fields = {
        **_TRANSCODE_JOB(view),
        **output,
        "JobId": part_id,
        "ParentJobId": view.job_id,
        "JobIndex": part.index,
        "Status": ("Processing", "Processing", "Success", "Fail")[part.phase],
        "InputGroup": _inputs(view),
        "CreateTime": created(view),
        "SubmitResultJson": {},
    }
    if part.phase >= Phase.SUCCEEDED:
        shown["FinishTime"] = iso(view.job.ends)
    if part.phase is Phase.SUCCEEDED:
        url = view.output_url(as_object(output.get("Output")), f"{part_id}.mp4")
        url = url.replace("{MediaId}", media_id).replace("{JobId}", part_id)
        shown["OutFileMeta"] = media_info(view, url, media_id, "transcode_file")
    return shown


def _single_outputs(config: Fields) -> list[Fields]:
    return objects(config.get("Outputs")) or ([] if config.get("OutputGroups") else [{}])


def _convert_count(parameters: Parameters) -> int:
    return len(_single_outputs(as_object(json.loads(parameters["Config"]))))


def _convert_outputs(view: JobView) -> Fields:
    """Return the outputs of a media conversion job that has ended: single outputs, and groups of outputs."""
    if view.phase < Phase.SUCCEEDED:
        return {}
    config, failed = view.json("Config"), view.job.failed_parts
    single = [
        _converted(view, output, str(number), as_object(output.get("OutputFile")), failed.get(str(number)))
        for number, output in enumerate(_single_outputs(config))
    ]
    groups = [
        {
            **_converted(view, group, f"group-{number}"),
            "Outputs": [
                _converted(view, output, f"{number}-{index}", _file_of_group(group, output))
                for index, output in enumerate(objects(group.get("Outputs")))
            ],
        }
        for number, group in enumerate(objects(config.get("OutputGroups")))
    ]
    return {"OutputDetails": single, "OutputGroupDetails": groups}


def _file_of_group(group: Fields, output: Fields) -> Fields:
    """
    Return the requested file of an output in a group.

    The configuration of the group contains the directory, and the configuration of the output contains the file name.
    """
    base = as_object(as_object(group.get("GroupConfig")).get("OutputFileBase"))
    directory = str(base.get("Media") or "").rpartition("/")[0]
    return {**base, "Media": f"{directory}/{output.get('OutputFileName') or 'output.mp4'}"} if directory else {}


def _converted(
    view: JobView, output: Fields, number: str, file: Fields | None = None, error: tuple[str, str] | None = None
) -> Fields:
    """
    Return the response fields of an output or a group of outputs, for a job that has ended.

    :param output: The configuration of the output or group in the request.
    :param number: A string that is unique within the job. It is the default name, and the task id is derived
        from it.
    :param file: The requested file of an output; None for a group.
    :param error: The error code and message of an output that fails although the job succeeds.
    """
    if view.phase is Phase.FAILED:
        error = (view.job.error_code or "", view.job.error_message or "")
    shown: Fields = {
        "Name": str(output.get("Name") or number),
        "TaskId": view.id(number),
        "Status": "Failed" if error else "Success",
        "CreateTime": created(view),
        "FinishTime": ended(view),
    }
    if error:
        return {**shown, "Code": error[0], "Message": error[1]}
    return shown if file is None else {**shown, "Result": _convert_result(view, file, number)}


def _convert_result(view: JobView, requested: Fields, number: str) -> Fields:
    url = view.output_url(requested, f"{view.job_id}-{number}.mp4")
    media_id = view.id(number, "media")
    file = media_file({"Media": url, **requested}, "Url")
    return {
        "OutputFile": {"Url": file["Media"], **file},
        "OutFileMeta": media_info(view, url, media_id, "transcode_file"),
    }


TRANSCODING_KINDS = (
    JobKind(
        "SubmitTranscodeJob",
        TRANSCODE,
        declare("InputGroup*[] OutputGroup*[] Name ScheduleConfig{} UserData<512 ClientToken<64"),
        "TranscodeParentJob.ParentJobId",
        whole_job=True,
        not_accepted=(
            "TranscodeParentJob.OutputGroup.Output.OutputUrl",
            "TranscodeParentJob.TranscodeJobList.ProcessConfig.IsInheritTags",
        ),
        render=combined(
            _TRANSCODE_JOB,
            fields(
                InputGroup=_inputs,
                OutputGroup=_outputs,
                JobCount=lambda view: _output_count(view.parameters),
                Percent=percent,
                TriggerSource="API",
            ),
        ),
        parts=Parts("TranscodeJobList", _output_count, _transcoded),
        seconds=6.0,
    ),
    JobKind(
        "SubmitMediaConvertJob",
        MEDIA_CONVERT,
        declare("Config*{} PipelineId UserData ClientToken<64"),
        "Job.JobId",
        whole_job=True,
        not_accepted=("Job.CreateTime", "Job.FinishTime", "Job.Percent"),
        render=combined(
            fields(
                ClientToken=parameter("ClientToken"),
                Config=parsed("Config"),
                Percent=percent,
                PipelineId=pipeline,
                RequestId=submit_request_id,
            ),
            _convert_outputs,
        ),
        parts=Parts("", _convert_count, lambda view, part: {}),
        seconds=6.0,
    ),
)
