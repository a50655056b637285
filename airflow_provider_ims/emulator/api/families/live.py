"""The families of IMS for live streams and channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields, stable_id
from airflow_provider_ims.emulator.state.resources import Resource


def _command(kind: ResourceKind, states: Mapping[str, Any], jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Carry out a command that sets the state of a job."""
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
    objects=frozenset({"OutputStream"}),
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

#: The fields that the responses of MediaConnect have beside the resource.
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


def _origin(jobs: Jobs, group: Resource) -> Fields:
    return {"OriginDomain": f"{stable_id(group.id)[:12]}.packagepull-{jobs.region}.aliyuncsiceintl.com"}


PACKAGE_GROUP = ResourceKind(
    "live packaging channel group",
    ICE,
    id="GroupName",
    new_id=None,
    create="CreateLivePackageChannelGroup",
    get="GetLivePackageChannelGroup",
    list="ListLivePackageChannelGroups",
    update="UpdateLivePackageChannelGroup",
    delete="DeleteLivePackageChannelGroup",
    derived=_origin,
)
PACKAGE_CHANNEL = ResourceKind(
    "live packaging channel",
    ICE,
    id="GroupName ChannelName",
    new_id=None,
    create="CreateLivePackageChannel",
    get="GetLivePackageChannel",
    list="ListLivePackageChannels",
    update="UpdateLivePackageChannel",
    delete="DeleteLivePackageChannel",
)
ENDPOINT = ResourceKind(
    "origin endpoint",
    ICE,
    id="GroupName ChannelName EndpointName",
    new_id=None,
    create="CreateLivePackageOriginEndpoint",
    get="GetLivePackageOriginEndpoint",
    list="ListLivePackageOriginEndpoints",
    update="UpdateLivePackageOriginEndpoint",
    delete="DeleteLivePackageOriginEndpoint",
)

VOD_GROUP = ResourceKind(
    "VOD packaging group",
    ICE,
    id="GroupName",
    new_id=None,
    create="CreateVodPackagingGroup",
    get="GetVodPackagingGroup",
    list="ListVodPackagingGroups",
    delete="DeleteVodPackagingGroup",
)
VOD_CONFIGURATION = ResourceKind(
    "VOD packaging configuration",
    ICE,
    id="ConfigurationName",
    new_id=None,
    create="CreateVodPackagingConfiguration",
    get="GetVodPackagingConfiguration",
    list="ListVodPackagingConfigurations",
    delete="DeleteVodPackagingConfiguration",
)
VOD_ASSET = ResourceKind(
    "VOD packaging asset",
    ICE,
    id="AssetName",
    new_id=None,
    create="CreateVodPackagingAsset",
    get="GetVodPackagingAsset",
    list="ListVodPackagingAssets",
    delete="DeleteVodPackagingAsset",
)

CHANNEL = ResourceKind(
    "channel",
    ICE,
    id="ChannelName",
    new_id=None,
    create="CreateChannel",
    get="GetChannel",
    list="ListChannels",
    update="UpdateChannel",
    delete="DeleteChannel",
    changes={"StartChannel": {"State": 1}, "StopChannel": {"State": 0}},
    initial={"State": 0},
)
SOURCE_LOCATION = ResourceKind(
    "source location",
    ICE,
    id="SourceLocationName",
    new_id=None,
    create="CreateSourceLocation",
    get="GetSourceLocation",
    list="ListSourceLocations",
    update="UpdateSourceLocation",
    delete="DeleteSourceLocation",
    initial={"State": 0},
)
SOURCE = ResourceKind(
    "source",
    ICE,
    id="SourceLocationName SourceType SourceName",
    new_id=None,
    create="CreateSource",
    get="GetSource",
    list="ListSources",
    update="UpdateSource",
    delete="DeleteSource",
    initial={"State": 0},
)
PROGRAM = ResourceKind(
    "program",
    ICE,
    id="ChannelName ProgramName",
    new_id=None,
    create="CreateProgram",
    get="GetProgram",
    list="ListPrograms",
    update="UpdateProgram",
    delete="DeleteProgram",
)
AD_CONFIGURATION = ResourceKind(
    "ad insertion configuration",
    ICE,
    id="Name",
    new_id=None,
    create="AddAdInsertion",
    get="GetAdInsertion",
    list="ListAdInsertions",
    update="UpdateAdInsertion",
    delete="DeleteAdInsertion",
    names={"AdSegmentUrlPrefix": "CdnAdSegmentUrlPrefix", "ContentSegmentUrlPrefix": "CdnContentSegmentUrlPrefix"},
)

LIVE_FAMILIES = (
    Family(ICE, "live recording", (RECORD_TEMPLATE, RECORD_JOB)),
    Family(ICE, "live snapshots", (SNAPSHOT_TEMPLATE, SNAPSHOT_JOB)),
    Family(ICE, "live transcoding", (TRANSCODE_TEMPLATE, TRANSCODE_JOB)),
    Family(ICE, "MediaLive", (SECURITY_GROUP, LIVE_INPUT, LIVE_CHANNEL)),
    Family(ICE, "MediaConnect", (FLOW, FLOW_INPUT, FLOW_OUTPUT)),
    Family(ICE, "live packaging", (PACKAGE_GROUP, PACKAGE_CHANNEL, ENDPOINT)),
    Family(ICE, "VOD packaging", (VOD_GROUP, VOD_CONFIGURATION, VOD_ASSET)),
    Family(ICE, "channel assembly", (CHANNEL, SOURCE_LOCATION, SOURCE, PROGRAM)),
    Family(ICE, "ad insertion", (AD_CONFIGURATION,)),
)
