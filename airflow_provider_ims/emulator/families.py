"""
The query actions that are all served alike, as data: what they are asked, and what they show of a job.

Sources: the API pages and the docstrings of the product SDKs. Names and types of fields are checked against the SDKs'
models in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ICE = "2020-11-09"
VOD = "2017-03-21"


@dataclass(frozen=True)
class Listing:
    """
    The action that lists a family's jobs.

    :param at: where the jobs are in its answer.
    :param words: the state words it can be asked for.
    :param hides: the fields that the query shows and the listing does not.
    :param parameters: the names of those for the state, the order, its turned-round value, the page's size, the next
        page, the earliest and the latest time; empty for what it does not take.
    :param token_at: where the answer tells the next page.
    """

    action: str
    at: str
    words: tuple[str, ...]
    hides: tuple[str, ...] = ()
    parameters: tuple[str, str, str, str, str, str, str] = (
        *("Status", "OrderBy", "CreateTimeAsc", "PageSize", "NextPageToken"),
        *("StartOfCreateTime", "EndOfCreateTime"),
    )
    token_at: str = "NextPageToken"


@dataclass(frozen=True)
class Family:
    """
    Jobs that one query action tells of. Paths are field names with dots; ``[]`` marks a list.

    :param states: the words for created, running, succeeded and failed.
    :param at: where the job is in the answer; empty for the answer itself.
    :param job_id: the field of its id; empty where the answer does not repeat it.
    :param error: the fields of an error's code and message; empty for what there is no field for.
    :param times: the fields of the times of creation and end.
    :param asks: the parameter that takes the job's id, or up to ten of them where it ends in ``s``.
    :param also: other parameters that the action needs, with the one value that is served.
    :param user_data: whether the answer has the job's UserData.
    :param succeeded: further words that a job may be pinned to which mean that it succeeded.
    :param failed: the same for failed.
    :param partly: the word for a job of which some parts failed, where there is one.
    :param unknown_at: where the answer names the ids that it does not know.
    """

    query: str
    states: tuple[str, str, str, str]
    at: str = ""
    version: str = ICE
    job_id: str = "JobId"
    status: str = "Status"
    error: tuple[str, str] = ("Code", "Message")
    times: tuple[str, str] = ("CreateTime", "FinishTime")
    asks: str = "JobId"
    also: Mapping[str, str] = field(default_factory=dict)
    user_data: bool = True
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    partly: str | None = None
    unknown_at: str = ""
    listing: Listing | None = None


_MPS = ("Init", "Init", "Success", "Fail")
_BY_NAME = ("CreationTime:Asc", "MaxResults", "NextToken", "StartTime", "EndTime")

MEDIA_PRODUCING = Family(
    "GetMediaProducingJob",
    ("Init", "Processing", "Success", "Failed"),
    "MediaProducingJob",
    times=("CreateTime", "CompleteTime"),
    listing=Listing(
        "ListMediaProducingJobs",
        "MediaProducingJobList",
        ("Init", "Processing", "Success", "Failed"),
        parameters=("Status", "SortBy", *_BY_NAME),
        token_at="NextToken",
    ),
)
PROJECT_EXPORT = Family(
    "GetProjectExportJob", ("Init", "Processing", "Success", "Failed"), "ProjectExportJob", times=("", "")
)
LIVE_EDITING = Family(
    "GetLiveEditingJob",
    ("Init", "Processing", "Success", "Failed"),
    "LiveEditingJob",
    times=("CreationTime", "CompleteTime"),
)
IPRODUCTION = Family("QueryIProductionJob", ("Queuing", "Analyzing", "Success", "Fail"), error=("", ""))
TRANSCODE = Family(
    "GetTranscodeJob",
    ("Init", "Processing", "Success", "Fail"),
    "TranscodeParentJob",
    job_id="ParentJobId",
    asks="ParentJobId",
    error=("", ""),
    listing=Listing("ListTranscodeJobs", "Jobs", ("Init", "Success", "Fail"), ("TranscodeJobList",)),
)
MEDIA_CONVERT = Family(
    "GetMediaConvertJob",
    ("Inited", "Running", "Complete", "Error"),
    "Job",
    status="State",
    failed=("Cancelled",),
    listing=Listing("ListMediaConvertJobs", "Jobs", ("Inited", "Running", "Complete", "Error"), ("OutputDetails",)),
)
SNAPSHOT = Family(
    "GetSnapshotJob",
    _MPS,
    "SnapshotJob",
    listing=Listing("ListSnapshotJobs", "Jobs", _MPS, ("UserData", "Code", "Message")),
)
DYNAMIC_IMAGE = Family(
    "GetDynamicImageJob",
    _MPS,
    "DynamicImageJob",
    listing=Listing("ListDynamicImageJobs", "Jobs", _MPS, ("UserData", "Code", "Message", "OutputUrl")),
)
PACKAGE = Family(
    "GetPackageJob",
    _MPS,
    "PackageJob",
    listing=Listing(
        "ListPackageJobs", "PackageJobList.PackageJobs", _MPS, ("OutputUrl",), token_at="PackageJobList.NextPageToken"
    ),
)
MEDIA_INFO = Family(
    "GetMediaInfoJob",
    _MPS,
    "MediaInfoJob",
    error=("", ""),
    times=("SubmitTime", "FinishTime"),
    listing=Listing("ListMediaInfoJobs", "Jobs", _MPS),
)
SMARTTAG = Family(
    "QuerySmarttagJob",
    ("Submitted", "Processing", "Success", "Fail"),
    job_id="",
    status="JobStatus",
    error=("", ""),
    times=("", ""),
)
COGNITION = Family(
    "QueryVideoCognitionJob",
    ("Submitted", "Processing", "Success", "Fail"),
    job_id="",
    status="JobStatus",
    error=("", ""),
    times=("", ""),
)
CENSOR = Family(
    "QueryMediaCensorJobDetail",
    ("Queuing", "Analysing", "Success", "Fail"),
    "MediaCensorJobDetail",
    status="State",
    times=("CreationTime", "FinishTime"),
    listing=Listing(
        "QueryMediaCensorJobList",
        "MediaCensorJobList.MediaCensorJob",
        ("All", "Queuing", "Analysing", "Success", "Fail"),
        parameters=(
            *("State", "", "", "MaximumPageSize", "NextPageToken"),
            *("StartOfJobCreatedTimeRange", "EndOfJobCreatedTimeRange"),
        ),
    ),
)
DNA = Family(
    "QueryDNAJobList",
    ("Queuing", "Analysing", "Success", "Fail"),
    "JobList[]",
    job_id="Id",
    asks="JobIds",
    times=("CreationTime", "FinishTime"),
)
_WATERMARK = ("processing", "processing", "success", "fail")
COPYRIGHT = Family("QueryCopyrightJobList", _WATERMARK, "Data[]", error=("Result", ""), times=("", ""))
TRACE_AB = Family("QueryTraceAbJobList", _WATERMARK, "Data[]", error=("Result", ""), times=("", ""))
TRACE_M3U8 = Family("QueryTraceM3u8JobList", _WATERMARK, "Data[]", error=("", ""), times=("", ""))
AVATAR = Family(
    "GetAvatarTrainingJob",
    ("Init", "Training", "Success", "Fail"),
    "Data.AvatarTrainingJob",
    error=("", "Message"),
    times=("FirstTrainingTime", "LastTrainingTime"),
)
VOICE = Family(
    "GetCustomizedVoiceJob",
    ("Initialization", "Training", "Success", "Fail"),
    "Data.CustomizedVoiceJob",
    error=("", "Message"),
    times=("CreateTime", ""),
)
YIKE_APP = Family(
    "GetYikeAIAppJob",
    ("Created", "Executing", "Finished", "Failed"),
    error=("", ""),
    times=("ExecutionStartTime", "ExecutionFinishTime"),
)
YIKE_STORYBOARD = Family(
    "GetYikeStoryboardJob",
    ("Running", "Running", "Succeeded", "Failed"),
    status="JobStatus",
    error=("", ""),
    times=("", ""),
    user_data=False,
)
AI_JOB = Family(
    "ListAIJob",
    ("init", "processing", "success", "fail"),
    "AIJobList.AIJob[]",
    VOD,
    asks="JobIds",
    times=("CreationTime", "CompleteTime"),
    user_data=False,
    unknown_at="NonExistAIJobIds.String",
)
AUDIT = Family(
    "GetAIMediaAuditJob",
    ("init", "processing", "success", "fail"),
    "MediaAuditJob",
    VOD,
    times=("CreationTime", "CompleteTime"),
    user_data=False,
)
TRANSCODE_TASK = Family(
    "GetTranscodeTask",
    ("Processing", "Processing", "CompleteAllSucc", "CompleteAllFail"),
    "TranscodeTask",
    VOD,
    job_id="TranscodeTaskId",
    status="TaskStatus",
    error=("", ""),
    times=("CreationTime", "CompleteTime"),
    asks="TranscodeTaskId",
    user_data=False,
    partly="CompletePartialSucc",
)
WORKFLOW = Family(
    "GetWorkflowTask",
    ("running", "running", "succeeded", "failed"),
    "",
    VOD,
    job_id="TaskId",
    error=("ErrorCode", "ErrorMessage"),
    times=("GmtCreateUtc", "FinishTimeUtc"),
    asks="TaskId",
    succeeded=("partial-succeeded",),
    failed=("stopped",),
)
VOD_SNAPSHOT = Family(
    "GetJobDetail",
    ("Processing", "Processing", "Success", "Fail"),
    "SnapshotJobDetail",
    VOD,
    error=("", ""),
    times=("CreateTime", "CompleteTime"),
    also={"JobType": "snapshot"},
    user_data=False,
)
