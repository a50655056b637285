"""VOD jobs, except AI image jobs."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.analysis import suggestion
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, VOD, Fields, JobFamily, JobKind, JobView, Part, Parts
from airflow_provider_ims.emulator.api.parameters import declare
from airflow_provider_ims.emulator.state.store import Phase

STATES = ("init", "processing", "success", "fail")
DEFINITIONS = ("LD", "HD")
"""The streams of a template group."""

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
    user_data=False,
)


def _analysis(view: JobView) -> Fields:
    analysis_type = view.parameters.get("Types", "AIVideoTag").split(",")[0]
    return {"MediaId": view.parameters.get("MediaId", ""), "Type": analysis_type}


def _found_tags(view: JobView) -> Fields:
    return {"Data": dump({"VideoTags": [{"Tag": "美食"}, {"Tag": "开业"}]})}


def _audited(view: JobView) -> Fields:
    text = {
        "Type": "title",
        "Content": "开业",
        "Label": "normal",
        "Scene": "antispam",
        "Score": "100",
        "Suggestion": "pass",
    }
    suggested = suggestion(view.parameters["MediaId"])
    passed = suggested == "pass"
    verdict = {"Label": "normal" if passed else "porn", "Suggestion": suggested}
    return {
        "Data": {
            **verdict,
            "AbnormalModules": "" if passed else "video",
            "TextResult": [text],
            "VideoResult": {**verdict, "PornResult": verdict},
        }
    }


def _video_id(view: JobView) -> Fields:
    return view.given("VideoId")


def _stream(view: JobView, part: Part) -> Fields:
    definition, succeeded = DEFINITIONS[part.index], part.phase is Phase.SUCCEEDED
    fields: Fields = {
        "TranscodeJobId": view.id(part.index),
        "Definition": definition,
        "TranscodeJobStatus": ("Transcoding", "Transcoding", "TranscodeSuccess", "TranscodeFail")[part.phase],
        "TranscodeProgress": 100 if succeeded else 0,
        **part.error_fields(),
    }
    if succeeded:
        fields["OutputFile"] = {
            "OutputFileUrl": view.url(f"{view.job_id}-{definition}.mp4"),
            "Duration": str(VIDEO_SECONDS),
            "Filesize": 851164,
            "Format": "mp4",
            "Width": "1280",
            "Height": "720",
        }
    return fields


def _workflow_result(view: JobView) -> Fields:
    node = {"NodeName": "transcode", "Status": "succeeded"}
    return {"NodeResults": dump([node]), "Outputs": dump({"MediaId": view.parameters.get("MediaId", "")})}


def _snapshots(view: JobView) -> Fields:
    return {"NormalConfig": dump({"Count": int(view.parameters.get("Count", 1))})}


VOD_KINDS = (
    JobKind(
        "SubmitAIJob",
        AI_JOB,
        declare("MediaId Types Config{} UserData{}"),
        "AIJobList.AIJob[].JobId",
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
        render=lambda view: {"MediaId": view.parameters["MediaId"], "Type": "AIMediaAudit"},
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
        render=_video_id,
        parts=Parts("TranscodeJobInfoList", lambda _: len(DEFINITIONS), _stream),
        seconds=6.0,
    ),
    JobKind(
        "SubmitWorkflowJob",
        WORKFLOW,
        declare("WorkflowId* MediaId"),
        "TaskId",
        render=lambda view: view.given("WorkflowId"),
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
        render=_video_id,
        result=_snapshots,
        seconds=2.0,
    ),
)
