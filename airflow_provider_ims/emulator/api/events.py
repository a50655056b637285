"""
The messages of the callbacks that are sent when jobs end.

IMS: https://help.aliyun.com/document_detail/444780.html. VOD: https://help.aliyun.com/document_detail/55627.html.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_ims.emulator.api.batch import BATCH
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VOD, Fields, JobView
from airflow_provider_ims.emulator.api.operations import render
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.api.targets import user_data_of
from airflow_provider_ims.emulator.api.uploads import stored_url
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

ASSUMED_EVENT = "AssumedJobComplete"
"""The ``EventType`` that the emulator uses for jobs without a documented event, such as smart and AI image jobs."""

ALL = "ALL"
"""The value in EventTypeList that enables all events. It is documented only for VOD."""

AI_COMPLETE = "AIComplete"
"""The value in the EventTypeList of VOD that enables all events of AI jobs."""


@dataclass(frozen=True)
class Event:
    """
    The event that occurs when a job ends.

    :param name: The ``EventType`` of the event.
    :param body: A function that returns the message fields that depend on the job kind.
    :param is_ai: Whether ``AIComplete`` in EventTypeList enables the event.
    """

    name: str
    body: Callable[[JobView], Fields]
    is_ai: bool = False

    @property
    def enabled_by(self) -> frozenset[str]:
        """The values in EventTypeList that enable the event."""
        return frozenset({self.name, ALL, AI_COMPLETE} if self.is_ai else {self.name, ALL})


def event_of(view: JobView) -> Event:
    """Return the event that occurs when a job ends."""
    if view.kind.family is BATCH:
        return _BATCH
    if view.kind.key == "SubmitAIJob":
        # The first analysis type determines the event, for example AIVideoTagComplete.
        analysis = view.parameters.get("Types", "AIVideoTag").split(",")[0]
        return Event(f"{analysis}Complete", _analysed, is_ai=True)
    return _EVENTS.get(view.kind.key, _ASSUMED_VOD if view.kind.family.product is VOD else _ASSUMED)


def message_of(view: JobView) -> Fields:
    """Return the message that is sent when a job ends."""
    event = event_of(view)
    time = iso(min(view.job.ends, view.now))
    if view.kind.family.product is not VOD:
        account = int(view.settings.account_id)
        return {"EventType": event.name, "UserId": account, "EventTime": time, "MessageBody": event.body(view)}
    extend = user_data_of(view.parameters).get("Extend")
    fields = {
        "EventTime": time,
        "EventType": event.name,
        "Status": _word(view, "success", "fail"),
        **event.body(view),
        "Extend": extend if extend is None or isinstance(extend, str) else dump(extend),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _word(view: JobView, success: str, failure: str) -> str:
    return success if view.phase is Phase.SUCCEEDED else failure


def _error(view: JobView) -> tuple[str, str]:
    failed = view.phase is Phase.FAILED
    return (view.job.error_code or "", view.job.error_message or "") if failed else ("", "")


def _produced(view: JobView) -> Fields:
    job = render(view)
    code, message = _error(view)
    return {
        "Status": _word(view, "Success", "Fail"),
        **{name: job.get(name, "") for name in ("MediaURL", "MediaId", "ProjectId")},
        "ErrorCode": code,
        "ErrorMessage": message,
        "JobId": view.job_id,
        "UserData": view.parameters.get("UserData", ""),
    }


def _state(view: JobView) -> Fields:
    # The message of a batch job contains neither sub-jobs nor an error.
    return {"Status": view.state, "UserData": view.parameters.get("UserData", ""), "JobId": view.job_id}


def _assumed(view: JobView) -> Fields:
    code, message = _error(view)
    return {**_state(view), **({"ErrorCode": code, "ErrorMessage": message} if code else {})}


def _analysed(view: JobView) -> Fields:
    job, failed = render(view), view.phase is Phase.FAILED
    code, message = _error(view)
    return {
        "JobId": view.job_id,
        "MediaId": view.parameters.get("MediaId") or view.parameters.get("VideoId") or "",
        "Code": code if failed else "0",
        "Message": message if failed else "OK",
        "Data": job.get("Data", job.get("AIImageResult")),
    }


def _transcoded(view: JobView) -> Fields:
    streams = []
    for part in render(view).get("TranscodeJobInfoList", []):
        output = part.get("OutputFile", {})
        stream = {
            "JobId": part["TranscodeJobId"],
            "Status": "success" if output else "fail",
            "Definition": part.get("Definition"),
            "FileUrl": output.get("OutputFileUrl"),
            "Format": output.get("Format"),
            "Duration": float(output["Duration"]) if output else None,
            "Size": output.get("Filesize"),
            **{name: int(output[name]) for name in ("Width", "Height") if name in output},
            "Encrypt": False,
            **{name: part[name] for name in ("ErrorCode", "ErrorMessage") if name in part},
        }
        streams.append({name: value for name, value in stream.items() if value is not None})
    return {"VideoId": view.parameters.get("VideoId", ""), "StreamInfos": streams}


def _captured(view: JobView) -> Fields:
    code, message = _error(view)
    name = f"{view.job_id}-{{SnapshotCount}}.jpg"
    snapshots = {
        "JobId": view.job_id,
        "Status": _word(view, "success", "fail"),
        "SnapshotType": "SpriteSnapshot" if "SpriteSnapshotConfig" in view.parameters else "NormalSnapshot",
        "SnapshotCount": int(view.parameters.get("Count", 1)),
        "SnapshotFormat": name,
        "SnapshotRegular": view.url(name),
    }
    error = {"ErrorCode": code, "ErrorMessage": message} if code else {}
    fields = {"VideoId": view.parameters.get("VideoId", ""), "SubType": "SpecifiedTime", **error}
    return {**fields, "SnapshotInfos": [snapshots]}


def _ran(view: JobView) -> Fields:
    created, ended = iso(view.job.created), iso(min(view.job.ends, view.now))
    return {
        "WorkflowId": view.parameters["WorkflowId"],
        "Status": _word(view, "success", "fail"),
        "TaskId": view.job_id,
        "ActivityResults": "{}",
        "TaskInput": dump({"Type": "Media", "Media": view.parameters.get("MediaId", "")}),
        "CreateTime": created,
        "ModifiedTime": ended,
        "FinishTime": ended,
        "UserId": view.settings.account_id,
    }


def _uploaded(view: JobView) -> Fields:
    code, message = _error(view)
    is_stream = view.kind.url_in == "StreamURL"
    job, succeeded = render(view), view.phase is Phase.SUCCEEDED
    fields = {
        "JobId": view.job_id,
        "VideoId": job.get("MediaId"),
        "SourceURL": job["UploadURL"],
        "Size": job.get("FileSize"),
        **({"FileType": "Stream", "StreamFileURL": stored_url(view) if succeeded else None} if is_stream else {}),
        **({"ErrorCode": code, "ErrorMessage": message} if code else {}),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _produced_project(view: JobView) -> Fields:
    code, message = _error(view)
    error = {"ErrorCode": code, "ErrorMessage": message} if code else {}
    return {"MediaId": view.id("media"), "ProjectId": view.job_id, **error}


_BATCH = Event("BatchProduceMediaComplete", _state)
_ASSUMED = Event(ASSUMED_EVENT, _assumed)
_ASSUMED_VOD = Event(ASSUMED_EVENT, _analysed, is_ai=True)
_EVENTS: Mapping[str, Event] = {
    "SubmitMediaProducingJob": Event("ProduceMediaComplete", _produced),
    # The name of this event is documented, but its fields are not.
    "SubmitMediaConvertJob": Event("MediaConvertComplete", _assumed),
    "SubmitAIMediaAuditJob": Event("AIMediaAuditComplete", _analysed, is_ai=True),
    "SubmitTranscodeJobs": Event("TranscodeComplete", _transcoded),
    "vod:SubmitSnapshotJob": Event("SnapshotComplete", _captured),
    "SubmitWorkflowJob": Event("WorkflowTaskComplete", _ran),
    "ProduceEditingProjectVideo": Event("ProduceMediaComplete", _produced_project),
    "vod:UploadMediaByURL": Event("UploadByURLComplete", _uploaded),
    "vod:UploadStreamByURL": Event("UploadByURLComplete", _uploaded),
    # The names of these events of IMS are documented, but their fields are not.
    "StartWorkflow": Event("WorkflowTaskComplete", _assumed),
    "UploadMediaByURL": Event("UploadByURLComplete", _assumed),
    "UploadStreamByURL": Event("UploadStreamByURLComplete", _assumed),
}
assert _EVENTS.keys() <= JOB_KINDS.keys()
