"""Finds the texts, sentences and files in the result of a job."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from airflow_provider_ims._jobs.objects import content_of, split_address, unsigned
from airflow_provider_ims._jobs.payload import MAX_DEPTH, as_number, as_objects, as_text, token_usage

#: Kind of file -> the extensions of such files. Browsers can play or show most files of the first three kinds.
EXTENSIONS = {
    "video": "mp4 m4v mov webm mkv flv avi",
    "audio": "mp3 wav m4a aac ogg flac",
    "image": "png jpg jpeg gif webp bmp",
    "subtitles": "srt vtt ass",
}
_KIND_OF = {extension: kind for kind, extensions in EXTENSIONS.items() for extension in extensions.split()}
#: Field that contains files -> the kind of those files whose names have no known extension.
_KIND_IN = {"images": "image", "videos": "video", "audios": "audio"}
#: Field of a result -> the attribute of :class:`MediaFile` with which a service can find the file.
_IDS = {"mediaid": "media_id", "videoid": "video_id", "imageid": "image_id"}
#: A field whose name contains one of these words contains no output: it describes the job, its input or a failed part.
_NOT_OUTPUT = re.compile(
    "callback|config|description|failed|input|notify|param|prompt|template|timeline|userdata|(?<!re)source|(?<!sub)title"
)

#: The fields of a result that describe the job and are not outputs.
_OF_JOB = ("job_id", "state", "error_code", "error_message")
#: The maximum number of nested levels that are searched for files.
_MAX_LEVELS = 2 * MAX_DEPTH
#: The maximum number of texts that a page shows for a job. The same limit applies to the job's sentences, to its files
#: and to its failed parts.
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class MediaFile:
    """
    A file that a job has produced, as recorded in its result.

    :param kind: ``video``, ``audio``, ``image``, ``subtitles``, or ``file`` for any other kind.
    :param address: Its address without a signature; ``None`` if only the id of its media asset is recorded.
    :param media_id: The id of its media asset in IMS.
    :param video_id: The id of the VOD video that it belongs to.
    :param image_id: The id of the image in VOD.
    :param score: The score of an image; a higher score is better.
    :param duration: Its duration in seconds.
    """

    kind: str
    address: str | None = None
    media_id: str | None = None
    video_id: str | None = None
    image_id: str | None = None
    score: float | None = None
    duration: float | None = None

    @property
    def ref(self) -> str:
        """The identifier of the file in the URLs of the pages."""
        return hashlib.sha256((self.address or f"id:{self.media_id}").encode(errors="replace")).hexdigest()[:24]

    @property
    def name(self) -> str:
        """The name of the file; its address if the address contains no file name; its media id if it has no address."""
        if self.address is None:
            return str(self.media_id)
        return _file_name(self.address) or self.address


@dataclass(frozen=True, slots=True)
class JobView:
    """
    The output of a job.

    :param texts: The texts.
    :param sentences: The sentences of speech, as ``{"content", "from", "to"}``; the times are in seconds or ``None``.
    :param files: The files, in descending order of their scores.
    :param failed: The failed parts of the job.
    :param tokens: The number of billed tokens; ``None`` if unknown.
    :param rest: The other fields of the result, including those that contain the files.
    """

    texts: list[str] = field(default_factory=list)
    sentences: list[dict[str, Any]] = field(default_factory=list)
    files: list[MediaFile] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    tokens: int | None = None
    rest: dict[str, Any] = field(default_factory=dict)

    def file(self, ref: str) -> MediaFile | None:
        """Return the file with the given identifier; ``None`` if the result contains no such file."""
        return next((file for file in self.files if file.ref == ref), None)


def job_view(result: Any, *, ids_are_outputs: bool) -> JobView:
    """
    Return the texts, sentences and files in the result of a job.

    :param result: The result; if it is not a dict, the view is empty.
    :param ids_are_outputs: Whether a media id without an address refers to an output, as in the results of IMS. In the
        results of VOD, it refers to an input.
    """
    if not isinstance(result, dict):
        return JobView()
    rest = {name: value for name, value in unsigned(result).items() if name not in _OF_JOB}
    usage = token_usage(rest.get("usage")) or {}
    texts = rest.pop("texts") if _is_texts(rest.get("texts")) else []
    sentences, failed = (as_objects(rest.get(name)) or [] for name in ("sentences", "failed"))
    for name, shown in (("usage", usage), ("sentences", sentences), ("failed", failed)):
        if shown or not rest.get(name):
            rest.pop(name, None)
    default = MediaFile("audio" if sentences else "file")
    files = {file.ref: file for file in _files(rest, default, ids_are_outputs)}
    return JobView(
        texts=texts,
        sentences=[_sentence(one) for one in sentences],
        files=sorted(files.values(), key=lambda file: -(file.score if file.score is not None else float("-inf"))),
        failed=failed,
        tokens=usage.get("total_tokens"),
        rest=rest,
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _sentence(fields: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: as_number(fields.get(name)) for name in ("from", "to")}
    return {"content": as_text(fields.get("content")) or "", **times}


def _files(value: Any, inherited: MediaFile, ids_are_outputs: bool, levels: int = _MAX_LEVELS) -> Iterator[MediaFile]:
    """
    Yield the files in a part of a result.

    :param inherited: A file with the kind and the ids that apply to the files in this part.
    :param levels: The number of nested levels to search. It is limited, because JSON in strings may contain further
        JSON in strings.
    """
    if isinstance(value, str):
        content = content_of(value)
        if not isinstance(content, str):
            yield from _files(content, inherited, ids_are_outputs, levels)
        elif split_address(content):
            yield replace(inherited, kind=_kind(content, inherited.kind), address=content)
    elif isinstance(value, list) and levels:
        for inner in value:
            yield from _files(inner, inherited, ids_are_outputs, levels - 1)
    elif isinstance(value, dict) and levels:
        yield from _files_of_fields(value, inherited, ids_are_outputs, levels - 1)


def _files_of_fields(
    fields: Mapping[str, Any], inherited: MediaFile, ids_are_outputs: bool, levels: int
) -> Iterator[MediaFile]:
    plain = {str(name).replace("_", "").lower(): value for name, value in fields.items()}
    ids = {attribute: str(plain[name]) for name, attribute in _IDS.items() if _is_id(plain.get(name))}
    # A nested object inherits the ids of VOD, but not the media id, which applies only to the files in its own object.
    base = replace(inherited, **{"media_id": None, **ids})  # type: ignore[arg-type]
    score, duration = as_number(plain.get("score")), as_number(plain.get("duration"))
    has_address = False
    for name, value in plain.items():
        if _NOT_OUTPUT.search(name):
            continue
        for file in _files(value, replace(base, kind=_KIND_IN.get(name, base.kind)), ids_are_outputs, levels):
            has_address = has_address or isinstance(value, str)
            yield replace(file, score=score, duration=duration) if isinstance(value, str) else file
    if ids_are_outputs and base.media_id is not None and not has_address:
        yield replace(base, duration=duration)


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and 0 < len(str(value)) <= 128


def _kind(address: str, default: str) -> str:
    return _KIND_OF.get(_file_name(address).rpartition(".")[2].lower(), default)


def _file_name(address: str) -> str:
    parts = split_address(address)
    return unquote(parts.path).rpartition("/")[2] if parts else ""
