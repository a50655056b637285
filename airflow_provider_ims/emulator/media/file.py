"""A file that the emulator makes, and its formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MAX_SECONDS = 60.0
"""The longest sound or video. A longer one ends then, so that every file is made in less than a second."""

MAX_SIDE = 1920
"""The longest side of a picture or video in pixels. Larger ones are made smaller."""

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
    :param title: The text on the picture.
    :param sentences: The sentences of the sound.
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
    """Return the duration of the file that is made, in seconds."""
    return min(max(file.seconds, MIN_SECONDS), MAX_SECONDS)


def size_of(file: MediaFile) -> tuple[int, int]:
    """Return the width and height of the file that is made: within the limits, and even, as H.264 requires."""
    scale = min(1.0, MAX_SIDE / max(file.size))
    width, height = (max(MIN_SIDE, round(side * scale)) // 2 * 2 for side in file.size)
    return width, height
