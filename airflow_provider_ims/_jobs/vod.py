"""Jobs of ApsaraVideo VOD other than AI image jobs and uploads."""

from __future__ import annotations

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.outputs import OutputReader
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims.hooks._actions import VOD

AI_JOB = JobFamily(
    name="vod_ai",
    product=VOD,
    query_action="ListAIJob",
    id_parameter="JobIds",
    ids_per_query=10,
    running=("init", "processing"),
    jobs="AIJobList.AIJob[]",
    result=("MediaId", "Type", "Data"),
)

AI_MEDIA_AUDIT = JobFamily(
    name="vod_audit",
    product=VOD,
    query_action="GetAIMediaAuditJob",
    running=("init", "processing"),
    jobs="MediaAuditJob",
    result=(
        "MediaId",
        "suggestion=Data.Suggestion",
        "label=Data.Label",
        "abnormal_modules=Data.AbnormalModules",
        "video=Data.VideoResult",
        "images=Data.ImageResult",
        "texts=Data.TextResult",
        "audios=Data.AudioResult",
    ),
)

TRANSCODE_TASK = JobFamily(
    name="vod_transcode",
    product=VOD,
    query_action="GetTranscodeTask",
    id_parameter="TranscodeTaskId",
    running=("Processing", "Partial"),
    succeeded=("CompleteAllSucc", "CompletePartialSucc"),
    failed=("CompleteAllFail",),
    jobs="TranscodeTask",
    job_id="TranscodeTaskId",
    status="TaskStatus",
    error=("TranscodeJobInfoList[].ErrorCode", "TranscodeJobInfoList[].ErrorMessage"),
    result=("VideoId",),
    parts="outputs",
    refine=OutputReader(
        sub_jobs=("TranscodeJobInfoList",),
        status="TranscodeJobStatus",
        failed=("transcodefail", "transcodecancelled"),
        output=(
            "job_id=TranscodeJobId",
            "Definition",
            "url=OutputFile.OutputFileUrl",
            "OutputFile.Duration",
            "OutputFile.Width",
            "OutputFile.Height",
            "size=OutputFile.Filesize",
        ),
        failure=("job_id=TranscodeJobId", "Definition", "ErrorCode", "ErrorMessage"),
    ),
)

WORKFLOW_TASK = JobFamily(
    name="vod_workflow",
    product=VOD,
    query_action="GetWorkflowTask",
    id_parameter="TaskId",
    running=("running",),
    succeeded=("succeeded", "partial-succeeded"),
    partly=("partial-succeeded",),
    failed=("failed", "stopped"),
    job_id="TaskId",
    error=("ErrorCode", "ErrorMessage"),
    result=("WorkflowId", "NodeResults", "Outputs"),
)

SNAPSHOT_JOB = JobFamily(
    name="vod_snapshot",
    product=VOD,
    query_action="GetJobDetail",
    extra_parameters=(("JobType", "snapshot"),),
    running=("Processing",),
    jobs="SnapshotJobDetail",
    # No error field is documented.
    error=("", ""),
    result=("VideoId", "NormalConfig", "SpriteConfig"),
)

# GetEditingProject returns neither the produced media nor an error. If a project is produced
# again, the first query may still return the status of the previous production.
EDITING_PROJECT = JobFamily(
    name="vod_editing_project",
    product=VOD,
    query_action="GetEditingProject",
    id_parameter="ProjectId",
    running=("Producing", "Normal"),
    succeeded=("Produced",),
    failed=("ProduceFailed",),
    jobs="Project",
    job_id="ProjectId",
    error=("", ""),
    result=("Title", "StorageLocation"),
)

VOD_KINDS = (
    JobKind(
        title="AI analysis",
        submit_action="SubmitAIJob",
        family=AI_JOB,
        job_id="AIJobList.AIJob[].JobId",
        parameters=declare(
            "MediaId",
            # The service accepts several types and creates a job for each, but the operator waits for only one job.
            Parameter("Types", choices=("AIMediaDNA", "AIVideoTag")),
            "Config:json UserData:json",
        ),
    ),
    JobKind(
        title="media audit",
        submit_action="SubmitAIMediaAuditJob",
        family=AI_MEDIA_AUDIT,
        parameters=declare(
            "MediaId* MediaType TemplateId MediaAuditConfiguration:json CensorProvider ServiceParameters VideoService",
            "VoiceService UserData:json",
        ),
    ),
    JobKind(
        title="transcoding",
        submit_action="SubmitTranscodeJobs",
        family=TRANSCODE_TASK,
        job_id="TranscodeTaskId",
        # The service rejects a repeated id for seven days. The last try of a task normally starts within this time.
        dedup_parameter="SessionId",
        parameters=declare(
            "TemplateGroupId* VideoId EncryptConfig:json OverrideParams:json PipelineId Priority ReferenceId",
            "SessionId UserData:json",
        ),
    ),
    JobKind(
        title="workflow",
        submit_action="SubmitWorkflowJob",
        family=WORKFLOW_TASK,
        job_id="TaskId",
        parameters=declare("WorkflowId* MediaId"),
    ),
    JobKind(
        title="snapshot",
        submit_action="SubmitSnapshotJob",
        family=SNAPSHOT_JOB,
        job_id="SnapshotJob.JobId",
        parameters=declare(
            "VideoId SnapshotTemplateId Count:number Interval:number SpecifiedOffsetTime:number",
            "SpecifiedOffsetTimes:json Width Height SpriteSnapshotConfig:json ReferenceId UserData:json",
        ),
    ),
    JobKind(
        title="editing project production",
        submit_action="ProduceEditingProjectVideo",
        family=EDITING_PROJECT,
        job_id="ProjectId",
        submit_result=("MediaId",),
        # All productions of a project have the same job id: the id of the project.
        reusable=False,
        one_of=("ProjectId", "Timeline"),
        parameters=declare(
            "ProjectId Timeline:json Title Description CoverURL MediaMetadata:json ProduceConfig:json AppId",
            "UserData:json",
        ),
    ),
)
