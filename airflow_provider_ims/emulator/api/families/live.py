"""The actions of IMS for live streams: recording, snapshots, transcoding, MediaLive and MediaConnect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields, stable_id
from airflow_provider_ims.emulator.api.parameters import parse_object
from airflow_provider_ims.emulator.state.resources import Resource


def _of_template(template: ResourceKind, jobs: Jobs, job: Resource) -> Fields:
    """Return those fields of a live job that come from its template; empty if the template does not exist."""
    found = Collection(template, jobs).get(str(job.fields.get("TemplateId")))
    if found is None:
        return {}
    fields = {**found.fields, "TemplateType": found.fields.get("Type")}
    fields.setdefault("TemplateName", fields.get("Name"))
    names = ("TemplateName", "TemplateType", "TimeInterval", "OverwriteFormat", "SequenceFormat")
    return {name: fields[name] for name in names if name in fields}


def _transcoded(jobs: Jobs, job: Resource) -> Fields:
    """Return the output URL of a live transcoding job, and the fields that come from its template."""
    stream, output = (parse_object(str(job.fields[name]), name) for name in ("StreamInput", "TranscodeOutput"))
    scheme, _, path = str(stream.get("InputUrl", "")).partition("://")
    target = f"{output.get('DomainName')}/{path.partition('/')[2]}_{job.id[:8]}"
    streams = [{"OutputUrl": f"{scheme}://{target}", "Type": stream.get("Type")}]
    return {**_of_template(TRANSCODE_TEMPLATE, jobs, job), "OutputStream": {"StreamInfos": streams}}


def _command(kind: ResourceKind, states: Mapping[str, Any], jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """
    Run a command that changes the state of a live job.

    :param states: Supported command -> new state of the job.
    """
    live_jobs = Collection(kind, jobs)
    job = live_jobs.named("", parameters)
    command = parameters["Command"]
    if command not in states:
        raise invalid("Command", f"Valid values: {', '.join(states)}.")
    live_jobs.update(job, {"Status": states[command]})
    return {}


RECORD_TEMPLATE = ResourceKind(
    "live recording template",
    ICE,
    id="TemplateId",
    create="CreateLiveRecordTemplate",
    get="GetLiveRecordTemplate",
    list="ListLiveRecordTemplates",
    update="UpdateLiveRecordTemplate",
    delete="DeleteLiveRecordTemplate",
    names={"RecordFormat": "RecordFormatList"},
    initial={"Type": "custom"},
)
RECORD_JOB = ResourceKind(
    "live recording",
    ICE,
    id="JobId",
    create="SubmitLiveRecordJob",
    get="GetLiveRecordJob",
    list="ListLiveRecordJobs",
    derived=partial(_of_template, RECORD_TEMPLATE),
    initial={"Status": "initial"},
)
SNAPSHOT_TEMPLATE = ResourceKind(
    "live snapshot template",
    ICE,
    id="TemplateId",
    create="CreateLiveSnapshotTemplate",
    get="GetLiveSnapshotTemplate",
    list="ListLiveSnapshotTemplates",
    update="UpdateLiveSnapshotTemplate",
    delete="DeleteLiveSnapshotTemplate",
    initial={"Type": "custom"},
)
SNAPSHOT_JOB: ResourceKind = ResourceKind(
    "live snapshot job",
    ICE,
    id="JobId",
    create="SubmitLiveSnapshotJob",
    get="GetLiveSnapshotJob",
    list="ListLiveSnapshotJobs",
    derived=partial(_of_template, SNAPSHOT_TEMPLATE),
    other={
        "SendLiveSnapshotJobCommand": lambda jobs, parameters: _command(
            SNAPSHOT_JOB, {"stop": "paused", "start": "started", "restart": "started"}, jobs, parameters
        )
    },
    initial={"Status": "started"},
)
TRANSCODE_TEMPLATE = ResourceKind(
    "live transcoding template",
    ICE,
    id="TemplateId",
    create="CreateLiveTranscodeTemplate",
    get="GetLiveTranscodeTemplate",
    list="ListLiveTranscodeTemplates",
    update="UpdateLiveTranscodeTemplate",
    delete="DeleteLiveTranscodeTemplate",
    initial={"Category": "customized"},
)
TRANSCODE_JOB: ResourceKind = ResourceKind(
    "live transcoding job",
    ICE,
    id="JobId",
    create="SubmitLiveTranscodeJob",
    get="GetLiveTranscodeJob",
    list="ListLiveTranscodeJobs",
    update="UpdateLiveTranscodeJob",
    delete="DeleteLiveTranscodeJob",
    other={
        "SendLiveTranscodeJobCommand": lambda jobs, parameters: _command(TRANSCODE_JOB, {"stop": 2}, jobs, parameters)
    },
    initial={"Status": 1},
    derived=_transcoded,
)

SECURITY_GROUP = ResourceKind(
    "MediaLive security group",
    ICE,
    id="SecurityGroupId",
    create="CreateMediaLiveInputSecurityGroup",
    get="GetMediaLiveInputSecurityGroup",
    list="ListMediaLiveInputSecurityGroups",
    update="UpdateMediaLiveInputSecurityGroup",
    delete="DeleteMediaLiveInputSecurityGroup",
    initial={"InputIds": []},
)
LIVE_INPUT = ResourceKind(
    "MediaLive input",
    ICE,
    id="InputId",
    create="CreateMediaLiveInput",
    get="GetMediaLiveInput",
    list="ListMediaLiveInputs",
    update="UpdateMediaLiveInput",
    delete="DeleteMediaLiveInput",
    names={"InputSettings": "InputInfos"},
    initial={"ChannelIds": []},
)
LIVE_CHANNEL = ResourceKind(
    "MediaLive channel",
    ICE,
    id="ChannelId",
    create="CreateMediaLiveChannel",
    get="GetMediaLiveChannel",
    list="ListMediaLiveChannels",
    update="UpdateMediaLiveChannel",
    delete="DeleteMediaLiveChannel",
    changes={"StartMediaLiveChannel": {"State": "RUNNING"}, "StopMediaLiveChannel": {"State": "IDLE"}},
    initial={"State": "IDLE"},
)

#: The fields that the responses of MediaConnect contain besides the fields of the resource.
_CONNECT = {"Description": "OK", "RetCode": 0}


def _flow_url(jobs: Jobs, fields: Fields) -> Fields:
    protocol = str(fields.get("InputProtocol", "srt")).lower()
    return {"InputUrl": f"{protocol}://{stable_id(fields['FlowId'])[:12]}.mediaconnect.aliyuncs.com:1105"}


FLOW = ResourceKind(
    "MediaConnect flow",
    ICE,
    id="FlowId",
    create="CreateMediaConnectFlow",
    get="GetMediaConnectFlow",
    delete="DeleteMediaConnectFlow",
    update="UpdateMediaConnectFlowStatus",
    changes={
        "OpenMediaConnectFlowFailover": {"FlowFailover": "yes"},
        "CloseMediaConnectFlowFailover": {"FlowFailover": "no"},
    },
    names={"Status": "FlowStatus"},
    initial={"FlowStatus": "offline", "FlowFailover": "no"},
    envelope=_CONNECT,
)
FLOW_INPUT = ResourceKind(
    "MediaConnect input",
    ICE,
    id="FlowId",
    new_id=None,
    create="AddMediaConnectFlowInput",
    get="GetMediaConnectFlowInput",
    update="UpdateMediaConnectFlowInput",
    delete="DeleteMediaConnectFlowInput",
    prepare=_flow_url,
    initial={"InputStatus": "offline"},
    envelope=_CONNECT,
)
FLOW_OUTPUT = ResourceKind(
    "MediaConnect output",
    ICE,
    id="FlowId OutputName",
    new_id=None,
    create="AddMediaConnectFlowOutput",
    get="GetMediaConnectFlowOutput",
    update="UpdateMediaConnectFlowOutput",
    delete="DeleteMediaConnectFlowOutput",
    changes={"ForbidMediaConnectFlowOutput": {"Forbid": "yes"}, "ResumeMediaConnectFlowOutput": {"Forbid": "no"}},
    names={"OutputToUrl": "OutputUrl"},
    initial={"Forbid": "no"},
    envelope=_CONNECT,
)

LIVE_FAMILIES = (
    Family(ICE, "live recording", (RECORD_TEMPLATE, RECORD_JOB)),
    Family(ICE, "live snapshots", (SNAPSHOT_TEMPLATE, SNAPSHOT_JOB)),
    Family(ICE, "live transcoding", (TRANSCODE_TEMPLATE, TRANSCODE_JOB)),
    Family(ICE, "MediaLive", (SECURITY_GROUP, LIVE_INPUT, LIVE_CHANNEL)),
    Family(ICE, "MediaConnect", (FLOW, FLOW_INPUT, FLOW_OUTPUT)),
)
