"""VOD jobs, except AI image jobs and uploads from a URL."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.analysis import suggestion
from airflow_provider_ims.emulator.api.fields import (
    account,
    combined,
    created,
    fields,
    generated_id,
    objects,
    parameter,
    sent,
)
from airflow_provider_ims.emulator.api.media_info import HEIGHT, VOD_AUDIO_STREAM, VOD_VIDEO_STREAM, WIDTH
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import (
    VIDEO_SECONDS,
    VOD,
    Fields,
    JobFamily,
    JobKind,
    JobView,
    stable_id,
)
from airflow_provider_ims.emulator.api.parameters import declare
from airflow_provider_ims.emulator.api.parts import Part, Parts
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

EDITING_PROJECT = JobFamily(
    "GetEditingProject",
    ("Producing", "Producing", "Produced", "ProduceFailed"),
    "Project",
    VOD,
    job_id="ProjectId",
    error=("", ""),
    times=("CreationTime", ""),
    id_parameter="ProjectId",
    user_data=False,
)
STATES = ("init", "processing", "success", "fail")
DEFINITIONS = ("LD", "HD")
"""The definitions of the streams that a transcoding job produces, regardless of its template group."""

AUDIT_SCENES = ("ad", "live", "logo", "porn", "terrorism")
SPRITE = {"pad": "Padding", "lines": "Lines", "mgin": "Margin", "cols": "Columns", "hg": "CellHeight"}
"""Field of SpriteConfig in the response -> field of SpriteSnapshotConfig in the request."""

AI_JOB = JobFamily(
    "ListAIJob",
    STATES,
    "AIJobList.AIJob[]",
    VOD,
    id_parameter="JobIds",
    times=("CreationTime", "CompleteTime"),
    user_data=False,
    unknown_ids_at="NonExistAIJobIds.String",
)
AUDIT = JobFamily(
    "GetAIMediaAuditJob", STATES, "MediaAuditJob", VOD, times=("CreationTime", "CompleteTime"), user_data=False
)
TRANSCODE_TASK = JobFamily(
    "GetTranscodeTask",
    ("Processing", "Processing", "CompleteAllSucc", "CompleteAllFail"),
    "TranscodeTask",
    VOD,
    job_id="TranscodeTaskId",
    state="TaskStatus",
    error=("", ""),
    times=("CreationTime", "CompleteTime"),
    id_parameter="TranscodeTaskId",
    user_data=False,
    partial="CompletePartialSucc",
    id_optional=True,
)
WORKFLOW = JobFamily(
    "GetWorkflowTask",
    ("running", "running", "succeeded", "failed"),
    "",
    VOD,
    job_id="TaskId",
    error=("ErrorCode", "ErrorMessage"),
    times=("GmtCreateUtc", "FinishTimeUtc"),
    id_parameter="TaskId",
    succeeded=("partial-succeeded",),
    failed=("stopped",),
)
SNAPSHOT = JobFamily(
    "GetJobDetail",
    ("Processing", "Processing", "Success", "Fail"),
    "SnapshotJobDetail",
    VOD,
    error=("", ""),
    times=("CreateTime", "CompleteTime"),
    fixed_parameters={"JobType": "snapshot"},
    beside={"JobType": "snapshot"},
    user_data=False,
)


def _analysis(view: JobView) -> Fields:
    analysis_type = view.parameters.get("Types", "AIVideoTag").split(",")[0]
    return {"MediaId": view.parameters.get("MediaId", ""), "Type": analysis_type}


def _found_tags(view: JobView) -> Fields:
    return {"Data": dump({"VideoTags": [{"Tag": "美食"}, {"Tag": "开业"}]})}


def _accepted_analysis(view: JobView) -> Fields:
    return {"AIJobList": {"AIJob": [_analysis(view)]}}


def _audited(view: JobView) -> Fields:
    suggested = suggestion(view.parameters["MediaId"])
    passed = suggested == "pass"
    verdict = {"Label": "normal" if passed else "porn", "Suggestion": suggested}
    normal = {"Label": "normal", "Suggestion": "pass", "Scene": "antispam", "Score": "100"}
    snapshot = view.url(f"aivideocensor/{view.job_id}.jpg")

    def scene(label: str, found: Fields) -> Fields:
        return {
            **found,
            "AverageScore": "100",
            "MaxScore": "100",
            "CounterList": [{"Count": 1, "Label": label}],
            "TopList": [{"Label": label, "Score": "100", "Timestamp": "500", "Url": snapshot}],
        }

    scenes = {name: scene(name, {"Label": "normal", "Suggestion": "pass"}) for name in AUDIT_SCENES}
    scenes["porn"] = scene("porn", verdict)
    cover = {"Type": "cover", "Url": snapshot, "Label": "normal", "Suggestion": "pass", "Result": [normal]}
    return {
        "Code": "0",
        "Message": "OK",
        "Data": {
            **verdict,
            "AbnormalModules": "" if passed else "video",
            "AudioResult": [normal],
            "ImageResult": [cover],
            "TextResult": [{**normal, "Type": "title", "Content": "开业"}],
            "VideoResult": {**verdict, **{f"{name.title()}Result": found for name, found in scenes.items()}},
        },
    }


def _streams(view: JobView) -> list[Fields]:
    return [{"JobId": view.id(index)} for index in range(len(DEFINITIONS))]


def _stream(view: JobView, part: Part) -> Fields:
    definition, succeeded = DEFINITIONS[part.index], part.phase is Phase.SUCCEEDED
    stream: Fields = {
        "TranscodeJobId": view.id(part.index),
        "TranscodeTemplateId": stable_id(view.parameters["TemplateGroupId"], definition),
        "Definition": definition,
        "Priority": view.parameters.get("Priority", "6"),
        "CreationTime": created(view),
        "InputFileUrl": view.url(f"{view.parameters.get('VideoId', '')}.mp4", f"outin-{stable_id('bucket')}"),
        "TranscodeJobStatus": ("Transcoding", "Transcoding", "TranscodeSuccess", "TranscodeFail")[part.phase],
        "TranscodeProgress": 100 if succeeded else 0,
        **part.error_fields(),
    }
    if part.phase >= Phase.SUCCEEDED:
        stream["CompleteTime"] = iso(view.job.ends)
    if succeeded:
        stream["OutputFile"] = _output_file(view, definition)
    return stream


def _output_file(view: JobView, definition: str) -> Fields:
    encryption = {"EncryptType": "AliyunVoDEncryption"} if "EncryptConfig" in view.parameters else {}
    watermarks = view.json("OverrideParams").get("Watermarks")
    return {
        "OutputFileUrl": view.url(f"{view.job_id}-{definition}.mp4", f"outin-{stable_id('bucket')}"),
        "Bitrate": "964",
        "Duration": str(int(VIDEO_SECONDS)),
        "Encryption": dump(encryption),
        "Filesize": 851164,
        "Format": "mp4",
        "Fps": "25",
        "Width": str(WIDTH),
        "Height": str(HEIGHT),
        "AudioStreamList": dump([VOD_AUDIO_STREAM]),
        "VideoStreamList": dump([VOD_VIDEO_STREAM]),
        "SubtitleStreamList": "[]",
        "WatermarkIdList": [str(one["WatermarkId"]) for one in objects(watermarks) if "WatermarkId" in one],
    }


def _workflow_result(view: JobView) -> Fields:
    node = {"NodeName": "transcode", "Status": "succeeded"}
    return {"NodeResults": dump([node]), "Outputs": dump({"MediaId": view.parameters.get("MediaId", "")})}


def _number(view: JobView, name: str, default: int) -> int:
    return int(view.parameters.get(name) or default)


def _snapshot_config(view: JobView) -> Fields:
    """Return the configuration of the snapshots, with the abbreviated field names that the service uses."""
    sprite = view.json("SpriteSnapshotConfig")
    normal = {
        "inl": _number(view, "Interval", 1),
        "num": _number(view, "Count", 1),
        "tm": _number(view, "SpecifiedOffsetTime", 0),
        "wd": view.parameters.get("Width", str(WIDTH)),
        "ft": "normal",
        "hg": view.parameters.get("Height", str(HEIGHT)),
    }
    if not sprite:
        return {"NormalConfig": dump(normal)}
    cells = {short: str(sprite.get(name, 0)) for short, name in SPRITE.items()}
    return {"NormalConfig": dump(normal), "SpriteConfig": dump({**cells, "ikcp": "false"})}


def _project(view: JobView) -> Fields:
    """Return the fields of an editing project. If the request contains no ProjectId, the job creates the project."""
    location = f"outin-{stable_id('bucket')}.oss-{view.region}.aliyuncs.com"
    return {
        "Title": view.parameters.get("Title", f"project_{view.job_id[:8]}"),
        "Timeline": view.parameters.get("Timeline", dump({"VideoTracks": []})),
        "CoverURL": view.parameters.get("CoverURL", view.url(f"cover/{view.job_id}.png")),
        "ModifiedTime": iso(view.modified),
        "RegionId": view.region,
        "StorageLocation": str(view.json("ProduceConfig").get("StorageLocation") or location),
        **view.given("Description"),
    }


VOD_KINDS = (
    JobKind(
        "SubmitAIJob",
        AI_JOB,
        declare("MediaId Types Config{} UserData{}"),
        "AIJobList.AIJob[].JobId",
        accepted=_accepted_analysis,
        render=_analysis,
        result=_found_tags,
    ),
    JobKind(
        "SubmitAIMediaAuditJob",
        AUDIT,
        declare(
            "MediaId* MediaType TemplateId MediaAuditConfiguration{} CensorProvider ServiceParameters VideoService"
            " VoiceService UserData{}"
        ),
        accepted=sent("MediaId"),
        render=combined(sent("MediaId"), fields(Type="AIMediaAudit")),
        result=_audited,
        seconds=3.0,
    ),
    JobKind(
        "SubmitTranscodeJobs",
        TRANSCODE_TASK,
        declare(
            "TemplateGroupId* VideoId EncryptConfig{} OverrideParams{} PipelineId Priority ReferenceId SessionId"
            " UserData{}"
        ),
        "TranscodeTaskId",
        accepted=lambda view: {"TranscodeJobs": {"TranscodeJob": _streams(view)}},
        render=combined(
            sent("VideoId"), fields(Trigger="Manual", TranscodeTemplateGroupId=parameter("TemplateGroupId"))
        ),
        parts=Parts("TranscodeJobInfoList", lambda _: len(DEFINITIONS), _stream),
        seconds=6.0,
    ),
    JobKind(
        "SubmitWorkflowJob",
        WORKFLOW,
        declare("WorkflowId* MediaId"),
        "TaskId",
        render=sent("WorkflowId"),
        result=_workflow_result,
    ),
    JobKind(
        "SubmitSnapshotJob",
        SNAPSHOT,
        declare(
            "VideoId SnapshotTemplateId Count# Interval# SpecifiedOffsetTime# SpecifiedOffsetTimes[] Width Height"
            " SpriteSnapshotConfig{} ReferenceId UserData{}"
        ),
        "SnapshotJob.JobId",
        render=combined(sent("VideoId"), fields(Trigger="Manual", UserId=account), _snapshot_config),
        seconds=2.0,
    ),
    JobKind(
        "ProduceEditingProjectVideo",
        EDITING_PROJECT,
        declare("ProjectId Timeline{} Title Description CoverURL MediaMetadata{} ProduceConfig{} AppId UserData{}"),
        "ProjectId",
        job_id_parameter="ProjectId",
        accepted=fields(MediaId=generated_id("media")),
        render=_project,
        seconds=6.0,
    ),
)
