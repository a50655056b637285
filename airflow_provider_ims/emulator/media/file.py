"""A file that the emulator generates, and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MAX_SECONDS = 60.0
"""The maximum duration. Longer audio and video is cut, so that each file is generated in less than a second."""

MAX_SIDE = 1920
"""The maximum width and height in pixels. Larger images and videos are scaled down."""

MIN_SECONDS, MIN_SIDE = 0.2, 16
DEFAULT_SECONDS = 15.0
DEFAULT_SIZE = (1280, 720)


class Sentence(NamedTuple):
    """
    A sentence that is spoken.

    :param start: When it begins, in seconds; likewise ``end``.
    """

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class MediaFile:
    """
    A file.

    :param name: Its name, whose suffix is its format.
    :param title: The text in the image.
    :param sentences: The sentences of the audio.
    :param seconds: Its duration.
    :param size: Its width and height in pixels.
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
    """Return the width and height of the generated file: within the limits, and even, as H.264 requires."""
    scale = min(1.0, MAX_SIDE / max(file.size))
    width, height = (max(MIN_SIDE, round(side * scale)) // 2 * 2 for side in file.size)
    return width, height
