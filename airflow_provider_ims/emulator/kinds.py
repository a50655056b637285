"""
The submit actions that are all served alike, as data: what each takes, and what its jobs come to.

Sources as of :mod:`airflow_provider_ims.emulator.families`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.emulator import made, made_vod
from airflow_provider_ims.emulator.families import (
    AI_JOB,
    AUDIT,
    AVATAR,
    CENSOR,
    COGNITION,
    COPYRIGHT,
    DNA,
    DYNAMIC_IMAGE,
    IPRODUCTION,
    LIVE_EDITING,
    MEDIA_CONVERT,
    MEDIA_INFO,
    MEDIA_PRODUCING,
    PACKAGE,
    PROJECT_EXPORT,
    SMARTTAG,
    SNAPSHOT,
    TRACE_AB,
    TRACE_M3U8,
    TRANSCODE,
    TRANSCODE_TASK,
    VOD,
    VOD_SNAPSHOT,
    VOICE,
    WORKFLOW,
    YIKE_APP,
    YIKE_STORYBOARD,
    Family,
)


@dataclass(frozen=True)
class Kind:
    """
    Jobs that one submit action makes.

    :param takes: its parameters: ``*`` marks one that is required, ``{}`` and ``[]`` a JSON object or array, ``#``
        a whole number, and ``<n`` how many bytes it may have.
    :param answer: where the job's id is in the answer.
    :param shown: what a query shows of a job beside its state: given the job's id, its parameters and the region.
    :param result: what it shows besides of a job that succeeded.
    :param parts: how many parts a job has that may fail one by one.
    :param part: one part: given the job's id, its parameters, its number, its state word and the region.
    """

    submit: str
    family: Family
    takes: str
    answer: str = "JobId"
    shown: made.Made = made.nothing
    result: made.Made = made.nothing
    parts: Callable[[Mapping[str, str]], int] | None = None
    part: Callable[[str, Mapping[str, str], int, bool | None, str], dict[str, Any]] | None = None
    parts_at: str = ""
    seconds: float = 4.0

    @property
    def key(self) -> str:
        """The name that is unique among both products."""
        return key_of(self.submit, self.family.version)


def key_of(action: str, version: str) -> str:
    """Return the name under which an action is known; two products have a SubmitSnapshotJob."""
    return f"vod:{action}" if (action, version) == ("SubmitSnapshotJob", VOD) else action


_FILES = "Input*{} Output*{}"
_VIDEO = "Input{} TemplateId TemplateConfig{} Title<256 Params{} UserData<1024"

KINDS: tuple[Kind, ...] = (
    Kind(
        "SubmitMediaProducingJob",
        MEDIA_PRODUCING,
        "OutputMediaConfig*{} OutputMediaTarget Timeline{} TemplateId ClipsParam{} ProjectId ProjectMetadata{}"
        " EditingProduceConfig{} MediaMetadata{} Source UserData{}<512 ClientToken<64",
        shown=made.project,
        result=made.produced,
        seconds=6.0,
    ),
    Kind(
        "SubmitProjectExportJob",
        PROJECT_EXPORT,
        "OutputMediaConfig*{} ExportType ProjectId Timeline{} UserData{}",
        shown=made.export,
        result=made.exported,
    ),
    Kind(
        "SubmitLiveEditingJob",
        LIVE_EDITING,
        "Clips*[] LiveStreamConfig{} MediaProduceConfig{} OutputMediaConfig{} OutputMediaTarget ProjectId"
        " UserData{}<512",
        shown=made.project,
        result=made.cut,
    ),
    Kind(
        "SubmitIProductionJob",
        IPRODUCTION,
        f"FunctionName* {_FILES} JobParams{{}} ModelId Name ScheduleConfig{{}} TemplateId UserData<1024",
        shown=made.function,
        result=made.function_result,
    ),
    Kind(
        "SubmitTranscodeJob",
        TRANSCODE,
        "InputGroup*[] OutputGroup*[] Name ScheduleConfig{} UserData{}<512 ClientToken",
        "TranscodeParentJob.ParentJobId",
        parts=made.output_count,
        part=made.transcoded,
        parts_at="TranscodeJobList",
        seconds=6.0,
    ),
    Kind(
        "SubmitMediaConvertJob",
        MEDIA_CONVERT,
        "Config*{} PipelineId UserData ClientToken",
        "Job.JobId",
        result=made.converted,
        seconds=6.0,
    ),
    Kind(
        "SubmitSnapshotJob",
        SNAPSHOT,
        f"{_FILES} TemplateConfig*{{}} Name ScheduleConfig{{}} UserData{{}}",
        shown=made.files,
        result=made.snapshots,
        seconds=2.0,
    ),
    Kind(
        "SubmitDynamicImageJob",
        DYNAMIC_IMAGE,
        f"{_FILES} TemplateConfig*{{}} Name ScheduleConfig{{}} UserData",
        shown=made.files,
        result=made.output_url,
        seconds=2.0,
    ),
    Kind(
        "SubmitPackageJob",
        PACKAGE,
        "Inputs*[] Output*{} Name ScheduleConfig{} UserData",
        shown=made.output,
        result=made.output_url,
    ),
    Kind(
        "SubmitMediaInfoJob",
        MEDIA_INFO,
        "Input*{} Name ScheduleConfig{} UserData",
        "MediaInfoJob.JobId",
        shown=made.source,
        result=made.media_info,
        seconds=1.0,
    ),
    Kind(
        "SubmitSmarttagJob",
        SMARTTAG,
        f"{_VIDEO} Content<1024 ContentAddr ContentType ScheduleConfig{{}} NotifyUrl",
        result=made.tags,
    ),
    Kind("SubmitVideoCognitionJob", COGNITION, _VIDEO, result=made.cognition),
    Kind(
        "SubmitMediaCensorJob",
        CENSOR,
        "Input{} CoverImages[] Title<64 Description<128 Barrages Output TemplateId ScheduleConfig{} NotifyUrl"
        " UserData<128",
        result=made.censored,
        seconds=3.0,
    ),
    Kind(
        "SubmitDNAJob",
        DNA,
        "DBId* PrimaryKey* Input*{} Config{} TemplateId PipelineId UserData<128",
        shown=made.fingerprint,
        result=made.fingerprinted,
    ),
    Kind(
        "SubmitCopyrightJob",
        COPYRIGHT,
        f"{_FILES} Message* Level# StartTime# TotalTime# Description Params{{}} UserData<1024",
        "Data.JobId",
        shown=made.copyright,
        result=made.success,
    ),
    Kind(
        "SubmitTraceAbJob",
        TRACE_AB,
        f"{_FILES} Level# StartTime# TotalTime# CipherBase64ed UserData<1024",
        "Data.JobId",
        shown=made.trace,
        result=made.success,
    ),
    Kind(
        "SubmitTraceM3u8Job",
        TRACE_M3U8,
        "Output*{} TraceMediaId Trace KeyUri Params{}",
        "Data.JobId",
        shown=made.playlist,
    ),
    # Of an avatar or a voice that another action made; that one is not served, so any id is taken.
    Kind("SubmitAvatarTrainingJob", AVATAR, "JobId*", "Data.JobId", result=made.avatar, seconds=8.0),
    Kind("SubmitCustomizedVoiceJob", VOICE, "VoiceId* DemoAudioMediaURL", "Data.JobId", made.voice, seconds=8.0),
    Kind(
        "SubmitStandardCustomizedVoiceJob",
        VOICE,
        "Audios Authentication VoiceName Gender DemoAudioMediaURL",
        "Data.JobId",
        made.voice,
        seconds=8.0,
    ),
    Kind(
        "SubmitCosyVoiceCustomizedVoiceJob",
        VOICE,
        "Audios Model VoiceName Gender DemoAudioMediaURL",
        "Data.JobId",
        made.voice,
        seconds=8.0,
    ),
    Kind("SubmitYikeAIAppJob", YIKE_APP, "AppId* AppParams{} FolderId ProductionId", result=made.app_result),
    Kind(
        "SubmitYikeStoryboardJob",
        YIKE_STORYBOARD,
        "FileURL SourceType StyleId AspectRatio Resolution ExecMode ShotSplitMode ShotPromptMode SkipFailureShot"
        " NarrationVoiceId VideoModel ModelParams{} Title<128 UserData{}",
        result=made.storyboard,
    ),
    Kind(
        "SubmitAIJob",
        AI_JOB,
        "MediaId Types Config{} UserData{}",
        "AIJobList.AIJob[].JobId",
        shown=made_vod.ai_job,
        result=made_vod.ai_result,
    ),
    Kind(
        "SubmitAIMediaAuditJob",
        AUDIT,
        "MediaId* MediaType TemplateId MediaAuditConfiguration{} CensorProvider ServiceParameters VideoService"
        " VoiceService UserData{}",
        shown=made_vod.media,
        result=made_vod.audited,
        seconds=3.0,
    ),
    Kind(
        "SubmitTranscodeJobs",
        TRANSCODE_TASK,
        "TemplateGroupId* VideoId EncryptConfig{} OverrideParams{} PipelineId Priority ReferenceId SessionId"
        " UserData{}",
        "TranscodeTaskId",
        shown=made_vod.video,
        # As many streams does a template group have here.
        parts=lambda _: 2,
        part=made_vod.stream,
        parts_at="TranscodeJobInfoList",
        seconds=6.0,
    ),
    Kind(
        "SubmitWorkflowJob", WORKFLOW, "WorkflowId* MediaId", "TaskId", shown=made_vod.workflow, result=made_vod.nodes
    ),
    Kind(
        "SubmitSnapshotJob",
        VOD_SNAPSHOT,
        "VideoId SnapshotTemplateId Count# Interval# SpecifiedOffsetTime# SpecifiedOffsetTimes[] Width Height"
        " SpriteSnapshotConfig{} ReferenceId UserData{}",
        "SnapshotJob.JobId",
        shown=made_vod.video,
        result=made_vod.snapshot_config,
        seconds=2.0,
    ),
)

#: Actions that stop a job -> (the family, whether only a job that does not run yet can be stopped).
CANCELS: Mapping[str, tuple[Family, bool]] = {
    "CancelIProductionJob": (IPRODUCTION, False),
    "CancelDNAJob": (DNA, True),
}
