from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ims.media._tree import MAX_NODES, Node, tree
from airflow_provider_ims.media._view import JobView, MediaFile, job_view

BASE = "http://b.oss-cn-shanghai.aliyuncs.com"


def ims_view(result: Any) -> JobView:
    return job_view(result, ids_are_outputs=True)


def files(result: Any) -> list[tuple[str, str | None]]:
    return [(file.kind, file.address) for file in ims_view(result).files]


def test_the_texts_and_tokens_of_text_generation_are_found() -> None:
    view = ims_view({"job_id": "1", "state": "Finished", "texts": ["a", "b"], "usage": {"total_tokens": 200}})
    assert view == JobView(texts=["a", "b"], tokens=200)


def test_an_audio_file_is_found_with_its_sentences() -> None:
    sentences = [{"content": "one", "from": 0.0, "to": 1.5}]
    view = ims_view({"media_id": "m1", "media_url": f"{BASE}/a%20b.mp3", "sentences": sentences})
    assert view.sentences == sentences
    (file,) = view.files
    assert file == MediaFile("audio", f"{BASE}/a%20b.mp3", media_id="m1")
    assert file.name == "a b.mp3"


def test_an_audio_file_without_a_url_is_found_by_its_media_id() -> None:
    view = ims_view({"media_id": "m1", "media_url": None, "sentences": [{"content": "one", "from": 0, "to": 1}]})
    assert view.files == [MediaFile("audio", media_id="m1")]
    assert view.files[0].name == "m1"


def test_the_videos_and_the_failed_parts_of_a_batch_are_found() -> None:
    videos = [{"job_id": str(n), "media_id": f"m{n}", "media_url": f"{BASE}/{n}.mp4", "duration": 15} for n in range(2)]
    failed = [{"index": 2, "error_code": "Bad"}]
    view = ims_view({"videos": videos, "failed": failed})
    assert view.files == [MediaFile("video", f"{BASE}/{n}.mp4", media_id=f"m{n}", duration=15) for n in range(2)]
    assert view.failed == failed


def test_images_are_sorted_by_their_score() -> None:
    images = [{"score": score, "url": f"{BASE}/{score}.gif"} for score in (0.2, 0.9, None, 0.5)]
    result = {"job_id": "1", "video_id": "v1", "images": images}
    found = job_view(result, ids_are_outputs=False).files
    assert [file.score for file in found] == [0.9, 0.5, 0.2, None]
    assert {file.video_id for file in found} == {"v1"}
    assert {file.kind for file in found} == {"image"}


def test_an_image_without_an_extension_is_recognised_by_its_field() -> None:
    assert files({"images": [{"url": f"{BASE}/sign"}]}) == [("image", f"{BASE}/sign")]
    assert files({"output": [f"{BASE}/sign"]}) == [("file", f"{BASE}/sign")]


def test_files_are_found_in_json_strings() -> None:
    content = json.dumps({"zh": {"MediaURL": f"{BASE}/a.mp4", "SubtitleURL": f"{BASE}/a.srt", "MediaId": "m"}})
    assert files({"ai_result": {"VideoTranslationAiResultMap": content}}) == [
        ("video", f"{BASE}/a.mp4"),
        ("subtitles", f"{BASE}/a.srt"),
    ]


INPUTS = (
    "input input_file InputConfig failed failed_parts user_data UserData prompt video_prompt callback_url notify_url"
)
INPUTS += " OverwriteParams ProcessConfig source_url template_config timeline title description"


@pytest.mark.parametrize("field", INPUTS.split())
def test_inputs_and_failed_parts_are_not_outputs(field: str) -> None:
    for value in (f"{BASE}/a.mp4", {"url": f"{BASE}/a.mp4"}, json.dumps({"url": f"{BASE}/a.mp4"})):
        assert files({field: value, "output": {field: value}}) == []


@pytest.mark.parametrize("field", ["SubtitleUrl", "subtitle_url", "resource_url", "output_url", "MediaURL", "zh"])
def test_outputs_with_similar_names_are_files(field: str) -> None:
    assert files({field: f"{BASE}/a.srt"}) == [("subtitles", f"{BASE}/a.srt")]


