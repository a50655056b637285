"""Generates subtitles that contain the sentences of a file."""

from __future__ import annotations

from airflow_provider_ims.emulator.media.file import MediaFile


def srt(file: MediaFile) -> bytes:
    """Return the sentences of a file as SRT subtitles."""
    cues = (
        f"{number}\n{_time(one.start, ',')} --> {_time(one.end, ',')}\n{_line(one.text)}\n"
        for number, one in enumerate(file.sentences, 1)
    )
    return "\n".join(cues).encode(errors="replace")


def vtt(file: MediaFile) -> bytes:
    """Return the sentences of a file as WebVTT subtitles."""
    cues = (f"\n{_time(one.start, '.')} --> {_time(one.end, '.')}\n{_line(one.text)}\n" for one in file.sentences)
    return "".join(("WEBVTT\n", *cues)).encode(errors="replace")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("-->", "->")


def _time(seconds: float, separator: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{separator}{rest % 1000:03}"
