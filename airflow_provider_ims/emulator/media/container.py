"""Encodes videos and compressed audio with PyAV."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from airflow_provider_ims.emulator.media.file import MediaFile, duration_of, size_of
from airflow_provider_ims.emulator.media.picture import draw
from airflow_provider_ims.emulator.media.sound import RATE, pcm

MAX_FRAMES = 40
"""The maximum number of frames in a video. More are not necessary, because only the bar at the bottom moves."""

SAMPLES = 1_024
"""The number of samples in an audio frame."""

BIT_RATE = 48_000
WHITE = 235
"""The brightness of white in a video."""

#: Options that make the encoder fast and its output reproducible.
X264 = {"preset": "ultrafast", "tune": "stillimage", "crf": "30", "threads": "1"}
SOUND_OPTIONS = {"aac": {"aac_coder": "fast"}}


def encode(file: MediaFile, container: str, codec: str, *, video: bool) -> bytes:
    """
    Return the content of an audio or video file.

    :param container: The name of the container format in FFmpeg.
    :param codec: The name of the audio codec in FFmpeg.
    :param video: Whether the file contains video in addition to audio.
    :raises ImportError: If PyAV or, for a video, Pillow is not installed.
    """
    import av

    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        streams: list[tuple[Any, Iterator[Any]]] = []
        if video:
            streams.append(_video_stream(output, file))
        streams.append(_sound(output, file, codec))
        for stream, frames in streams:
            for frame in frames:
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return target.getvalue()


def _sound(output: Any, file: MediaFile, codec: str) -> tuple[Any, Iterator[Any]]:
    stream = output.add_stream(codec, rate=RATE, layout="mono", options=SOUND_OPTIONS.get(codec, {}))
    stream.bit_rate = BIT_RATE
    return stream, _sound_frames(pcm(file))


def _sound_frames(samples: bytes) -> Iterator[Any]:
    import av

    for start in range(0, len(samples), 2 * SAMPLES):
        chunk = samples[start : start + 2 * SAMPLES]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(chunk) // 2)
        frame.sample_rate, frame.pts = RATE, start // 2
        (plane,) = frame.planes
        plane.update(chunk.ljust(plane.buffer_size, b"\0"))
        yield frame


def _video_stream(output: Any, file: MediaFile) -> tuple[Any, Iterator[Any]]:
    size, seconds = size_of(file), duration_of(file)
    count = max(2, min(MAX_FRAMES, round(seconds * 2)))
    stream = output.add_stream("libx264", rate=Fraction(count, 1) / Fraction(seconds).limit_denominator(1_000))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.options = X264
    return stream, _picture_frames(file, size, count)


def _picture_frames(file: MediaFile, size: tuple[int, int], count: int) -> Iterator[Any]:
    """Yield frames with a bar that shows how much of the video has been played."""
    import av

    width, height = size
    still = av.VideoFrame.from_image(draw(file, size)).reformat(format="yuv420p")
    planes = [bytearray(plane) for plane in still.planes]
    line_size = still.planes[0].line_size
    for number in range(count):
        played = width * (number + 1) // count
        for row in range(height - max(2, height // 40), height):
            planes[0][row * line_size : row * line_size + played] = bytes([WHITE]) * played
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, content in zip(frame.planes, planes, strict=True):
            plane.update(content)
        frame.pts = number
        yield frame
