"""The files that the emulator creates can be decoded, and have the requested duration, size and speech."""

from __future__ import annotations

import hashlib
import io
import sys
import wave
from array import array
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import pytest
from PIL import Image

from airflow_provider_ims.emulator.media.file import (
    MAX_SECONDS,
    MAX_SIDE,
    MIN_SECONDS,
    MIN_SIDE,
    MediaFile,
    Sentence,
    size_of,
)
from airflow_provider_ims.emulator.media.formats import EXTRA, FORMATS, UnsupportedFileError, make
from airflow_provider_ims.emulator.media.picture import MAX_TITLE, draw
from airflow_provider_ims.emulator.media.sound import RATE, pcm, words

IMAGES = ("png", "jpg", "jpeg", "gif", "webp")
VIDEOS = ("mp4", "mov")
AUDIO = ("mp3", "m4a", "wav")
SUBTITLES = ("srt", "vtt")
#: The formats whose libraries are part of Python.
STANDARD = ("wav", "pcm", *SUBTITLES)
SENTENCES = (Sentence("新店开业", 0.0, 1.0), Sentence("Come in, it is open", 1.5, 2.5))

#: A sentence that begins before the file and ends after it.
ENDLESS = (Sentence("a", -5.0, 1e6),)


def file_of(suffix: str, **changes: Any) -> MediaFile:
    return MediaFile(
        **{"name": f"folder/a.{suffix}", "title": "New 新店", "sentences": SENTENCES, "seconds": 3.0, **changes}
    )


