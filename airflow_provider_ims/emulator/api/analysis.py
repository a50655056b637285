"""Media analysis: tags, moderation, fingerprints, and watermarks."""

from __future__ import annotations

import json

from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView, Listing
from airflow_provider_ims.emulator.api.parameters import declare
from airflow_provider_ims.emulator.api.processing import input_and_output, media_file, output_file

ANALYSIS_STATES = ("Submitted", "Processing", "Success", "Fail")
QUEUE_STATES = ("Queuing", "Analysing", "Success", "Fail")
# Only success is documented.
WATERMARK_STATES = ("processing", "processing", "success", "fail")

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
    cancel_created_only=True,
)
COPYRIGHT = JobFamily("QueryCopyrightJobList", WATERMARK_STATES, "Data[]", error_in="Result", times=("", ""))
TRACE_AB = JobFamily("QueryTraceAbJobList", WATERMARK_STATES, "Data[]", error_in="Result", times=("", ""))
TRACE_M3U8 = JobFamily("QueryTraceM3u8JobList", WATERMARK_STATES, "Data[]", error=("", ""), times=("", ""))

_TAGS = dump({"tags": [{"name": "美食", "score": 0.92}, {"name": "开业", "score": 0.81}]})


def _tags(view: JobView) -> Fields:
    return {
        "Results": {"Result": [{"Type": "VideoLabel", "Data": _TAGS}]},
        "Usages": {"Usage": [{"Type": "tag", "Quota": 15}]},
    }


def _cognition(view: JobView) -> Fields:
    return {"Results": {"result": [{"Type": "VideoLabel", "Data": _TAGS}]}}


def suggestion(name: str) -> str:
    """Return the suggestion of a moderation: ``block`` or ``review`` if the name of the file contains it."""
    return next((suggested for suggested in ("block", "review") if suggested in name), "pass")


def _verdict(scene: str = "antispam", suggested: str = "pass") -> dict[str, str]:
    label = "normal" if suggested == "pass" else scene
    return {"Label": label, "Scene": scene, "Suggestion": suggested, "Rate": "99.8"}


def _moderated(view: JobView) -> Fields:
    file = media_file(view.json("Input"))["Media"]
    covers = [cover for cover in json.loads(view.parameters.get("CoverImages", "[]")) if isinstance(cover, dict)]
    suggested = [suggestion(name) for name in (file, *(str(cover.get("Object")) for cover in covers))]
    fields: Fields = {}
    if file:
        video = [_verdict("porn", suggested[0]), _verdict("terrorism")]
        fields["VensorCensorResult"] = {"CensorResults": {"CensorResult": video}}
    if covers:
        fields["CoverImageCensorResults"] = {
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
            fields[f"{prefix}CensorResult"] = _verdict()
    # The words are in the order of their severity.
    return {"Suggestion": min(suggested, key=("block", "review", "pass").index), **fields} if fields else {}


def _fingerprint(view: JobView) -> Fields:
    return {"Input": media_file(view.json("Input")), **view.given("DBId", "PrimaryKey", "Config")}


def _level(view: JobView) -> Fields:
    return {"Level": int(view.parameters.get("Level", 2))}


def _watermarked(view: JobView) -> Fields:
    return {"Result": dump({"Code": "success", "Message": "ok"})}


_WATERMARK = "Input*{} Output*{} Level# StartTime# TotalTime# UserData<1024"
_VIDEO = "Input{} TemplateId TemplateConfig{} Title<256 Params{} UserData<1024"

ANALYSIS_KINDS = (
    JobKind(
        "SubmitSmarttagJob",
        SMARTTAG,
        declare(f"{_VIDEO} Content<1024 ContentAddr ContentType ScheduleConfig{{}} NotifyUrl"),
        result=_tags,
    ),
    JobKind("SubmitVideoCognitionJob", COGNITION, declare(_VIDEO), result=_cognition),
    JobKind(
        "SubmitMediaCensorJob",
        CENSOR,
        declare(
            "Input{} CoverImages[] Title<64 Description<128 Barrages Output TemplateId ScheduleConfig{} NotifyUrl"
            " UserData<128"
        ),
        result=_moderated,
        seconds=3.0,
    ),
    JobKind(
        "SubmitDNAJob",
        DNA,
        declare("DBId* PrimaryKey* Input*{} Config{} TemplateId PipelineId UserData<128"),
        render=_fingerprint,
        result=lambda view: {"DNAResult": view.url(f"dna/{view.job_id}.json")},
    ),
    JobKind(
        "SubmitCopyrightJob",
        COPYRIGHT,
        declare(f"{_WATERMARK} Message* Description Params{{}}"),
        "Data.JobId",
        render=lambda view: {**input_and_output(view), **view.given("Message"), **_level(view)},
        result=_watermarked,
    ),
    JobKind(
        "SubmitTraceAbJob",
        TRACE_AB,
        declare(f"{_WATERMARK} CipherBase64ed"),
        "Data.JobId",
        render=lambda view: {**input_and_output(view), "TraceMediaId": view.id("trace"), **_level(view)},
        result=_watermarked,
    ),
    JobKind(
        "SubmitTraceM3u8Job",
        TRACE_M3U8,
        declare("Output*{} TraceMediaId Trace KeyUri Params{}"),
        "Data.JobId",
        render=lambda view: {**output_file(view), **view.given("TraceMediaId", "Trace")},
    ),
)
