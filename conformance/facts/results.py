"""Facts about the results of finished jobs."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conformance.facts.fact import Evidence, Fact, NotTestedError, Observed, api_page, field_problems, require_response
from conformance.facts.jobs import SMART_PAGE

SIGNATURE = ("Signature", "x-oss-signature")
TEXT_LENGTH, TEXT_COUNT = 5, 1


def _texts(evidence: Evidence) -> list[Any]:
    found = json.loads(evidence.finished("text").last["JobResult"]["AiResult"])
    if not isinstance(found, list):
        raise TypeError(f"AiResult is {type(found).__name__}")
    return found


def _text_result(evidence: Evidence) -> Observed:
    texts = _texts(evidence)
    kinds = sorted({type(one).__name__ for one in texts})
    return Observed(f"a list of {', '.join(kinds) or 'nothing'}", kinds == ["str"])


def _text_count(evidence: Evidence) -> Observed:
    count = len(_texts(evidence))
    return Observed(f"texts: {count}", count == TEXT_COUNT)


def _text_length(evidence: Evidence) -> Observed:
    longest = max(len(one) for one in _texts(evidence))
    return Observed(f"{longest} characters", longest <= TEXT_LENGTH)


def _text_usage(evidence: Evidence) -> Observed:
    usage = json.loads(evidence.finished("text").last["JobResult"]["Usage"])
    return Observed(", ".join(sorted(usage)), isinstance(usage.get("total_tokens"), int))


def _speech_result(evidence: Evidence) -> Observed:
    found = json.loads(evidence.finished("speech").last["JobResult"]["AiResult"])
    number = (int, float)
    problems = field_problems({"a": found}, {"a[].content": str, "a[].from": number, "a[].to": number})
    return Observed(", ".join(problems) or f"sentences: {len(found)}, with {', '.join(sorted(found[0]))}", not problems)


def _speech_media_id(evidence: Evidence) -> Observed:
    job = evidence.finished("speech")
    assert job.submit is not None
    submitted, found = job.submit.body.get("MediaId"), job.last["JobResult"].get("MediaId")
    return Observed("the same" if submitted == found else f"{'another' if found else 'none'} in the result")


def _speech_media_url(evidence: Evidence) -> Observed:
    job = evidence.finished("speech")
    url = job.last["JobResult"].get("MediaUrl")
    if not url:
        return Observed("no MediaUrl")
    assert job.submit is not None
    name = json.loads(job.submit.parameters["OutputConfig"])["object"]
    parts = urlsplit(str(url))
    end = f"the object name and {parts.path.rpartition(name)[2]!r}" if name in parts.path else "another object name"
    return Observed(f"scheme {parts.scheme}, a path with {end}, {'a' if parts.query else 'no'} query")


def _videos(evidence: Evidence) -> list[Any]:
    return list(evidence.finished("batch").last["SubJobList"])


def _video_count(evidence: Evidence) -> Observed:
    count = len(_videos(evidence))
    return Observed(f"sub-jobs: {count}", count == 1)


def _video_states(evidence: Evidence) -> Observed:
    job = evidence.polled("batch")
    found = [str(one.get("Status")) for job in job.jobs for one in job.get("SubJobList") or []]
    if not found:
        raise NotTestedError("no query returned sub-jobs")
    return Observed(", then ".join(dict.fromkeys(found)), set(found) <= {"Init", "Processing", "Success", "Failed"})


def _video_url(evidence: Evidence) -> Observed:
    job = evidence.finished("batch")
    assert job.submit is not None
    before, _, after = json.loads(job.submit.parameters["OutputConfig"])["MediaURL"].partition("{index}")
    url = str(_videos(evidence)[0]["MediaURL"])
    index = url.removeprefix(before).removesuffix(after)
    is_number = index.isdecimal()
    return Observed(f"{{index}} is {index}" if is_number else "another URL", is_number)


def _video_early_end(evidence: Evidence) -> Observed:
    job = evidence.polled("batch")
    early = [one for one in job.jobs if one.get("Status") == "Finished" and not job.has_ended(one)]
    if not early:
        return Observed("not observed")
    states = {str(part.get("Status")) for one in early for part in one.get("SubJobList") or []}
    return Observed(f"yes: states of the sub-jobs: {', '.join(sorted(states)) or 'none'}")


def _video_job_type(evidence: Evidence) -> Observed:
    found = evidence.polled("batch").last.get("JobType")
    return Observed(str(found), found == "Script")


def _images(evidence: Evidence) -> list[Any]:
    return list(json.loads(evidence.finished("image").last["AIImageResult"]))


def _image_result(evidence: Evidence) -> Observed:
    images = _images(evidence)
    problems = field_problems({"a": images}, {"a[].Score": (int, float), "a[].Url": str})
    return Observed(", ".join(problems) or f"images: {len(images)}, with Score and Url", not problems)


def _is_signed(url: str) -> bool:
    names = {name.lower() for name in parse_qs(urlsplit(url).query)}
    return any(name.lower() in names for name in SIGNATURE)


def _image_urls(evidence: Evidence) -> Observed:
    signed = [one["Url"] for one in _images(evidence) if _is_signed(one["Url"])]
    return Observed("signed" if signed else "not signed", not signed)


def _image_infos(evidence: Evidence) -> Observed:
    job = evidence.listed("image")
    assert job.listed is not None
    infos = [one for one in job.listed.body["AIImageInfoList"] if one["JobId"] == job.job_id]
    signed = all(_is_signed(one["FileURL"]) for one in infos)
    return Observed(f"images: {len(infos)}, {'signed' if signed else 'not signed'}", signed)


def _mixed_ids(evidence: Evidence) -> Observed:
    job = evidence.accepted("image")
    ids = f"{uuid.uuid4().hex},{job.job_id}"
    response = require_response(evidence.service.read("vod", "GetAIImageJobs", JobIds=ids))
    if not response.ok:
        return Observed(response.error)
    found = job.plan.job_in(response.body, job.job_id)
    extra = set(response.body) - {"RequestId", "AIImageJobList"}
    other = f"; also {', '.join(sorted(extra))}" if extra else ""
    count = len(response.body.get("AIImageJobList") or [])
    return Observed(f"jobs: {count}, {'with' if found else 'without'} the existing job{other}")


_GET_BATCH = api_page("ice", "GetBatchMediaProducingJob")
_GET_IMAGES = api_page("vod", "GetAIImageJobs")

FACTS = (
    Fact(
        name="text.result",
        statement="`AiResult` of a text job is a JSON list of texts.",
        documented='["..", ".."]',
        source=SMART_PAGE,
        check=_text_result,
    ),
    Fact(
        name="text.count",
        statement="A text job returns `targetCount` texts.",
        documented="the number of texts to generate",
        source=api_page("ice", "SubmitTextGenerateJob"),
        check=_text_count,
    ),
    Fact(
        name="text.length",
        statement="A text has at most `textLength` characters.",
        documented="the actual length is at most this value",
        source=api_page("ice", "SubmitTextGenerateJob"),
        check=_text_length,
    ),
    Fact(
        name="text.usage",
        statement="`Usage` of a text job is a JSON object with `total_tokens`.",
        documented='{"total_tokens": 100}',
        source=api_page("ice", "GetSmartHandleJob"),
        check=_text_usage,
    ),
    Fact(
        name="speech.result",
        statement="`AiResult` of a speech job is a JSON list of sentences.",
        documented='[{"content": "..", "from": 0.0, "to": 0.8}]',
        source=SMART_PAGE,
        check=_speech_result,
    ),
    Fact(
        name="speech.media_id",
        statement="Is the `MediaId` in the result the same as in the submit response?",
        check=_speech_media_id,
    ),
    Fact(
        name="speech.media_url",
        statement="Does the result of a speech job contain a `MediaUrl`, and in which format?",
        check=_speech_media_url,
    ),
    Fact(
        name="batch.job_type",
        statement="A batch with `MediaGroupArray` has the type Script.",
        documented="Script",
        source=_GET_BATCH,
        check=_video_job_type,
    ),
    Fact(
        name="batch.videos",
        statement="A batch has one sub-job for each video.",
        documented="`Count` videos",
        source=_GET_BATCH,
        check=_video_count,
    ),
    Fact(
        name="batch.sub_job_states",
        statement="Sub-jobs have only documented states.",
        documented="Init, Processing, Success, Failed",
        source=_GET_BATCH,
        check=_video_states,
    ),
    Fact(
        name="batch.media_url",
        statement="`MediaURL` of a sub-job is the requested URL with a number instead of `{index}`.",
        documented="xxx_0.mp4",
        source=_GET_BATCH,
        check=_video_url,
    ),
    Fact(
        name="batch.early_end",
        statement="Can a batch be in the state Finished while its sub-jobs still run?",
        check=_video_early_end,
    ),
    Fact(
        name="image.result",
        statement="`AIImageResult` is a JSON list of images with their scores.",
        documented='[{"Score": 5.03, "Url": ".."}]',
        source=_GET_IMAGES,
        check=_image_result,
    ),
    Fact(
        name="image.urls",
        statement="The URLs in `AIImageResult` are not signed.",
        documented="no complete authentication information",
        source=_GET_IMAGES,
        check=_image_urls,
    ),
    Fact(
        name="image.signed_urls",
        statement="`ListAIImageInfo` returns signed URLs.",
        documented="FileURL with authentication information",
        source=_GET_IMAGES,
        check=_image_infos,
    ),
    Fact(
        name="image.mixed_ids",
        statement="What does `GetAIImageJobs` return for a request with an unknown and an existing id?",
        check=_mixed_ids,
    ),
)
