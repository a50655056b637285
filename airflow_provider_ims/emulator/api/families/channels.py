"""The actions of IMS for channels: packaging of live streams and videos, channel assembly and ad insertion."""

from __future__ import annotations

from functools import partial

from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields, stable_id
from airflow_provider_ims.emulator.api.parameters import parse_objects
from airflow_provider_ims.emulator.state.resources import Resource


def _host(direction: str, jobs: Jobs, resource: Resource) -> str:
    """
    Return the host name of a packaging group.

    :param direction: ``push`` for the host to which streams are pushed, or ``pull`` for the host from which they are
        pulled.
    """
    group = stable_id(resource.fields.get("GroupName", ""))[:12]
    return f"{group}.package{direction}.{jobs.region}.aliyuncsiceintl.com"


def _manifest(direction: str, jobs: Jobs, channel: Resource, endpoint: str = "") -> str:
    names = [channel.fields.get(name, "") for name in ("GroupName", "ChannelName")]
    path = "/".join([*names, *([endpoint] if endpoint else [])])
    return f"http://{_host(direction, jobs, channel)}/v1/{path}/manifest"


def _ingest(jobs: Jobs, channel: Resource) -> Fields:
    """Return the URLs to which a live stream is pushed, and their user names and passwords."""
    secret = stable_id("ingest", channel.id)
    names = ("ingest1", "ingest2")
    url = _manifest("push", jobs, channel)
    return {
        "IngestEndpoints": [
            {"Id": name, "Url": f"{url}?{name}", "Username": secret[:12], "Password": secret[12:]} for name in names
        ]
    }


def _group_counts(jobs: Jobs, group: Resource) -> Fields:
    """Return the numbers of configurations and assets in a VOD packaging group, and the domain name of the group."""
    kinds = {"ConfigurationCount": VOD_CONFIGURATION, "ApproximateAssetCount": VOD_ASSET}
    members = {name: Collection(kind, jobs).all() for name, kind in kinds.items()}
    name = group.fields.get("GroupName")
    counts = {field: sum(one.fields.get("GroupName") == name for one in found) for field, found in members.items()}
    return {**counts, "DomainName": _host("pull", jobs, group)}


def _egress(jobs: Jobs, asset: Resource) -> Fields:
    """Return the playback URLs of a VOD packaging asset, one for each configuration in its group."""
    host = _host("pull", jobs, asset)
    endpoints = [
        {"ConfigurationName": one.id, "Status": "Playable", "Url": f"http://{host}/v1/{one.id}/{asset.id}/manifest"}
        for one in Collection(VOD_CONFIGURATION, jobs).all()
        if one.fields.get("GroupName") == asset.fields.get("GroupName")
    ]
    return {"EgressEndpoints": endpoints}


def _arn(resource_type: str, jobs: Jobs, resource: Resource) -> Fields:
    """Return the ARN of a resource of channel assembly."""
    return {"Arn": f"acs:ims:mediaweaver:{jobs.region}:{jobs.settings.account_id}:{resource_type}/{resource.id}"}


def _source_arn(jobs: Jobs, source: Resource) -> Fields:
    location, source_type, name = (source.fields[field] for field in SOURCE.id_fields)
    owner = f"{jobs.region}:{jobs.settings.account_id}"
    return {"Arn": f"acs:ims:mediaweaver:{owner}:{source_type}/{location}/{name}"}


def _channel(jobs: Jobs, channel: Resource) -> Fields:
    """Return the ARN of a channel, and its outputs with their playback URLs."""
    host = f"{stable_id(channel.id)[:12]}.mediaweaver.{jobs.region}.aliyuncsiceintl.com"
    outputs = [
        {
            **output,
            "ChannelName": channel.id,
            "PlaybackUrl": f"http://{host}/{channel.id}/{output.get('ManifestName')}.m3u8",
        }
        for output in parse_objects(str(channel.fields["OutPutConfigList"]), "OutPutConfigList")
    ]
    return {**_arn("channel", jobs, channel), "OutPutConfigList": outputs}


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
    derived=lambda jobs, group: {"OriginDomain": _host("pull", jobs, group)},
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
    derived=_ingest,
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
    derived=lambda jobs, endpoint: {"EndpointUrl": _manifest("pull", jobs, endpoint, endpoint.fields["EndpointName"])},
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
    derived=_group_counts,
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
    derived=_egress,
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
    derived=_channel,
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
    derived=partial(_arn, "sourcelocation"),
    initial={"State": 0},
)
SOURCE: ResourceKind = ResourceKind(
    "source",
    ICE,
    id="SourceLocationName SourceType SourceName",
    new_id=None,
    create="CreateSource",
    get="GetSource",
    list="ListSources",
    update="UpdateSource",
    delete="DeleteSource",
    derived=_source_arn,
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
    derived=partial(_arn, "program"),
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

CHANNEL_FAMILIES = (
    Family(ICE, "live packaging", (PACKAGE_GROUP, PACKAGE_CHANNEL, ENDPOINT)),
    Family(ICE, "VOD packaging", (VOD_GROUP, VOD_CONFIGURATION, VOD_ASSET)),
    Family(ICE, "channel assembly", (CHANNEL, SOURCE_LOCATION, SOURCE, PROGRAM)),
    Family(ICE, "ad insertion", (AD_CONFIGURATION,)),
)
