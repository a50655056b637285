"""The description of a file that the emulator generates, and the limits of its duration and size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MAX_SECONDS = 60.0
"""The maximum duration in seconds. Longer files are truncated, so that each file is generated in less than a second."""

MAX_SIDE = 1920
"""The maximum width and height in pixels. Larger images and videos are scaled down."""

MIN_SECONDS, MIN_SIDE = 0.2, 16
DEFAULT_SECONDS = 15.0
DEFAULT_SIZE = (1280, 720)


class Sentence(NamedTuple):
    """
    A spoken sentence.

    :param start: When the sentence begins, in seconds from the start of the file.
    :param end: When the sentence ends, in seconds from the start of the file.
    """

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class MediaFile:
    """
    A file to generate.

    :param name: Its name. The suffix determines the format.
    :param title: The title that an image or a video shows.
    :param sentences: The sentences of the audio or of the subtitles.
    :param seconds: Its duration before the limits are applied, in seconds.
    :param size: Its width and height in pixels before the limits are applied.
    """

    name: str
    title: str
    sentences: tuple[Sentence, ...] = ()
    seconds: float = DEFAULT_SECONDS
    size: tuple[int, int] = DEFAULT_SIZE

    @property
    def suffix(self) -> str:
        """The suffix of the name in lowercase, without the dot."""
        return self.name.rpartition(".")[2].lower()


def duration_of(file: MediaFile) -> float:
    """Return the duration of the generated file, in seconds."""
    return min(max(file.seconds, MIN_SECONDS), MAX_SECONDS)


def size_of(file: MediaFile) -> tuple[int, int]:
    """Return the width and height of a generated image or video: even numbers, as H.264 requires, within the limits."""
    scale = min(1.0, MAX_SIDE / max(file.size))
    width, height = (max(MIN_SIDE, round(side * scale)) // 2 * 2 for side in file.size)
    return width, height
