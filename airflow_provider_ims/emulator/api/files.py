"""
The files of jobs: which OSS objects a job has produced, and their contents.

They are derived from the response to the query of the job, so that a file has the duration and size in the response.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from airflow_provider_ims.emulator.api.addresses import numbered, split_oss
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Fields, JobView, as_object
from airflow_provider_ims.emulator.api.operations import render
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.media.file import DEFAULT_SECONDS, DEFAULT_SIZE, MediaFile, Sentence
from airflow_provider_ims.emulator.state.store import Filter, Job, Phase

#: The response fields that contain the URL of a file that the job has produced.
OUTPUTS = frozenset(
    {
        "DetextVideoURL",
        "FileUrl",
        "MediaURL",
        "MediaUrl",
        "OutputFileUrl",
        "OutputFiles",
        "OutputUrl",
        "SpeechTranslatedSubtitleURL",
        "Thumbnail",
        "TranslatedAudioMediaURL",
        "Url",
    }
)
#: The fields of a response that repeat the request or describe its input.
INPUTS = frozenset(
    {
        "Config",
        "EditingConfig",
        "InputConfig",
        "InputGroup",
        "MediaInfoProperty",
        "OutputConfig",
        "OutputGroup",
        "OutputMediaConfig",
        "Timeline",
        "UserData",
    }
)

#: The parameters with the size of the output.
SIZES = ("OutputConfig", "OutputMediaConfig", "TemplateConfig")
#: The parameters that contain a title, directly or in the field Title.
TITLES = ("Title", "ProjectMetadata", "MediaMetadata", "ChartTitle")

MAX_KEY = 1_023
"""The maximum length of a key in bytes."""

BATCH_SIZE = 100

_ALL = Filter(actions=tuple(JOB_KINDS))


class ObjectName(NamedTuple):
    """The bucket and the key of an object; the key is not percent-encoded."""

    bucket: str
    key: str


def object_name(address: str) -> ObjectName | None:
    """Return the object that a URL names; None if it is not in OSS, has an invalid key, or contains a placeholder."""
    bucket, path = split_oss(address) or ("", "")
    key = unquote(path)
    is_object = bucket and key and "{" not in key and len(key.encode(errors="replace")) <= MAX_KEY
    return ObjectName(bucket, key) if is_object else None


class Output(NamedTuple):
    """
    The URL of an output in a response.

    :param beside: The object that contains it.
    :param number: Its position in a list.
    """

    address: str
    beside: Mapping[str, Any]
    number: int


def outputs_of(view: JobView) -> dict[ObjectName, Output]:
    """Return the objects that a job has produced so far. Only a job with parts produces some before it ends."""
    if view.phase is not Phase.SUCCEEDED and view.kind.parts is None:
        return {}
    fields = _fields(view)
    found: dict[ObjectName, Output] = {}
    for output in list(_outputs(fields)) or list(_requested(view, fields)):
        name = object_name(output.address)
        if name is not None and (name not in found or "Duration" in output.beside):
            found[name] = output
    return found


def addresses_of(view: JobView) -> list[str]:
    """Return the URLs of the files that a job has produced so far."""
    return [view.url(quote(name.key), name.bucket) for name in outputs_of(view)]


def file_of(view: JobView, name: ObjectName) -> MediaFile | None:
    """Return a file that a job has produced; None if it has not produced the file yet."""
    output = outputs_of(view).get(name)
    if output is None:
        return None
    sentences = _sentences(_fields(view))
    seconds = _seconds(output.beside) or (sentences[-1].end if sentences else DEFAULT_SECONDS)
    title = _title(view, output.number) or name.key.rpartition("/")[2]
    return MediaFile(
        name=name.key,
        title=title,
        sentences=sentences or (Sentence(_speech(view, output.number) or title, 0.0, seconds),),
        seconds=seconds,
        size=_size(view, output.beside),
    )


def _fields(view: JobView) -> Fields:
    # The file exists even if the response does not contain its URL.
    return render(replace(view, settings=replace(view.settings, speech_media_url=True)))


def _outputs(
    value: Any, name: str = "", beside: Mapping[str, Any] = MappingProxyType({}), index: int = 0
) -> Iterator[Output]:
    value = _json(value)
    if isinstance(value, dict):
        for inner_name, inner in value.items():
            if inner_name not in INPUTS:
                yield from _outputs(inner, inner_name, value, index)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _outputs(inner, name, beside, number)
    elif isinstance(value, str) and name in OUTPUTS:
        yield Output(value, beside, index)


def _requested(view: JobView, fields: Fields) -> Iterator[Output]:
    """Yield the outputs that the request names, for kinds whose response contains no URL."""
    output = fields.get("Output")
    if view.phase is not Phase.SUCCEEDED or view.job.failed_parts or not isinstance(output, dict):
        return
    for index, address in enumerate(numbered(str(output.get("Media") or ""), fields.get("Count", 1))):
        yield Output(address, {}, index)


def _seconds(beside: Mapping[str, Any]) -> float | None:
    """Return the duration in a response, or that of a range."""
    start, end = _number(beside.get("From")) or 0, _number(beside.get("To")) or 0
    return _number(beside.get("Duration")) or (end - start if end > start else None)


def _sentences(fields: Fields) -> tuple[Sentence, ...]:
    """Return the sentences in the result of a speech job."""
    result = _json(as_object(fields.get("JobResult")).get("AiResult"))
    if not isinstance(result, list):
        return ()
    return tuple(
        Sentence(one["content"], one["from"], one["to"]) for one in result if isinstance(one, dict) and "content" in one
    )


def _title(view: JobView, index: int) -> str:
    """Return the title of a file: one of the titles of a batch, or that of the job."""
    titles = as_object(_parsed(view, "InputConfig")).get("TitleArray")
    if isinstance(titles, list) and titles:
        return str(titles[index % len(titles)])
    for name in TITLES:
        value = _parsed(view, name)
        title = value.get("Title") if isinstance(value, dict) else value
        if isinstance(title, str) and title.strip():
            return title
    return ""


def _speech(view: JobView, index: int) -> str:
    """Return the speech of a video: that of an avatar, or one of the texts of a batch."""
    config = as_object(_parsed(view, "InputConfig"))
    texts = config.get("SpeechTextArray")
    return str(texts[index % len(texts)]) if isinstance(texts, list) and texts else str(config.get("Text") or "")


def _size(view: JobView, beside: Mapping[str, Any]) -> tuple[int, int]:
    requested = [as_object(_parsed(view, name)) for name in SIZES]
    for fields in (*requested, *(as_object(one.get("OverwriteParams")) for one in requested), beside):
        width, height = _number(fields.get("Width")), _number(fields.get("Height"))
        if width and height and min(width, height) >= 1:
            return int(width), int(height)
    return DEFAULT_SIZE


def _parsed(view: JobView, name: str) -> Any:
    return _json(view.parameters.get(name, ""))


def _json(value: Any) -> Any:
    """Return the content of a string that is a JSON object or array; any other value is returned unchanged."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if 0 < number < 1e9 else None


class FileIndex:
    """
    Finds the file of an object.

    :param jobs: All jobs.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._last = 0
        self._job_ids: dict[ObjectName, list[str]] = {}

    def read_jobs(self) -> bool:
        """Read the next new jobs, and return whether there may be more. It takes some milliseconds."""
        found = self._jobs.store.page(_ALL, now=0.0, newest_first=False, limit=BATCH_SIZE, after=self._last)
        for job in found:
            # The URLs are known before the job ends.
            ended = replace(job, pinned=None, error_code=None, failed_parts={})
            for name in outputs_of(replace(self._jobs.view(ended), now=job.ends)):
                self._job_ids.setdefault(name, []).append(job.job_id)
            self._last = job.seq
        return len(found) == BATCH_SIZE

    def find(self, name: ObjectName) -> tuple[MediaFile, Job] | None:
        """Return a file and the latest of the jobs read that has produced it; None if there is none."""
        for job_id in reversed(self._job_ids.get(name, [])):
            job = self._jobs.store.job(job_id)
            file = file_of(self._jobs.view(job), name) if job is not None else None
            if job is not None and file is not None:
                return file, job
        return None
