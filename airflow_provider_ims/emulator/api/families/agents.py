"""The actions of IMS for real-time AI agents, RTC robots and licences, IPC devices and Yike."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind, number
from airflow_provider_ims.emulator.api.families.media_files import file_info, media_type, upload_fields, upload_url
from airflow_provider_ims.emulator.api.families.responses import Moment
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields, stable_id
from airflow_provider_ims.emulator.state.resources import Resource

EXECUTING, FINISHED = "Executing", "Finished"


def _call(jobs: Jobs, instance: Resource) -> Fields:
    """Return the ids and the token with which a client joins the channel of an AI agent."""
    names = ("ChannelId", "AIAgentUserId", "AvatarUserId", "UserId", "Token", "HumanAgentUserId")
    return {name: instance.fields.get(name) or stable_id(name, instance.id) for name in names}


AGENT = ResourceKind(
    "AI agent instance",
    ICE,
    id="InstanceId",
    create="StartAIAgentInstance GenerateAIAgentCall StartAIAgentOutboundCall",
    get="DescribeAIAgentInstance",
    list="ListAIAgentInstance",
    update="UpdateAIAgentInstance",
    changes={
        "StopAIAgentInstance": {"Status": FINISHED},
        "SendAIAgentText": {},
        "SendAIAgentSpeech": {},
        "SendAIAgentDataChannelMessage": {},
        "TakeoverAIAgentCall": {},
        "ForwardAIAgentCall": {},
    },
    initial={"Status": EXECUTING},
    derived=_call,
)


def get_concurrency(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the number of running instances of an AI agent."""
    instances = Collection(AGENT, jobs).all()
    running = [one for one in instances if one.fields["Status"] == EXECUTING]
    return {"ActiveCount": sum(one.fields.get("AIAgentId") == parameters["AIAgentId"] for one in running)}


NOTIFICATIONS = ResourceKind(
    "notification configuration",
    ICE,
    id="AIAgentId",
    new_id=None,
    put="SetNotifyConfig",
    get="DescribeNotifyConfig",
)
VOICEPRINT = ResourceKind(
    "voiceprint",
    ICE,
    id="VoiceprintId",
    put="SetAIAgentVoiceprint",
    list="ListAIAgentVoiceprints",
    delete="ClearAIAgentVoiceprint",
)
ROBOT = ResourceKind(
    "RTC robot instance",
    ICE,
    id="InstanceId",
    create="StartRtcRobotInstance",
    get="DescribeRtcRobotInstance",
    update="UpdateRtcRobotInstance",
    changes={"StopRtcRobotInstance": {"Status": FINISHED}},
    initial={"Status": EXECUTING},
)
LICENCE = ResourceKind("AI RTC licence", ICE, id="LicenseItemId", list="GetAiRtcLicenseInfoList")
AUTH_CODE = ResourceKind("AI RTC authorization code", ICE, id="AuthCode", list="GetAiRtcAuthCodeList")
DEVICE = ResourceKind(
    "IPC device",
    ICE,
    id="DeviceId",
    new_id=None,
    put="CreateIpcOrder",
    list="GetIpcDeviceInfo",
    envelope={"PurchaseStatus": "Success"},
)

WORKSPACE = ResourceKind("Yike workspace", ICE, id="WorkspaceId", create="CreateYikeWorkspace")
PRODUCTION = ResourceKind(
    "Yike production", ICE, id="ProductionId", create="CreateYikeProduction", list="ListYikeProductions"
)


def _user(jobs: Jobs, fields: Fields) -> Fields:
    user_id = fields["UserId"]
    return {"YikeUserId": user_id, "UserName": f"{fields['UserNamePrefix']}{user_id}", "CreditTotal": 0}


USER = ResourceKind(
    "Yike user",
    ICE,
    id="UserId",
    new_id=number,
    create="CreateYikeUser",
    get="GetYikeUser GetYikeUserCredit",
    update="SetYikeUserRole",
    alternatives={
        "GetYikeUser": {"UserName": "UserName"},
        "GetYikeUserCredit": {"YikeUserId": "UserId"},
        "SetYikeUserRole": {"YikeUserId": "UserId"},
    },
    other={
        "AddYikeUserCredit": lambda jobs, parameters: _change_credit(jobs, parameters, 1),
        "SubYikeUserCredit": lambda jobs, parameters: _change_credit(jobs, parameters, -1),
    },
    prepare=_user,
    initial={"CreditUsage": 0},
    envelope={"Result": True},
)


def _change_credit(jobs: Jobs, parameters: dict[str, str], sign: int) -> Fields:
    users = Collection(USER, jobs)
    user = users.named("GetYikeUserCredit", parameters)
    credit = int(user.fields["CreditTotal"]) + sign * int(parameters["Credit"])
    if credit < 0:
        raise invalid("Credit", f"The user has only {user.fields['CreditTotal']} credits.")
    users.update(user, {"CreditTotal": credit})
    return {"Result": True}


def _asset(jobs: Jobs, asset: Resource) -> Fields:
    times = {"CreateTime": Moment(asset.created), "ModifiedTime": Moment(asset.modified)}
    return {"FileInfoList": [file_info(jobs, asset.fields, times)]}


ASSET = ResourceKind(
    "Yike media asset",
    ICE,
    id="MediaId",
    create="RegisterYikeAssetMediaInfo",
    get="GetYikeAssetMediaInfo",
    find="BatchGetYikeAssetMediaInfos",
    delete="DeleteYikeAssetMediaInfos",
    ids={"BatchGetYikeAssetMediaInfos": "MediaIds", "DeleteYikeAssetMediaInfos": "MediaIds"},
    initial={"Status": "Normal"},
    derived=_asset,
    objects=frozenset({"AiRoughData"}),
)


def create_asset_upload(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the URL and a credential for the upload of a file."""
    key = stable_id("yike", jobs.clock.now(), jobs.store.resources.next_number())
    url = upload_url(jobs, None, key, parameters["FileExt"])
    return {"FileURL": url, "FileType": media_type(url), **upload_fields(jobs, url)}


AGENT_FAMILIES = (
    Family(ICE, "AI agents", (AGENT, NOTIFICATIONS, VOICEPRINT), {"GetAIAgentConcurrency": get_concurrency}),
    Family(ICE, "RTC robots", (ROBOT,)),
    Family(ICE, "AI RTC licences", (LICENCE, AUTH_CODE)),
    Family(ICE, "IPC devices", (DEVICE,)),
    Family(ICE, "Yike", (WORKSPACE, PRODUCTION, USER, ASSET), {"CreateYikeAssetUpload": create_asset_upload}),
)
