from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims._jobs.payload import first_text, normalize, read_fields, snake_case, walk_path


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("JobId", "job_id"),
        ("AITemplateId", "ai_template_id"),
        ("DBId", "db_id"),
        ("DNAResult", "dna_result"),
        ("MediaURL", "media_url"),
        ("DemoAudioMediaURL", "demo_audio_media_url"),
        ("Avg_fps", "avg_fps"),
        ("bucket", "bucket"),
        ("UploadURLs", "upload_urls"),
        ("MediaIDs", "media_ids"),
    ],
)
def test_a_name_of_the_api_is_converted_to_snake_case(name: str, argument: str) -> None:
    assert snake_case(name) == argument


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", [{"A": {"B": [{"C": 1}, {"C": 2}, 3]}, "J": '{"K":"v"}'}]),
        ("A.B[].C", [1, 2, None]),
        ("J.K", ["v"]),
        ("X.Y", [None]),
        ("A[].B", []),
        ("A.B.C", [None]),
    ],
)
def test_a_path_traverses_objects_lists_and_json_strings(path: str, found: list[Any]) -> None:
    assert list(walk_path({"A": {"B": [{"C": 1}, {"C": 2}, 3]}, "J": '{"K":"v"}'}, path)) == found


def test_the_first_text_at_a_path_is_returned() -> None:
    value = {"Jobs": [{"Message": None}, {"Message": ""}, {"Message": "坏了"}, {"Message": "more"}]}
    assert first_text(value, "Jobs[].Message") == "坏了"
    assert first_text(value, "Jobs[].Code") is None
    assert first_text(value, "") is None


def test_names_become_snake_case_but_not_those_inside_json_strings() -> None:
    value = {"MediaURL": "http://a", "OutputFiles": ["b", ""], "Result": '{"ErrorCode":1}', "Invalid": "{no JSON"}
    assert normalize(value) == {
        "media_url": "http://a",
        "output_files": ["b", None],
        "result": {"ErrorCode": 1},
        "invalid": "{no JSON",
    }


def test_fields_are_read_as_texts_and_numbers_under_their_names_in_snake_case() -> None:
    value = {"JobId": 7, "Output": {"Media": "", "Url": "http://a"}, "Width": "640", "Duration": 1.5, "Height": "high"}
    assert read_fields(value, "JobId", "url=File.Url|Output.Url", "Output.Media", "Width", "Duration", "Height") == {
        "job_id": "7",
        "url": "http://a",
        "media": None,
        "width": 640,
        "duration": 1.5,
        "height": None,
    }
