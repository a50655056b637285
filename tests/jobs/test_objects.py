from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ims._jobs.objects import OssObject, first_url, oss_objects, unsigned


@pytest.mark.parametrize(
    ("address", "bucket", "key"),
    [
        ("oss://videos/2026/a.mp4", "videos", "2026/a.mp4"),
        ("oss://videos.oss-cn-shanghai.aliyuncs.com/2026/a.mp4", "videos", "2026/a.mp4"),
        ("https://videos.oss-cn-shanghai.aliyuncs.com/a.mp4", "videos", "a.mp4"),
        ("http://videos.oss-cn-shanghai-internal.aliyuncs.com/a.mp4", "videos", "a.mp4"),
        ("https://videos.oss-accelerate.aliyuncs.com/%E8%9B%8B/a.mp4", "videos", "%E8%9B%8B/a.mp4"),
        ("https://videos.oss-cn-shanghai.aliyuncs.com/a.mp4?OSSAccessKeyId=x&Signature=y", "videos", "a.mp4"),
    ],
)
def test_an_object_is_found_by_each_of_its_urls(address: str, bucket: str, key: str) -> None:
    assert list(oss_objects({"media_url": address})) == [OssObject(bucket, key)]
    assert OssObject(bucket, key).uri == f"oss://{bucket}/{key}"


def test_both_spellings_of_a_key_have_the_same_uri() -> None:
    named = ["oss://videos/蛋糕/a.mp4", "https://videos.oss-cn-shanghai.aliyuncs.com/%E8%9B%8B%E7%B3%95/a.mp4"]
    assert {one.uri for one in oss_objects(named)} == {"oss://videos/%E8%9B%8B%E7%B3%95/a.mp4"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "蛋糕",
        "https://cdn.example.com/a.mp4",
        "https://videos.oss-cn-shanghai.aliyuncs.com/",
        "https://videos.oss-cn-shanghai.aliyuncs.com.example.com/a.mp4",
        "oss://videos",
        "see oss://videos/a.mp4",
        # A request contains this pattern for the names of files that the service creates.
        "https://videos.oss-cn-shanghai.aliyuncs.com/{index}.mp4",
        None,
        7,
    ],
)
def test_values_that_do_not_identify_an_object_are_ignored(text: Any) -> None:
    assert oss_objects({"media_url": text}) == {}


def test_nested_objects_are_found_once_and_in_order() -> None:
    result = {
        "videos": [{"media_url": "oss://b/2"}, {"media_url": "oss://b/1"}, {"media_url": "oss://b/2"}],
        "ai_result": json.dumps({"clips": ["oss://b/3"]}),
        "invalid": "{not JSON",
    }
    assert [one.key for one in oss_objects(result)] == ["2", "1", "3"]


def test_fields_can_be_ignored_by_a_part_of_their_names() -> None:
    request = {
        "InputConfig": json.dumps({"MediaArray": ["oss://b/in"]}),
        "OutputConfig": {"MediaURL": "oss://b/out"},
        "Job": {"Input": "oss://b/other", "OutputFile": {"Url": "oss://b/out"}},
    }
    assert [one.key for one in oss_objects(request, without="output")] == ["in", "other"]


def test_the_first_url_is_returned_without_its_signature() -> None:
    result = {
        "media_id": "m",
        "images": [{"url": "https://cdn.example.com/a.jpg?auth_key=secret"}, {"url": "http://b/"}],
    }
    assert first_url(result) == "https://cdn.example.com/a.jpg"
    assert first_url({"texts": ["see https://example.com"], "usage": {"total_tokens": 3}}) is None


@pytest.mark.parametrize(
    "query",
    [
        "Expires=1&OSSAccessKeyId=STS.x&Signature=secret%3D",
        "x-oss-credential=STS.x%2F2026&x-oss-signature=secret",
        "security-token=secret",
        "auth_key=1-0-0-secret",
    ],
)
def test_signatures_are_removed(query: str) -> None:
    signed = f"https://b.oss-cn-shanghai.aliyuncs.com/a.mp4?{query}"
    result = {"media_url": signed, "videos": [{"media_url": signed}], "raw": json.dumps({"url": signed, "n": 1})}
    address = "https://b.oss-cn-shanghai.aliyuncs.com/a.mp4"
    assert unsigned(result) == {
        "media_url": address,
        "videos": [{"media_url": address}],
        "raw": json.dumps({"url": address, "n": 1}),
    }


@pytest.mark.parametrize(
    "value",
    ["https://example.com/a?x-oss-process=image/resize", "https://example.com/Signature=1", "Signature=x", 7, None],
)
def test_values_without_a_signature_are_unchanged(value: Any) -> None:
    assert unsigned({"media_url": value}) == {"media_url": value}
