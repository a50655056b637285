"""Media analysis jobs: smart tags, video cognition, moderation, fingerprints and watermarks."""

from __future__ import annotations

import json

from airflow_provider_ims.emulator.api.fields import (
    account,
    combined,
    fields,
    file_in,
    generated_id,
    media_file,
    oss_location,
    pipeline,
    sent,
)
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView, Listing
from airflow_provider_ims.emulator.api.parameters import declare

ANALYSIS_STATES = ("Submitted", "Processing", "Success", "Fail")
QUEUE_STATES = ("Queuing", "Analysing", "Success", "Fail")
# The documentation contains only the state "success".
WATERMARK_STATES = ("processing", "processing", "success", "fail")

_OK: Fields = {"Message": "ok", "StatusCode": 200}

SMARTTAG = JobFamily("QuerySmarttagJob", ANALYSIS_STATES, job_id="", state="JobStatus", error=("", ""), times=("", ""))
COGNITION = JobFamily(
    "QueryVideoCognitionJob", ANALYSIS_STATES, job_id="", state="JobStatus", error=("", ""), times=("", "")
)
CENSOR = JobFamily(
    "QueryMediaCensorJobDetail",
    QUEUE_STATES,
    "MediaCensorJobDetail",
    state="State",
    times=("CreationTime", "FinishTime"),
    listing=Listing(
        "QueryMediaCensorJobList",
        "MediaCensorJobList.MediaCensorJob",
        ("All", *QUEUE_STATES),
        state="State",
        order="",
        page_size="MaximumPageSize",
        times=("StartOfJobCreatedTimeRange", "EndOfJobCreatedTimeRange"),
    ),
)
DNA = JobFamily(
    "QueryDNAJobList",
    QUEUE_STATES,
    "JobList[]",
    job_id="Id",
    id_parameter="JobIds",
    times=("CreationTime", "FinishTime"),
    cancel="CancelDNAJob",
    cancel_returns_id=True,
    cancel_created_only=True,
    id_optional=True,
)
COPYRIGHT = JobFamily(
    "QueryCopyrightJobList", WATERMARK_STATES, "Data[]", error_in="Result", times=("", ""), beside=_OK, id_optional=True
)
TRACE_AB = JobFamily(
    "QueryTraceAbJobList", WATERMARK_STATES, "Data[]", error_in="Result", times=("", ""), beside=_OK, id_optional=True
)
TRACE_M3U8 = JobFamily(
    "QueryTraceM3u8JobList", WATERMARK_STATES, "Data[]", error=("", ""), times=("", ""), beside=_OK, id_optional=True
)

_TAGS = dump({"tags": [{"name": "美食", "score": 0.92}, {"name": "开业", "score": 0.81}]})


def _tags(view: JobView) -> Fields:
    return {
        "Results": {"Result": [{"Type": "VideoLabel", "Data": _TAGS}]},
        "Usages": {"Usage": [{"Type": "tag", "Quota": 15}]},
    }


def _cognition(view: JobView) -> Fields:
    return {"Results": {"result": [{"Type": "VideoLabel", "Data": _TAGS}]}}


def suggestion(name: str) -> str:
    """
    Return the moderation result of a file: ``block`` or ``review`` if the name contains that word, otherwise ``pass``.

    :param name: The URL, the object key or the media asset id of the file.
    """
    return next((suggested for suggested in ("block", "review") if suggested in name), "pass")


def _verdict(scene: str = "antispam", suggested: str = "pass") -> dict[str, str]:
    label = "normal" if suggested == "pass" else scene
    return {"Label": label, "Scene": scene, "Suggestion": suggested, "Rate": "99.8"}


def _moderated(view: JobView) -> Fields:
    file = media_file(view.json("Input"))["Media"]
    covers = [cover for cover in json.loads(view.parameters.get("CoverImages", "[]")) if isinstance(cover, dict)]
    suggested = [suggestion(name) for name in (file, *(str(cover.get("Object")) for cover in covers))]
    found: Fields = {}
    if file:
        found["VensorCensorResult"] = _moderated_video(view, suggested[0])
    if covers:
        found["CoverImageCensorResults"] = {
            "CoverImageCensorResult": [
                {
                    **{name: cover[name] for name in ("Bucket", "Location", "Object") if name in cover},
                    "Results": {"Result": [_verdict("porn", verdict)]},
                }
                for cover, verdict in zip(covers, suggested[1:], strict=True)
            ]
        }
    for name, prefix in (("Title", "Title"), ("Description", "Desc"), ("Barrages", "Barrage")):
        if name in view.parameters:
            found[f"{prefix}CensorResult"] = _verdict()
    # The tuple lists the suggestions in descending order of severity.
    return {"Suggestion": min(suggested, key=("block", "review", "pass").index), **found} if found else {}


