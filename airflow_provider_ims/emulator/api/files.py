"""
The files of jobs: which OSS objects a job has produced, and their contents.

Both are derived from the submit request and the query response of the job. Therefore, the duration, width and height of
a file match the request and the response unless they are outside the limits for generated files.
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
#: The response fields that repeat the request or describe the input. They are not searched for output files.
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

#: The parameters that can contain the width and height of the output.
SIZES = ("OutputConfig", "OutputMediaConfig", "TemplateConfig")
#: The parameters that can contain a title, directly or in the field Title.
TITLES = ("Title", "ProjectMetadata", "MediaMetadata", "ChartTitle")

MAX_KEY = 1_023
"""The maximum length of an object key, in bytes of UTF-8."""

BATCH_SIZE = 100
"""The maximum number of jobs that one call to :meth:`FileIndex.read_jobs` reads."""

_ALL = Filter(actions=tuple(JOB_KINDS))


class ObjectName(NamedTuple):
    """The bucket and the key of an OSS object. The key is not percent-encoded."""

    bucket: str
    key: str


def object_name(address: str) -> ObjectName | None:
    """
    Return the name of the OSS object at a URL.

    Return None for a URL outside OSS, and for a key that is empty, is too long, or contains a placeholder.
    """
    bucket, path = split_oss(address) or ("", "")
    key = unquote(path)
    is_object = bucket and key and "{" not in key and len(key.encode(errors="replace")) <= MAX_KEY
    return ObjectName(bucket, key) if is_object else None


class Output(NamedTuple):
    """
    The URL of an output file in a response.

    :param beside: The fields of the JSON object that contains the URL.
    :param number: The index of the URL, or of the object that contains it, in the innermost list; 0 if it is in
        no list.
    """

    address: str
    beside: Mapping[str, Any]
    number: int


def outputs_of(view: JobView) -> dict[ObjectName, Output]:
    """
    Return the OSS objects that a job has produced so far.

    A job with parts can produce objects before it ends. Any other job produces all its objects when it succeeds.
    """
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
    """Return a file that a job has produced; None if the job has not produced it."""
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
    # With speech_media_url=False, the response does not contain the URL of the file, but the file exists.
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
    """Yield the outputs that the request specifies. They are used if the response contains no URL of an output file."""
    output = fields.get("Output")
    if view.phase is not Phase.SUCCEEDED or view.job.failed_parts or not isinstance(output, dict):
        return
    for index, address in enumerate(numbered(str(output.get("Media") or ""), fields.get("Count", 1))):
        yield Output(address, {}, index)


def _seconds(beside: Mapping[str, Any]) -> float | None:
    """
    Return the duration of an output in seconds: ``Duration``, or else ``To`` minus ``From``.

    If these fields do not contain a positive duration, return None.
    """
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
    """Return the title of a file: an entry of ``TitleArray``, or else the title in the request, or an empty string."""
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
    """Return the spoken text of a video: an entry of ``SpeechTextArray``, or else the text that an avatar speaks."""
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
    """Parse a string that contains a JSON object or array. Return any other value unchanged."""
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
    Finds the job that produced an OSS object, and the description of the object's file.

    :param jobs: The jobs of the emulator.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._last = 0
        self._job_ids: dict[ObjectName, list[str]] = {}

    def read_jobs(self) -> bool:
        """
        Read the next jobs into the index, and return whether there might be more jobs.

        One call reads up to 100 jobs, so that the event loop can run other code between two calls.
        """
        found = self._jobs.store.page(_ALL, now=0.0, newest_first=False, limit=BATCH_SIZE, after=self._last)
        for job in found:
            # Each job is indexed only once, possibly before it ends. Therefore, the index contains the names of all
            # files that the job produces if it succeeds.
            ended = replace(job, pinned=None, error_code=None, failed_parts={})
            for name in outputs_of(replace(self._jobs.view(ended), now=job.ends)):
                self._job_ids.setdefault(name, []).append(job.job_id)
            self._last = job.seq
        return len(found) == BATCH_SIZE

    def find(self, name: ObjectName) -> tuple[MediaFile, Job] | None:
        """Return the file of an object and the latest job that produced it; None if no indexed job produced it."""
        for job_id in reversed(self._job_ids.get(name, [])):
            job = self._jobs.store.job(job_id)
            file = file_of(self._jobs.view(job), name) if job is not None else None
            if job is not None and file is not None:
                return file, job
        return None
