"""The formats of the files that the emulator generates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from airflow_provider_ims.emulator.media.container import encode
from airflow_provider_ims.emulator.media.file import MediaFile
from airflow_provider_ims.emulator.media.picture import animation, image
from airflow_provider_ims.emulator.media.sound import pcm, wav
from airflow_provider_ims.emulator.media.subtitles import srt, vtt

EXTRA = "airflow-provider-ims[media-files]"
"""The argument of ``pip install`` that installs the required libraries. WAV, PCM and subtitle files require none."""

CACHED_FILES = 32
"""The maximum number of generated files that are kept in memory. A player requests each file several times."""


class UnsupportedFileError(Exception):
    """Raised if the emulator does not support the format of a file, or a required library is not installed."""


@dataclass(frozen=True)
class Format:
    """
    A file format.

    :param make: A function that returns the content of a file in this format.
    """

    content_type: str
    make: Callable[[MediaFile], bytes]


_MP4 = partial(encode, container="mp4", codec="aac", video=True)
_JPEG = Format("image/jpeg", partial(image, pillow_format="JPEG"))

#: Suffix -> format.
FORMATS: Mapping[str, Format] = {
    "mp4": Format("video/mp4", _MP4),
    "mov": Format("video/quicktime", partial(encode, container="mov", codec="aac", video=True)),
    "mp3": Format("audio/mpeg", partial(encode, container="mp3", codec="mp3", video=False)),
    "m4a": Format("audio/mp4", partial(encode, container="mp4", codec="aac", video=False)),
    "wav": Format("audio/wav", wav),
    "pcm": Format("application/octet-stream", pcm),
    "png": Format("image/png", partial(image, pillow_format="PNG")),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "gif": Format("image/gif", partial(animation, pillow_format="GIF")),
    "webp": Format("image/webp", partial(animation, pillow_format="WEBP")),
    "srt": Format("application/x-subrip; charset=utf-8", srt),
    "vtt": Format("text/vtt; charset=utf-8", vtt),
}


@lru_cache(maxsize=CACHED_FILES)
def make(file: MediaFile) -> bytes:
    """
    Return the content of a file; each call returns the same bytes.

    :raises UnsupportedFileError: If the format is not supported, or a library that it requires is not installed.
    """
    found = FORMATS.get(file.suffix)
    if found is None:
        raise UnsupportedFileError(
            f"The emulator cannot generate files of the format {file.suffix}; supported: {', '.join(FORMATS)}."
        )
    try:
        return found.make(file)
    except ImportError as error:
        raise UnsupportedFileError(
            f"To generate files of the format {file.suffix}, the emulator requires a library that is not installed "
            f"({error}). To install it, run: pip install '{EXTRA}'"
        ) from None
