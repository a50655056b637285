from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ims.subtitles import to_srt, to_webvtt

SENTENCES = [
    {"content": "The cakes are out of the oven", "from": 0.0, "to": 1.885},
    {"content": "Salt & <sugar> --> cake", "from": 3599.9996, "to": 3661},
]
SRT = """1
00:00:00,000 --> 00:00:01,885
The cakes are out of the oven

2
01:00:00,000 --> 01:01:01,000
Salt & <sugar> → cake
"""
WEBVTT = """WEBVTT

00:00:00.000 --> 00:00:01.885
The cakes are out of the oven

01:00:00.000 --> 01:01:01.000
Salt &amp; &lt;sugar&gt; --&gt; cake
"""
both = pytest.mark.parametrize("convert", [to_srt, to_webvtt])


def test_sentences_are_converted_into_srt() -> None:
    assert to_srt(SENTENCES) == SRT


def test_sentences_are_converted_into_webvtt() -> None:
    assert to_webvtt(SENTENCES) == WEBVTT


def test_an_empty_list_becomes_a_file_without_subtitles() -> None:
    assert to_srt([]) == ""
    assert to_webvtt([]) == "WEBVTT\n"


def test_line_breaks_are_kept_and_empty_lines_removed() -> None:
    text = to_srt([{"content": " first \r\n\r\n \u2028second\n\n", "from": 0, "to": 1}])
    assert text == "1\n00:00:00,000 --> 00:00:01,000\nfirst\nsecond\n"


@both
@pytest.mark.parametrize("end", [2, 3])
def test_a_sentence_without_text_becomes_no_subtitle(convert: Any, end: float) -> None:
    silence = {"content": " \n ", "from": 2, "to": end}
    assert convert([silence, *SENTENCES]) == convert(SENTENCES)


@both
def test_subtitles_are_in_the_order_of_their_start_and_may_overlap(convert: Any) -> None:
    first, second = {"content": "a", "from": 1, "to": 5}, {"content": "b", "from": 2, "to": 3}
    assert convert([second, first]) == convert([first, second])
    assert re.findall(r"00:00:0(\d).000 --> 00:00:0(\d)", convert([second, first]).replace(",", ".")) == [
        ("1", "5"),
        ("2", "3"),
    ]


def test_a_time_can_be_a_hundred_hours_or_more() -> None:
    assert "100:00:00.000 --> 100:00:00.001" in to_webvtt([{"content": "a", "from": 360000, "to": 360000.0001}])


@both
@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ({"content": "a", "from": None, "to": 1}, "Sentence 2: from is None instead of a time in seconds"),
        ({"content": "a", "from": 0}, "Sentence 2: to is None instead of a time in seconds"),
        ({"content": "a", "from": "0", "to": 1}, "Sentence 2: from is '0' instead of a time in seconds"),
        ({"content": "a", "from": -0.1, "to": 1}, "Sentence 2: from is -0.1 instead of a time in seconds"),
        ({"content": "a", "from": 0, "to": float("inf")}, "Sentence 2: to is inf instead of a time in seconds"),
        ({"content": "a", "from": 0, "to": float("nan")}, "Sentence 2: to is nan instead of a time in seconds"),
        ({"content": "a", "from": False, "to": 1}, "Sentence 2: from is False instead of a time in seconds"),
        ({"content": "a", "from": 2, "to": 1.5}, "Sentence 2: it ends at 1.5 s, but begins at 2 s"),
        ({"content": "a", "from": 2, "to": 2}, "Sentence 2: it ends at 2 s, but begins at 2 s"),
        ({"text": "a", "from": 0, "to": 1}, "Sentence 2: content is None instead of a string"),
        ("a", "Sentence 2 is not a dict with content, from and to: str"),
    ],
)
def test_the_error_identifies_the_invalid_sentence(convert: Any, sentence: Any, problem: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(problem) + "$"):
        convert([SENTENCES[0], sentence])


@both
@pytest.mark.parametrize("sentences", [None, "text", {"sentences": SENTENCES}, 5])
def test_a_value_that_is_not_an_iterable_of_dicts_is_rejected(convert: Any, sentences: Any) -> None:
    with pytest.raises(ValueError, match=r"^The sentences must be an iterable of dicts, not "):
        convert(sentences)


