"""
Converts recognised or spoken sentences into SRT or WebVTT subtitles.

The sentences are those that speech recognition and audio production return: ``{"content", "from", "to"}``, with times
in seconds. Sentences may overlap, because both formats allow it; players show them together. The subtitles are in the
order of their start times. Sentences without text are skipped. In templates, the functions are macros:
``{{ macros.ims.to_srt(..) }}``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["to_srt", "to_webvtt"]


def to_srt(sentences: Iterable[Mapping[str, Any]]) -> str:
    """
    Return the text of an SRT file. Save it as UTF-8.

    SRT has no escape sequences. An arrow ``-->`` in a sentence becomes ``→``, because players would interpret a line
    with ``-->`` as the times of a subtitle. Most players interpret tags such as ``<i>``.

    :param sentences: The sentences, as ``{"content", "from", "to"}``.
    :raises ValueError: if ``sentences`` is not an iterable of dicts, or if a sentence has a content that is not a
        string, a missing or invalid time, or an end that is not later than its start.
    """
    cues = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{cue.text.replace('-->', '→')}\n"
        for number, cue in enumerate(_cues(sentences), start=1)
    ]
    return "\n".join(cues)


def to_webvtt(sentences: Iterable[Mapping[str, Any]]) -> str:
    """
    Return the text of a WebVTT file. Save it as UTF-8.

    The characters ``&``, ``<`` and ``>`` are escaped, so tags in a sentence are shown and not interpreted.

    :param sentences: The sentences, as ``{"content", "from", "to"}``.
    :raises ValueError: if ``sentences`` is not an iterable of dicts, or if a sentence has a content that is not a
        string, a missing or invalid time, or an end that is not later than its start.
    """
    cues = [f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escape(cue.text)}\n" for cue in _cues(sentences)]
    return "\n".join(["WEBVTT\n", *cues])


@dataclass(frozen=True, slots=True)
class _Cue:
    """
    One subtitle.

    :param start: When it appears, in milliseconds.
    :param end: When it disappears, in milliseconds; always after ``start``.
    :param text: The lines, none of which is empty; an empty string if the sentence has no text.
    """

    start: int
    end: int
    text: str


def _cues(sentences: Iterable[Mapping[str, Any]]) -> list[_Cue]:
    if isinstance(sentences, (str, Mapping)) or not isinstance(sentences, Iterable):
        raise ValueError(f"The sentences must be an iterable of dicts, not {type(sentences).__name__}")
    cues = [_cue(f"Sentence {number}", sentence) for number, sentence in enumerate(sentences, start=1)]
    return sorted((cue for cue in cues if cue.text), key=lambda cue: cue.start)


def _cue(name: str, sentence: Any) -> _Cue:
    if not isinstance(sentence, Mapping):
        raise ValueError(f"{name} is not a dict with content, from and to: {type(sentence).__name__}")
    content = sentence.get("content")
    if not isinstance(content, str):
        raise ValueError(f"{name}: content is {content!r} instead of a string")
    # An empty line would end the subtitle.
    lines = (line.strip() for line in content.replace("\0", "").splitlines())
    start, end = (_milliseconds(name, field, sentence.get(field)) for field in ("from", "to"))
    text = "\n".join(line for line in lines if line)
    if sentence["to"] < sentence["from"] or (text and sentence["to"] == sentence["from"]):
        raise ValueError(f"{name}: it ends at {sentence['to']!r} s, but begins at {sentence['from']!r} s")
    return _Cue(start, max(end, start + 1), text)


def _milliseconds(name: str, field: str, value: Any) -> int:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        milliseconds = float(value) * 1000 if is_number else math.nan
    except OverflowError:
        milliseconds = math.inf
    if not math.isfinite(milliseconds) or milliseconds < 0:
        raise ValueError(f"{name}: {field} is {value!r} instead of a time in seconds")
    return round(milliseconds)


def _time(milliseconds: int, separator: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
