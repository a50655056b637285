"""Media processing jobs: transcoding, media conversion, packaging, snapshots, animated images, media information."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import CLIENT_TOKEN, USER_DATA, JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.outputs import OutputReader
from airflow_provider_ims._jobs.parameters import declare


def _listing(action: str, items: str = "Jobs", **options: Any) -> Listing:
    """Return a listing with the parameters that the listings of all media processing jobs share."""
    return Listing(
        action=action,
        items=items,
        newest_first="CreateTimeDesc",
        oldest_first="CreateTimeAsc",
        since="StartOfCreateTime",
        order="OrderBy",
        page_size="PageSize",
        token="NextPageToken",
        **{"unfinished": ("Init",), **options},
    )


_FILE = "OutFileMeta.FileBasicInfo"

TRANSCODE = JobFamily(
    name="transcode",
    query_action="GetTranscodeJob",
    id_parameter="ParentJobId",
    running=("Init", "Processing"),
    jobs="TranscodeParentJob",
    job_id="ParentJobId",
    error=("", ""),
    parts="outputs",
    refine=OutputReader(
        sub_jobs=("TranscodeJobList",),
        output=(
            "JobId",
            "Output.Media",
            f"url={_FILE}.FileUrl|Output.OutputUrl",
            f"{_FILE}.Duration",
            f"{_FILE}.Width",
            f"{_FILE}.Height",
            f"size={_FILE}.FileSize",
        ),
        # No error field is documented for an output.
        failure=("JobId", "Output.Media"),
    ),
    listing=_listing("ListTranscodeJobs", job_id="ParentJobId"),
)

MEDIA_CONVERT = JobFamily(
    name="media_convert",
    query_action="GetMediaConvertJob",
    running=("Inited", "Running"),
    # The documentation of the submit action lists different statuses, so both sets are accepted.
    succeeded=("Complete", "Success"),
    failed=("Error", "Cancelled", "Failed"),
    jobs="Job",
    status="State",
    result=("OutputDetails", "OutputGroupDetails"),
    parts="outputs",
    refine=OutputReader(
        sub_jobs=("OutputDetails", "OutputGroupDetails", "Outputs"),
        output=("Name", "TaskId", "url=Result.OutputFile.Url|Result.OutputFile.Media"),
        failed=("failed", "skipped"),
        failure=("Name", "TaskId", "Status", "error_code=Code", "error_message=Message"),
    ),
    listing=_listing("ListMediaConvertJobs", unfinished=("Inited", "Running"), status="State"),
)

SNAPSHOT = JobFamily(
    name="snapshot",
    query_action="GetSnapshotJob",
    running=("Init",),
    jobs="SnapshotJob",
    result=("Type", "Count", "Output"),
    listing=_listing("ListSnapshotJobs", has_user_data=False),
)

DYNAMIC_IMAGE = JobFamily(
    name="dynamic_image",
    query_action="GetDynamicImageJob",
    running=("Init",),
    jobs="DynamicImageJob",
    result=("OutputUrl", "Output"),
    listing=_listing("ListDynamicImageJobs", has_user_data=False),
)

PACKAGE = JobFamily(
    name="package",
    query_action="GetPackageJob",
    running=("Init",),
    jobs="PackageJob",
    result=("OutputUrl", "Output"),
    listing=_listing("ListPackageJobs", "PackageJobList.PackageJobs", token_at="PackageJobList.NextPageToken"),
)

MEDIA_INFO = JobFamily(
    name="media_info",
    query_action="GetMediaInfoJob",
    running=("Init",),
    jobs="MediaInfoJob",
    # No error field is documented.
    error=("", ""),
    result=("MediaInfoProperty",),
    listing=_listing("ListMediaInfoJobs", created="SubmitTime"),
)

_IMAGE = "Input*:file Output*:file TemplateConfig*:json{TemplateId,OverwriteParams} Name ScheduleConfig:json"

PROCESSING_KINDS = (
    JobKind(
        title="transcoding",
        submit_action="SubmitTranscodeJob",
        family=TRANSCODE,
        job_id="TranscodeParentJob.ParentJobId",
        parameters=declare("InputGroup*:json OutputGroup*:json Name ScheduleConfig:json", USER_DATA, CLIENT_TOKEN),
    ),
    JobKind(
        title="media conversion",
        submit_action="SubmitMediaConvertJob",
        family=MEDIA_CONVERT,
        job_id="Job.JobId",
        parameters=declare("Config*:json PipelineId UserData", CLIENT_TOKEN),
    ),
    JobKind(
        title="snapshot",
        submit_action="SubmitSnapshotJob",
        family=SNAPSHOT,
        parameters=declare(_IMAGE, "UserData:json"),
    ),
    JobKind(
        title="animated image",
        submit_action="SubmitDynamicImageJob",
        family=DYNAMIC_IMAGE,
        parameters=declare(_IMAGE, "UserData"),
    ),
    JobKind(
        title="packaging",
        submit_action="SubmitPackageJob",
        family=PACKAGE,
        search_is_conclusive=True,
        parameters=declare("Inputs*:json Output*:file Name ScheduleConfig:json UserData"),
    ),
    JobKind(
        title="media information",
        submit_action="SubmitMediaInfoJob",
        family=MEDIA_INFO,
        job_id="MediaInfoJob.JobId",
        search_is_conclusive=True,
        parameters=declare("Input*:file Name ScheduleConfig:json UserData"),
    ),
)