def _moderated_video(view: JobView, suggested: str) -> Fields:
    results = {"CensorResults": {"CensorResult": [_verdict("porn", suggested), _verdict("terrorism")]}}
    frame = _snapshots(view)["Object"].replace("{Count}", "00001")
    timeline = [{"Timestamp": "00:00:01.000", "Object": frame, **results}]
    return {**results, "VideoTimelines": {"VideoTimeline": timeline}}


def _snapshots(view: JobView) -> Fields:
    """Return the location in OSS of the video snapshots that are moderated."""
    return oss_location(view, view.parameters.get("Output") or view.url("censor/{Count}.jpg"))


def _censor_job(view: JobView) -> Fields:
    file = media_file(view.json("Input"))["Media"]
    video = {
        "Input": oss_location(view, file),
        "VideoCensorConfig": {"BizType": "common", "VideoCensor": "true", "OutputFile": _snapshots(view)},
    }
    return {"PipelineId": pipeline(view), **(video if file else {})}


def _level(view: JobView) -> int:
    return int(view.parameters.get("Level", 2))


_RESULT = fields(Result=dump({"Code": "success", "Message": "ok"}))
_WATERMARK_JOB = fields(
    UserId=account,
    GmtCreate=lambda view: int(view.job.created),
    GmtModified=lambda view: int(view.modified),
    Output=file_in("Output"),
)


def _accepted_trace(view: JobView) -> Fields:
    return {**_OK, "Data": {"TraceMediaId": view.id("trace")}}


_WATERMARK = "Input*{} Output*{} Level# StartTime# TotalTime# UserData<1024"
_VIDEO = "Input{} TemplateId TemplateConfig{} Title<256 Params{} UserData<1024"

ANALYSIS_KINDS = (
    JobKind(
        "SubmitSmarttagJob",
        SMARTTAG,
        declare(f"{_VIDEO} Content<1024 ContentAddr ContentType ScheduleConfig{{}} NotifyUrl"),
        result=_tags,
    ),
    JobKind(
        "SubmitVideoCognitionJob",
        COGNITION,
        declare(_VIDEO),
        render=combined(sent("TemplateId", "Params"), fields(Input=file_in("Input"))),
        result=_cognition,
    ),
    JobKind(
        "SubmitMediaCensorJob",
        CENSOR,
        declare(
            "Input{} CoverImages[] Title<64 Description<128 Barrages Output TemplateId ScheduleConfig{} NotifyUrl"
            " UserData<128"
        ),
        render=_censor_job,
        result=_moderated,
        seconds=3.0,
    ),
    JobKind(
        "SubmitDNAJob",
        DNA,
        declare("DBId* PrimaryKey* Input*{} Config{} TemplateId PipelineId UserData<128"),
        render=combined(sent("DBId", "PrimaryKey", "Config"), fields(Input=file_in("Input"))),
        result=lambda view: {"DNAResult": view.url(f"dna/{view.job_id}.json")},
    ),
    JobKind(
        "SubmitCopyrightJob",
        COPYRIGHT,
        declare(f"{_WATERMARK} Message* Description Params{{}}"),
        "Data.JobId",
        accepted=lambda _: dict(_OK),
        render=combined(_WATERMARK_JOB, sent("Message"), fields(Input=file_in("Input"), Level=_level)),
        result=_RESULT,
    ),
    JobKind(
        "SubmitTraceAbJob",
        TRACE_AB,
        declare(f"{_WATERMARK} CipherBase64ed"),
        "Data.JobId",
        accepted=_accepted_trace,
        render=combined(
            _WATERMARK_JOB, fields(Input=file_in("Input"), Level=_level, TraceMediaId=generated_id("trace"))
        ),
        result=_RESULT,
    ),
    JobKind(
        "SubmitTraceM3u8Job",
        TRACE_M3U8,
        declare("Output*{} TraceMediaId Trace KeyUri Params{}"),
        "Data.JobId",
        accepted=fields(Message="ok"),
        render=combined(_WATERMARK_JOB, sent("TraceMediaId", "Trace")),
    ),
)
