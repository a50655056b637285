from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims.jobs.payload import first_text, normalize, snake_case, walk_path


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
    ],
)
def test_a_name_of_the_api_in_snake_case(name: str, argument: str) -> None:
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
def test_a_path_leads_through_objects_lists_and_json_strings(path: str, found: list[Any]) -> None:
    assert list(walk_path({"A": {"B": [{"C": 1}, {"C": 2}, 3]}, "J": '{"K":"v"}'}, path)) == found


def test_the_first_text_at_the_end_of_a_path() -> None:
    value = {"Jobs": [{"Message": None}, {"Message": ""}, {"Message": "坏了"}, {"Message": "more"}]}
    assert first_text(value, "Jobs[].Message") == "坏了"
    assert first_text(value, "Jobs[].Code") is None
    assert first_text(value, "") is None


def test_names_become_snake_case_but_not_those_inside_json_strings() -> None:
    value = {"MediaURL": "http://a", "OutputFiles": ["b", ""], "Result": '{"ErrorCode":1}', "Odd": "{no JSON"}
    assert normalize(value) == {
        "media_url": "http://a",
        "output_files": ["b", None],
        "result": {"ErrorCode": 1},
        "odd": "{no JSON",
    }
