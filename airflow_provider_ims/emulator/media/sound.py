"""Generates audio with a tone for each word. The pitch of a tone depends on the word."""

from __future__ import annotations

import io
import math
import re
import wave
from array import array
from collections.abc import Iterator
from functools import lru_cache
from zlib import crc32

from airflow_provider_ims.emulator.media.file import MediaFile, Sentence, duration_of

RATE = 16_000
"""Samples per second. A sample has 16 bits."""

AMPLITUDE = 9_000
FADE = RATE // 100
"""The number of samples over which a tone fades in and out, so that it does not click."""

TONE_SHARE = 0.85
"""The fraction of a word's duration for which its tone lasts. The rest is silent."""

#: The pitches in Hz. They are whole numbers, so that one second of a tone can be repeated without a click.
NOTES = (262, 294, 330, 392, 440, 523, 587, 659)

_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def pcm(file: MediaFile) -> bytes:
    """Return the audio of a file as 16-bit mono PCM."""
    seconds = duration_of(file)
    sound = bytearray(2 * int(seconds * RATE))
    for sentence in file.sentences:
        for word, start, end in words(sentence):
            first, last = (2 * int(min(max(moment, 0.0), seconds) * RATE) for moment in (start, end))
            sound[first:last] = _tone(NOTES[crc32(word.encode()) % len(NOTES)], (last - first) // 2)
    return bytes(sound)


def wav(file: MediaFile) -> bytes:
    """Return the audio of a file as WAV."""
    target = io.BytesIO()
    with wave.open(target, "wb") as content:
        content.setnchannels(1)
        content.setsampwidth(2)
        content.setframerate(RATE)
        content.writeframes(pcm(file))
    return target.getvalue()


def words(sentence: Sentence) -> Iterator[Sentence]:
    """Yield the words of a sentence with the times of their tones. Each Chinese character counts as a word."""
    found = _WORD.findall(sentence.text)
    share = (sentence.end - sentence.start) / max(1, len(found))
    for number, word in enumerate(found):
        start = sentence.start + number * share
        yield Sentence(word, start, start + share * TONE_SHARE)


def _tone(note: int, count: int) -> bytes:
    second = _second(note)
    samples = (second * (count // RATE + 1))[:count]
    fade = min(FADE, count // 2)
    for index in range(fade):
        samples[index] = samples[index] * index // fade
        samples[-1 - index] = samples[-1 - index] * index // fade
    return samples.tobytes()


@lru_cache(maxsize=len(NOTES))
def _second(note: int) -> array[int]:
    step = 2 * math.pi * note / RATE
    return array("h", (int(AMPLITUDE * math.sin(step * index)) for index in range(RATE)))