def parsed_srt(text: str) -> list[tuple[int, int, str]]:
    """Parse SRT as players do: blocks between empty lines, each with a number, the times and the text."""
    cues = []
    for number, block in enumerate(re.split(r"\n{2,}", text.strip("\n")) if text else [], start=1):
        counter, times, *lines = block.split("\n")
        assert int(counter) == number
        assert not any("-->" in line for line in lines)
        start, end = (_milliseconds(one, r"(\d{2,}):(\d\d):(\d\d),(\d{3})") for one in times.split(" --> "))
        cues.append((start, end, "\n".join(lines)))
    return cues


def parsed_webvtt(text: str) -> list[tuple[int, int, str]]:
    """Parse the blocks of WebVTT as its specification describes, and unescape the text."""
    # The only line terminators of WebVTT.
    lines = re.split(r"\r\n|\n|\r", text)
    assert lines[0] == "WEBVTT"
    assert lines[1] == ""
    cues = []
    block: list[str] = []
    for line in [*lines[2:], ""]:
        if line:
            block.append(line)
        elif block:
            times, *content = block
            assert not any("-->" in one or "<" in one for one in content)
            start, end = (_milliseconds(one, r"(\d{2,}):(\d\d):(\d\d)\.(\d{3})") for one in times.split(" --> "))
            cues.append((start, end, html.unescape("\n".join(content))))
            block = []
    return cues


def _milliseconds(time: str, pattern: str) -> int:
    match = re.fullmatch(pattern, time)
    assert match is not None, time
    hours, minutes, seconds, milliseconds = map(int, match.groups())
    assert minutes < 60
    assert seconds < 60
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def expected(sentences: list[dict[str, Any]]) -> list[tuple[float, float, list[str]]]:
    cues = [
        (one["from"], one["to"], [line.strip() for line in one["content"].splitlines() if line.strip()])
        for one in sentences
    ]
    return sorted(((start, end, lines) for start, end, lines in cues if lines), key=lambda cue: round(cue[0] * 1000))


def assert_same(cues: list[tuple[int, int, str]], sentences: list[dict[str, Any]], *, arrow: str) -> None:
    wanted = expected(sentences)
    assert len(cues) == len(wanted)
    for (start, end, text), (start_wanted, end_wanted, lines) in zip(cues, wanted, strict=True):
        assert abs(start - start_wanted * 1000) <= 0.51
        assert abs(end - end_wanted * 1000) <= 1.51
        assert start < end
        assert text == "\n".join(lines).replace("-->", arrow)
    assert [cue[0] for cue in cues] == sorted(cue[0] for cue in cues)


texts = st.text(
    st.one_of(st.sampled_from("<>&;-\n\r 1:,.→"), st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
) | st.sampled_from(["-->", "&amp;", "<i>", "00:00:00,000 --> 00:00:01,000", "1\n\n2", "WEBVTT", "NOTE"])
times = st.floats(0, 400_000).flatmap(lambda start: st.tuples(st.just(start), st.floats(start, 400_001)))
sentences = st.lists(
    st.builds(lambda content, when: {"content": content, "from": when[0], "to": when[1]}, texts, times).filter(
        lambda one: one["to"] > one["from"]
    ),
    max_size=8,
)


@given(sentences)
@example([{"content": "--->-->", "from": 0, "to": 0.0001}])
def test_a_parser_of_srt_reads_the_same_sentences(given: list[dict[str, Any]]) -> None:
    assert_same(parsed_srt(to_srt(given)), given, arrow="→")


@given(sentences)
def test_a_parser_of_webvtt_reads_the_same_sentences(given: list[dict[str, Any]]) -> None:
    assert_same(parsed_webvtt(to_webvtt(given)), given, arrow="-->")


@both
@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize("value", [10**400, 1e308])
def test_a_time_that_exceeds_the_range_of_a_float_is_rejected(convert: Any, field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^Sentence 1: {field} is 1.* instead of a time in seconds$"):
        convert([{"content": "a", "from": 0, "to": 1, field: value}])
