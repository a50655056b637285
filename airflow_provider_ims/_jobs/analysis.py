"""Media analysis jobs: smart tags, video cognition, moderation, fingerprints and watermarks."""

from __future__ import annotations

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.parameters import FILLED, Parameter, declare

SMARTTAG = JobFamily(
    name="smarttag",
    query_action="QuerySmarttagJob",
    running=("Submitted", "Processing"),
    job_id=None,
    status="JobStatus",
    # No error field is documented.
    error=("", ""),
    result=("results=Results.Result", "usages=Usages.Usage"),
)

VIDEO_COGNITION = JobFamily(
    name="video_cognition",
    query_action="QueryVideoCognitionJob",
    running=("Submitted", "Processing"),
    job_id=None,
    status="JobStatus",
    # No error field is documented.
    error=("", ""),
    result=("results=Results.result",),
)

MEDIA_CENSOR = JobFamily(
    name="media_censor",
    query_action="QueryMediaCensorJobDetail",
    running=("Queuing", "Analysing"),
    jobs="MediaCensorJobDetail",
    status="State",
    result=(
        "Suggestion",
        "video=VensorCensorResult",
        "covers=CoverImageCensorResults.CoverImageCensorResult",
        "title=TitleCensorResult",
        "description=DescCensorResult",
        "barrages=BarrageCensorResult",
    ),
    listing=Listing(
        action="QueryMediaCensorJobList",
        items="MediaCensorJobList.MediaCensorJob",
        unfinished=("Queuing", "Analysing"),
        status="State",
        with_status="State",
        since="StartOfJobCreatedTimeRange",
        created="CreationTime",
        page_size="MaximumPageSize",
        token="NextPageToken",
    ),
)

DNA = JobFamily(
    name="dna",
    query_action="QueryDNAJobList",
    id_parameter="JobIds",
    ids_per_query=10,
    running=("Queuing", "Analysing"),
    jobs="JobList[]",
    job_id="Id",
    result=("DNAResult", "DBId", "PrimaryKey"),
    cancel_action="CancelDNAJob",
    cancel_while=("Queuing",),
)


def _watermark(name: str, query_action: str, result: tuple[str, ...], error: tuple[str, str] = ("", "")) -> JobFamily:
    """Return a family of watermarking jobs. Only the status ``success`` is documented; the others are assumptions."""
    return JobFamily(
        name=name,
        query_action=query_action,
        running=("processing",),
        failed=("fail", "failed"),
        jobs="Data[]",
        error=error,
        result=result,
    )


_RESULT_ERROR = ("Result.Code", "Result.Message")
COPYRIGHT = _watermark("copyright", "QueryCopyrightJobList", ("Output", "Message", "Level"), error=_RESULT_ERROR)
TRACE_AB = _watermark("trace_ab", "QueryTraceAbJobList", ("Output", "TraceMediaId", "Level"), error=_RESULT_ERROR)
TRACE_M3U8 = _watermark("trace_m3u8", "QueryTraceM3u8JobList", ("Output", "TraceMediaId", "Trace"))

_LONG_USER_DATA = Parameter("UserData", max_bytes=1024)
#: The data model of the SDK contains the keys Media and Type. The other keys occur only in the SDK's examples.
_OSS_FILE = {
    "type": "object",
    "properties": {"Media": FILLED, "Bucket": FILLED, "Object": FILLED},
    "known": "Type Location",
}
_COVER = {"type": "object", "properties": {"Bucket": FILLED, "Object": FILLED}, "required": ["Object"]}
_SHORT_USER_DATA = Parameter("UserData", max_bytes=128)

ANALYSIS_KINDS = (
    JobKind(
        title="smart tag",
        submit_action="SubmitSmarttagJob",
        family=SMARTTAG,
        one_of=("Input", "ContentAddr"),
        parameters=declare(
            "Input:file TemplateId TemplateConfig:json",
            Parameter("Title", max_bytes=256),
            Parameter("Content", max_bytes=1024),
            "ContentAddr ContentType Params:json ScheduleConfig:json NotifyUrl",
            _LONG_USER_DATA,
        ),
    ),
    JobKind(
        title="video cognition",
        submit_action="SubmitVideoCognitionJob",
        family=VIDEO_COGNITION,
        parameters=declare(
            "Input*:file TemplateId TemplateConfig:json",
            Parameter("Title", max_bytes=256),
            "Params:json",
            _LONG_USER_DATA,
        ),
    ),
    JobKind(
        title="media moderation",
        submit_action="SubmitMediaCensorJob",
        family=MEDIA_CENSOR,
        search_is_conclusive=True,
        one_of=("Input", "CoverImages", "Title", "Description", "Barrages"),
        parameters=declare(
            "Input:file",
            Parameter("CoverImages", is_json=True, schema={"type": "array", "maxItems": 5, "items": _COVER}),
            Parameter("Title", max_bytes=64),
            Parameter("Description", max_bytes=128),
            "Barrages Output TemplateId ScheduleConfig:json NotifyUrl",
            _SHORT_USER_DATA,
        ),
    ),
    JobKind(
        title="media fingerprint",
        submit_action="SubmitDNAJob",
        family=DNA,
        parameters=declare("DBId* PrimaryKey* Input*:file Config:json TemplateId PipelineId", _SHORT_USER_DATA),
    ),
    JobKind(
        title="copyright watermark",
        submit_action="SubmitCopyrightJob",
        family=COPYRIGHT,
        job_id="Data.JobId",
        parameters=declare(
            Parameter("Input", required=True, is_json=True, schema=_OSS_FILE),
            Parameter("Output", required=True, is_json=True, schema=_OSS_FILE),
            "Message* Level:number StartTime:number TotalTime:number Description Params:json",
            _LONG_USER_DATA,
        ),
    ),
    JobKind(
        title="A/B stream for trace watermarks",
        submit_action="SubmitTraceAbJob",
        family=TRACE_AB,
        job_id="Data.JobId",
        parameters=declare(
            "Input*:file Output*:file Level:number StartTime:number TotalTime:number CipherBase64ed",
            _LONG_USER_DATA,
        ),
    ),
    JobKind(
        title="playlist with a trace watermark",
        submit_action="SubmitTraceM3u8Job",
        family=TRACE_M3U8,
        job_id="Data.JobId",
        parameters=declare("Output*:file TraceMediaId Trace KeyUri Params:json"),
    ),
)
