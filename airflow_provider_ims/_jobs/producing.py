"""Cloud editing jobs: video production from a timeline, project export, live stream editing, intelligent production."""

from __future__ import annotations

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import CLIENT_TOKEN, USER_DATA, JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.outputs import separate_unsaved_files
from airflow_provider_ims._jobs.parameters import Parameter, declare

MEDIA_PRODUCING = JobFamily(
    name="media_producing",
    query_action="GetMediaProducingJob",
    running=("Init", "Queuing", "Processing"),
    failed=("Failed",),
    jobs="MediaProducingJob",
    result=("MediaId", "MediaURL", "Duration", "ProjectId", "VodMediaId"),
    listing=Listing(
        action="ListMediaProducingJobs",
        items="MediaProducingJobList",
        # The listing does not support the status Queuing.
        unfinished=("Init", "Processing"),
        newest_first="CreationTime:Desc",
        oldest_first="CreationTime:Asc",
        since="StartTime",
    ),
)

PROJECT_EXPORT = JobFamily(
    name="project_export",
    query_action="GetProjectExportJob",
    running=("Init", "Processing"),
    failed=("Failed",),
    jobs="ProjectExportJob",
    result=("ProjectId", "ExportType", "ExportResult"),
)

LIVE_EDITING = JobFamily(
    name="live_editing",
    query_action="GetLiveEditingJob",
    running=("Init", "Queuing", "Processing"),
    failed=("Failed",),
    jobs="LiveEditingJob",
    result=("MediaId", "MediaURL", "ProjectId"),
)

IPRODUCTION = JobFamily(
    name="iproduction",
    query_action="QueryIProductionJob",
    running=("Queuing", "Analyzing", "Analysing"),
    # No error field is documented.
    error=("", ""),
    result=("FunctionName", "Result", "OutputFiles", "OutputUrls", "OutputMediaIds"),
    parts="output_files",
    refine=separate_unsaved_files,
    cancel_action="CancelIProductionJob",
)

#: The keys are documented in https://help.aliyun.com/document_detail/357745.html.
_OUTPUT = (
    ":json{MediaURL,StorageLocation,FileName,Video,Width,Height,Bitrate,MaxDuration,ProduceTemplateId,"
    "VodTemplateGroupId,Endpoint,Bucket,ObjectKey,AccessKeyId,AccessKeySecret}"
)

PRODUCING_KINDS = (
    JobKind(
        title="media production",
        submit_action="SubmitMediaProducingJob",
        family=MEDIA_PRODUCING,
        parameters=declare(
            f"OutputMediaConfig*{_OUTPUT} OutputMediaTarget Timeline:json TemplateId ClipsParam:json ProjectId",
            "ProjectMetadata:json EditingProduceConfig:json MediaMetadata:json Source",
            USER_DATA,
            CLIENT_TOKEN,
        ),
    ),
    JobKind(
        title="project export",
        submit_action="SubmitProjectExportJob",
        family=PROJECT_EXPORT,
        parameters=declare(
            "OutputMediaConfig*:json{Bucket,Prefix,Width,Height} ExportType ProjectId Timeline:json UserData:json"
        ),
    ),
    JobKind(
        title="live editing",
        submit_action="SubmitLiveEditingJob",
        family=LIVE_EDITING,
        parameters=declare(
            "Clips*:json LiveStreamConfig:json{AppName,DomainName,StreamName} MediaProduceConfig:json",
            f"OutputMediaConfig{_OUTPUT} OutputMediaTarget ProjectId",
            USER_DATA,
        ),
    ),
    JobKind(
        title="intelligent production",
        submit_action="SubmitIProductionJob",
        family=IPRODUCTION,
        parameters=declare(
            "FunctionName* Input*:file Output*:json{Biz,Media,OutputUrl,Type} JobParams:json ModelId Name",
            "ScheduleConfig:json TemplateId",
            # The documented limit is 1024 characters, which a string of at most 1024 bytes never exceeds.
            Parameter("UserData", max_bytes=1024),
        ),
    ),
)