def test_the_id_of_a_media_asset_of_vod_is_not_an_output() -> None:
    assert job_view({"media_id": "m1", "type": "AIVideoTag"}, ids_are_outputs=False).files == []


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://h/x", "//h/x"]
)
def test_urls_with_other_schemes_are_not_files(address: str) -> None:
    assert files({"media_url": address, "ai_result": [address]}) == []


def test_the_same_file_is_shown_once() -> None:
    assert files({"url": f"{BASE}/a.mp4", "outputs": [{"url": f"{BASE}/a.mp4"}]}) == [("video", f"{BASE}/a.mp4")]


def test_signatures_are_removed() -> None:
    view = ims_view({"ai_result": {"MediaURL": f"{BASE}/a.mp4?Expires=1&OSSAccessKeyId=k&Signature=s"}})
    assert view.files[0].address == f"{BASE}/a.mp4"
    assert view.rest == {"ai_result": {"MediaURL": f"{BASE}/a.mp4"}}


@pytest.mark.parametrize(
    "result", [None, "text", ["list"], 1, {}, {"texts": None}, {"texts": [{"a": 1}]}, {"usage": 1}]
)
def test_unexpected_results_have_no_media(result: Any) -> None:
    view = ims_view(result)
    assert (view.texts, view.sentences, view.files, view.tokens) == ([], [], [], None)


INVALID = (
    "https://[x/a http://[::1/a oss://[x/a https://ex℀mple/a https://ü..x/a https://h:99999/a http://0::/a httpſ://h/a"
)


@pytest.mark.parametrize("address", INVALID.split())
def test_an_invalid_url_is_not_a_file(address: str) -> None:
    assert files({"media_url": address}) == []
    assert MediaFile("video", address).name == address


def test_the_search_for_files_in_nested_json_ends() -> None:
    for levels in range(40):
        text = '{"a":' * levels + json.dumps(f"{BASE}/deep.mp4") + "}" * levels
        for _ in range(12):
            text = '{"a":' * 40 + json.dumps(text) + "}" * 40
        assert files({"value": text}) == []


@pytest.mark.parametrize("tokens", [200, "200", 200.0])
def test_the_number_of_tokens_is_an_integer(tokens: Any) -> None:
    assert ims_view({"usage": {"total_tokens": tokens}}) == JobView(tokens=200)


@pytest.mark.parametrize("tokens", ["many", None, [], {}, float("nan"), 10**400], ids=lambda tokens: str(tokens)[:9])
def test_other_numbers_of_tokens_are_shown_as_recorded(tokens: Any) -> None:
    view = ims_view({"usage": {"total_tokens": tokens}})
    assert view.tokens is None
    assert "usage" in view.rest


def test_the_id_and_the_error_of_a_job_are_not_files() -> None:
    assert files(dict.fromkeys(("job_id", "state", "error_code", "error_message"), f"{BASE}/a.mp4")) == []


def test_empty_fields_are_not_shown() -> None:
    assert ims_view({"usage": None, "texts": [], "sentences": [], "failed": []}) == JobView()


def test_the_times_of_sentences_are_numbers() -> None:
    view = ims_view({"sentences": [{"from": "1.5"}, {"content": 7, "from": "a", "to": float("inf")}]})
    assert view.sentences == [
        {"content": "", "from": 1.5, "to": None},
        {"content": "7", "from": None, "to": None},
    ]


@pytest.mark.parametrize("name", ["sentences", "failed"])
def test_a_list_of_other_values_is_shown_as_recorded(name: str) -> None:
    assert ims_view({name: ["text"]}).rest == {name: ["text"]}


def test_a_file_is_found_only_by_its_reference() -> None:
    view = ims_view({"url": f"{BASE}/a.mp4"})
    assert view.file(view.files[0].ref) == view.files[0]
    assert view.file("other") is None


def test_a_tree_contains_the_fields_of_a_result() -> None:
    assert tree({"a": {"b": [1, "x"]}, "c": None, "d": {}}) == [
        Node("a", children=[Node("b", children=[Node("0", "1"), Node("1", "x")])]),
        Node("d", "{}"),
    ]


def test_a_large_tree_is_shortened() -> None:
    (numbers,) = tree({"numbers": list(range(2 * MAX_NODES))})
    (text,) = tree({"text": "x" * 10_000_000})
    assert len(numbers.children) + numbers.omitted == 2 * MAX_NODES
    assert len(numbers.children) < MAX_NODES
    assert text.value is not None
    assert text.value.endswith("... (10,000,000 characters)")
