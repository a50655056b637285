from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims.emulator import results

WORDS = st.text(min_size=1, max_size=200).filter(str.strip)


def parameters(keywords="蛋糕,奶油", length=100, count=3, kind="MarketingCopy"):
    config = {"keywords": keywords, "textLength": length, "targetCount": count}
    return {"Type": kind, "GenerateConfig": json.dumps(config)}


@given(WORDS, st.integers(5, 1000), st.integers(1, 20))
def test_as_many_copies_as_asked_for_and_none_too_long(keywords, length, count):
    written = results.texts(parameters(keywords, length, count))
    assert len(written) == count
    assert all(0 < len(text) <= length for text in written)


def test_copies_use_every_keyword_in_its_language():
    for chinese in results.texts(parameters("新店蛋糕，动物奶油", 100)):
        assert "新店蛋糕" in chinese
        assert "动物奶油" in chinese
        assert chinese.isascii() is False
    for english in results.texts(parameters("new cake shop, real cream", 200)):
        assert "new cake shop" in english
        assert "real cream" in english
        assert english.isascii()


def test_copies_differ():
    assert len(set(results.texts(parameters(count=5)))) == 5


def test_titles_are_short():
    assert all(len(title) <= 30 for title in results.texts(parameters(length=500, kind="Title")))


def test_a_storyboard_has_the_scenes_of_its_text():
    script = {"GenerateConfig": json.dumps({"originText": "新店开业。大家都来，看一看！"})}
    assert results.texts(script) == ["1. 新店开业", "2. 大家都来", "3. 看一看"]


@given(WORDS, WORDS)
def test_more_text_costs_no_fewer_tokens(text, more):
    assert 0 < results.total_tokens([text]) <= results.total_tokens([text + more]) + 1
    assert results.total_tokens([text, more]) > results.total_tokens([text])


@given(WORDS, st.integers(-500, 500))
def test_sentences_follow_one_another_without_a_gap(text, rate):
    said = results.sentences(text, rate)
    assert said[0]["from"] == 0
    assert all(sentence["from"] < sentence["to"] for sentence in said)
    assert all(left["to"] == right["from"] for left, right in itertools.pairwise(said))


@pytest.mark.parametrize(("rate", "factor"), [(500, 0.5), (-500, 2.0), (-125, 1.25), (166, 0.834)])
def test_the_pace_follows_the_documented_speech_rate(rate, factor):
    text = "这是一段用来朗读的中文文字"
    usual, changed = (results.sentences(text, each)[-1]["to"] for each in (0, rate))
    assert changed == pytest.approx(usual * factor, rel=1e-3)


def test_the_tags_of_ssml_are_not_spoken():
    said = results.sentences('<speak>你好，<break time="1s"/>世界 &amp; 我们。</speak>', 0)
    assert [sentence["content"] for sentence in said] == ["你好", "世界 & 我们"]


@pytest.mark.parametrize(
    ("config", "seconds", "url"),
    [
        ({"MediaURL": "http://b/{index}.mp4", "MaxDuration": 20}, 20.0, "http://b/4.mp4"),
        ({"MediaURL": "http://b/{index}.mp4", "MaxDuration": 20, "FixedDuration": 7.5}, 7.5, "http://b/4.mp4"),
        ({"MediaURL": "http://b/one.mp4"}, results.DEFAULT_VIDEO_SECONDS, "http://b/one.mp4"),
        (
            {"StorageLocation": "vod-bucket", "FileName": "v_{index}.mp4"},
            results.DEFAULT_VIDEO_SECONDS,
            "http://vod-bucket.oss-cn-beijing.aliyuncs.com/v_4.mp4",
        ),
    ],
)
def test_a_video_has_the_length_and_place_asked_for(config, seconds, url):
    video = results.video("job", {"OutputConfig": json.dumps(config)}, 4, "cn-beijing")
    assert (video["Duration"], video["MediaURL"]) == (seconds, url)


def test_results_are_the_same_each_time_and_others_for_another_job():
    assert results.images("job", "video", "cn-shanghai") == results.images("job", "video", "cn-shanghai")
    assert results.images("job", "video", "cn-shanghai") != results.images("other", "video", "cn-shanghai")
    scores = [image["Score"] for image in results.images("job", "video", "cn-shanghai")]
    assert scores == sorted(scores, reverse=True)


def test_a_storyboard_is_written_from_its_text_whatever_else_is_given() -> None:
    config = '{"keywords": "x", "originText": "A shop opens."}'
    (scene,) = results.texts({"Type": "StoryboardScript", "GenerateConfig": config})
    assert "A shop opens" in scene