def decoded(content: bytes) -> tuple[float, dict[str, Any]]:
    """Return the duration of a container, and its streams by type, after decoding all frames."""
    with av.open(io.BytesIO(content)) as container:
        streams = {stream.type: stream for stream in container.streams}
        frames = dict.fromkeys(streams, 0)
        for frame in container.decode():
            frames["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
        assert all(frames.values())
        duration = Fraction(container.duration or 0, av.time_base)
        return float(duration), streams


def test_every_format_is_a_test_case() -> None:
    assert set(FORMATS) == {*IMAGES, *VIDEOS, *AUDIO, *SUBTITLES, "pcm"}


@pytest.mark.parametrize("suffix", VIDEOS)
@pytest.mark.parametrize(("seconds", "size"), [(3.0, (640, 360)), (0.5, (360, 640)), (12.5, (321, 99))])
def test_a_video_has_the_requested_duration_and_size(suffix: str, seconds: float, size: tuple[int, int]) -> None:
    duration, streams = decoded(make(file_of(suffix, seconds=seconds, size=size)))
    assert duration == pytest.approx(seconds, abs=0.1)
    assert (streams["video"].codec.name, streams["audio"].codec.name) == ("h264", "aac")
    assert (streams["video"].width, streams["video"].height) == (size[0] // 2 * 2, size[1] // 2 * 2)


@pytest.mark.parametrize("suffix", AUDIO)
def test_an_audio_file_has_the_requested_duration(suffix: str) -> None:
    duration, streams = decoded(make(file_of(suffix, seconds=4.0)))
    assert duration == pytest.approx(4.0, abs=0.15)
    assert set(streams) == {"audio"}


@pytest.mark.parametrize("suffix", IMAGES)
def test_an_image_has_the_requested_size_and_depends_on_its_title(suffix: str) -> None:
    picture = Image.open(io.BytesIO(make(file_of(suffix, size=(400, 300)))))
    assert picture.size == (400, 300)
    assert getattr(picture, "n_frames", 1) == (1 if suffix in ("png", "jpg", "jpeg") else 8)
    others = (make(file_of(suffix, size=(400, 300), title=title)) for title in ("", "New 新店!", "New 旧店"))
    assert len({make(file_of(suffix, size=(400, 300))), *others}) == 4


def test_each_character_that_the_font_lacks_is_drawn_differently() -> None:
    images = [draw(file_of("png", title=title), (200, 100)).tobytes() for title in ("新", "店", "\U0001f600", "x", "")]
    assert len(set(images)) == len(images)


def titled(title: str) -> str:
    """Return a hash of an image in which the longest title fits into one line."""
    return hashlib.sha256(draw(file_of("png", title=title), (6000, 300)).tobytes()).hexdigest()


@pytest.mark.parametrize("part", ["x", "新", "a b "])
def test_a_long_title_is_truncated(part: str) -> None:
    title = part * 10_000
    assert titled(title) == titled(title[:MAX_TITLE])
    assert titled(title) != titled(title[: MAX_TITLE - 2])


def test_white_space_in_a_title_is_drawn_as_a_space_and_control_characters_are_drawn_as_code_points() -> None:
    assert titled("\n\t") == titled("")
    assert titled("a\n\tb") == titled("a b")
    assert len({titled(title) for title in ("", "\0", "\ud800", "\ud801")}) == 4


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_created_with_the_same_content_again(suffix: str) -> None:
    file = file_of(suffix)
    first = make(file)
    make.cache_clear()
    assert make(file) == first


@pytest.mark.parametrize("suffix", IMAGES)
def test_an_image_below_the_minimum_size_has_the_minimum_size(suffix: str) -> None:
    picture = Image.open(io.BytesIO(make(file_of(suffix, size=(1, 1)))))
    picture.load()
    assert picture.size == (MIN_SIDE, MIN_SIDE)


@pytest.mark.parametrize("suffix", [*VIDEOS, *AUDIO])
def test_a_file_below_the_minimum_duration_has_the_minimum_duration(suffix: str) -> None:
    duration, streams = decoded(make(file_of(suffix, seconds=1e-9, size=(1, 1), sentences=ENDLESS)))
    assert duration == pytest.approx(MIN_SECONDS, abs=0.15)
    if "video" in streams:
        assert (streams["video"].width, streams["video"].height) == (MIN_SIDE, MIN_SIDE)


def test_a_sentence_beyond_the_start_and_end_of_the_audio_is_cut() -> None:
    samples = array("h", pcm(file_of("pcm", seconds=1e-9, sentences=ENDLESS)))
    assert len(samples) == MIN_SECONDS * RATE
    assert loud(samples, 0.0, MIN_SECONDS)


def test_a_file_beyond_the_maximum_duration_or_size_is_shortened_or_scaled_down() -> None:
    assert len(pcm(file_of("pcm", seconds=1e6))) == 2 * MAX_SECONDS * RATE
    assert size_of(file_of("mp4", size=(3840, 2160))) == (MAX_SIDE, 1080)
    assert size_of(file_of("mp4", size=(1, 10**6))) == (16, MAX_SIDE)


def loud(samples: array[int], start: float, end: float) -> bool:
    return max(map(abs, samples[int(start * RATE) : int(end * RATE)]), default=0) > 1_000


def test_each_word_is_a_tone_between_pauses() -> None:
    with wave.open(io.BytesIO(make(file_of("wav")))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        samples = array("h", sound.readframes(sound.getnframes()))
    found = [word for sentence in SENTENCES for word in words(sentence)]
    assert [word.text for word in found] == ["新", "店", "开", "业", "Come", "in", "it", "is", "open"]
    assert all(loud(samples, word.start, word.end) for word in found)
    assert not any(loud(samples, one.end, other.start) for one, other in pairwise(found))
    assert not loud(samples, 1.0, 1.5)
    assert not loud(samples, 2.5, 3.0)


def test_different_words_have_different_tones() -> None:
    assert pcm(file_of("pcm")) != pcm(file_of("pcm", sentences=(Sentence("旧店关业", 0.0, 1.0),)))


def test_subtitles_contain_the_sentences_and_their_times() -> None:
    assert make(file_of("srt")).decode() == (
        "1\n00:00:00,000 --> 00:00:01,000\n新店开业\n\n2\n00:00:01,500 --> 00:00:02,500\nCome in, it is open\n"
    )
    assert make(file_of("vtt")).decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n新店开业\n\n00:00:01.500 --> 00:00:02.500\nCome in, it is open\n"
    )
    late = (Sentence("a --> b\nc", 3599.9996, 7325.5),)
    assert b"01:00:00,000 --> 02:02:05,500\na -> b c\n" in make(file_of("srt", sentences=late))


@pytest.mark.parametrize("suffix", FORMATS)
def test_without_the_libraries_the_error_contains_the_extra(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make.cache_clear()
    for name in ("av", "PIL"):
        monkeypatch.setitem(sys.modules, name, None)
    if suffix in STANDARD:
        assert make(file_of(suffix))
        return
    with pytest.raises(UnsupportedFileError) as caught:
        make(file_of(suffix))
    assert EXTRA in str(caught.value)
    assert suffix in str(caught.value)


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(UnsupportedFileError, match=r"format zip; supported: mp4, mov, "):
        make(file_of("zip"))
