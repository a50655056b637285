from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims.emulator.api import texts

WORDS = st.text(min_size=1, max_size=200).filter(str.strip)


def parameters(
    keywords: str = "蛋糕,奶油", length: int = 100, count: int = 3, text_type: str = "MarketingCopy"
) -> dict[str, str]:
    config = {"keywords": keywords, "textLength": length, "targetCount": count}
    return {"Type": text_type, "GenerateConfig": json.dumps(config)}


@given(WORDS, st.integers(5, 1000), st.integers(1, 20))
def test_the_number_of_texts_is_targetcount_and_none_is_too_long(keywords: str, length: int, count: int) -> None:
    generated = texts.texts(parameters(keywords, length, count))
    assert len(generated) == count
    assert all(0 < len(text) <= length for text in generated)


def test_texts_contain_every_keyword_in_its_language() -> None:
    for chinese in texts.texts(parameters("新店蛋糕，动物奶油", 100)):
        assert "新店蛋糕" in chinese
        assert "动物奶油" in chinese
        assert chinese.isascii() is False
    for english in texts.texts(parameters("new cake shop, real cream", 200)):
        assert "new cake shop" in english
        assert "real cream" in english
        assert english.isascii()


def test_texts_differ() -> None:
    assert len(set(texts.texts(parameters(count=5)))) == 5


def test_titles_are_short() -> None:
    assert all(len(title) <= 30 for title in texts.texts(parameters(length=500, text_type="Title")))


def test_a_storyboard_has_the_scenes_of_its_text() -> None:
    script = {"GenerateConfig": json.dumps({"originText": "新店开业。大家都来，看一看！"})}
    assert texts.texts(script) == ["1. 新店开业", "2. 大家都来", "3. 看一看"]


@given(WORDS, WORDS)
def test_the_number_of_tokens_grows_with_the_texts(text: str, more: str) -> None:
    # Up to four characters may not add a token.
    assert 0 < texts.total_tokens([text]) <= texts.total_tokens([text + more]) < texts.total_tokens([text + more * 5])
    assert texts.total_tokens([text, more]) > texts.total_tokens([text])


@given(WORDS, st.integers(-500, 500))
def test_sentences_follow_each_other_without_a_gap(text: str, rate: int) -> None:
    spoken = texts.sentences(text, rate)
    assert spoken[0]["from"] == 0
    assert all(sentence["from"] < sentence["to"] for sentence in spoken)
    assert all(left["to"] == right["from"] for left, right in itertools.pairwise(spoken))


@pytest.mark.parametrize(("rate", "factor"), [(500, 0.5), (-500, 2.0), (-125, 1.25), (166, 0.834)])
def test_the_duration_depends_on_the_speech_rate_as_documented(rate: int, factor: float) -> None:
    text = "这是一段用来朗读的中文文字"
    usual, changed = (texts.sentences(text, each)[-1]["to"] for each in (0, rate))
    assert changed == pytest.approx(usual * factor, rel=1e-3)


def test_ssml_tags_are_not_spoken() -> None:
    spoken = texts.sentences('<speak>你好，<break time="1s"/>世界 &amp; 我们。</speak>', 0)
    assert [sentence["content"] for sentence in spoken] == ["你好", "世界 & 我们"]


def test_a_storyboard_ignores_keywords() -> None:
    config = '{"keywords": "x", "originText": "A shop opens."}'
    (scene,) = texts.texts({"Type": "StoryboardScript", "GenerateConfig": config})
    assert "A shop opens" in scene
