from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims.exceptions import ImsUnavailableError

Shown = Callable[[str], dict[str, Any]]
Query = Callable[..., dict[str, Job]]

ID = "******042d5e4db6866f6289d1******"
REQUEST_ID = "******2D-443C-5043-B0E4-867070******"
TIMES = [(0.0, 0.846), (0.846, 3.386), (3.386, 4.402), (4.402, 6.265), (6.265, 10.33)]
SPOKEN = [
    "Speaking of which, he",
    "is now incredibly popular.",
    "Tickets are often very expensive,",
    "but they sell out instantly upon release.",
    "He also participates in various crosstalk variety shows to comment on new performers and has already...",
]
SPOKEN_ON_SUBMIT_PAGE = [
    "Talking about",
    "he is now incredibly popular",
    "Although ticket prices are high",
    "his shows often sell out instantly",
    "In addition, he frequently appears on various comedy programs, where he judges performances by new comedians",
]


def sentences(contents: list[str]) -> list[dict[str, Any]]:
    return [
        {"content": content, "from": start, "to": end} for content, (start, end) in zip(contents, TIMES, strict=True)
    ]


def finished(query: Query, body: dict[str, Any]) -> Job:
    job = query(SMART, body, body["JobId"])[body["JobId"]]
    assert (job.state, job.status) == (JobState.SUCCEEDED, "Finished")
    return job


def response(result: dict[str, Any] | None = None, *, job_type: str = "TextGenerate", **fields: Any) -> dict[str, Any]:
    body = {"JobId": "job", "State": "Finished", "SmartJobInfo": {"JobType": job_type}, "JobResult": result}
    return {**body, **fields}


def test_the_documented_response_of_a_text_generation_is_read(shown: Shown, query: Query) -> None:
    job = finished(query, shown("smart_text"))
    assert job.id == "******8c784f461db57c99c9d9******"
    assert job.request_id == "******AC-5A01-1116-87A4-BF86F2******"
    assert job.result["usage"] == job.usage == {"total_tokens": 200}
    texts = job.result["texts"]
    assert [text.split(" ")[0] for text in texts] == ["Try", "Explore", "For"]
    assert texts[1] == (
        "Explore a new world of desserts. Our new store's cakes feature premium real cream, offering a low-sugar, "
        "non-cloying flavor with rich layers. Each cake tells a sweet story of craftsmanship, waiting for you to "
        "discover."
    )
    assert job.outcome() == {"job_id": job.id, "state": "Finished", **job.result}


@pytest.mark.parametrize(
    ("name", "contents"), [("smart_speech", SPOKEN), ("smart_speech_of_submit_page", SPOKEN_ON_SUBMIT_PAGE)]
)
def test_the_documented_responses_of_audio_productions_are_read(
    shown: Shown, query: Query, name: str, contents: list[str]
) -> None:
    job = finished(query, shown(name))
    assert job == Job(
        id=ID,
        state=JobState.SUCCEEDED,
        status="Finished",
        result={
            "media_id": "******bf47c94e82b3b2014361******",
            "media_url": None,
            "sentences": sentences(contents),
        },
        request_id=REQUEST_ID,
    )


def test_the_documented_response_with_captions_is_read(shown: Shown, query: Query) -> None:
    assert finished(query, shown("smart_captions")).result == {
        "media_id": None,
        "media_url": None,
        "sentences": sentences(SPOKEN),
    }


def test_the_documented_response_with_every_field_is_read(shown: Shown, query: Query) -> None:
    job = finished(query, shown("smart_all_fields"))
    assert job.result == {
        "media_id": "****20b48fb04483915d4f2cd8ac****",
        "media_url": "http://example-bucket.oss-cn-shanghai.aliyuncs.com/example.mp4",
        "sentences": [],
        "ai_result": "拆条或智能标签信息",
    }
    # The response contains an error, which only illustrates the field: the job is Finished and did not fail.
    assert job.outcome()["state"] == "Finished"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Created", JobState.RUNNING),
        ("Executing", JobState.RUNNING),
        ("Finished", JobState.SUCCEEDED),
        ("FINISHED", JobState.SUCCEEDED),
        ("finished", JobState.SUCCEEDED),
        ("Failed", JobState.FAILED),
        ("FAILED", JobState.FAILED),
        ("Suspending", JobState.RUNNING),
        ("", JobState.RUNNING),
        (None, JobState.RUNNING),
        (7, JobState.RUNNING),
    ],
)
def test_each_status_is_mapped_to_a_state(query: Query, status: Any, state: JobState) -> None:
    job = query(SMART, response({}, State=status), "job")["job"]
    assert job.state is state
    assert job.status == ("" if status is None else str(status))


def test_a_running_job_has_no_result_yet(query: Query) -> None:
    body = response({"AiResult": '["half"]'}, State="Executing")
    assert query(SMART, body, "job")["job"].result == {}


def test_a_failed_job_has_the_error_of_the_service(query: Query) -> None:
    body = response(State="Failed", ErrorCode="SpeechTranslationNoValidVocal", ErrorMessage="没有人声")
    job = query(SMART, body, "job")["job"]
    assert (job.error_code, job.error_message) == ("SpeechTranslationNoValidVocal", "没有人声")


@pytest.mark.parametrize(
    ("ai_result", "texts"),
    [
        ('["新店开业", "欢迎"]', ["新店开业", "欢迎"]),
        ("[]", []),
        ("", []),
        (None, []),
        ("no JSON", ["no JSON"]),
        ('"one"', ["one"]),
        ('[1, null, {"scene": "店"}]', ["1", "null", '{"scene": "店"}']),
        ('{"scene": "店"}', ['{"scene": "店"}']),
        (["not", "a string"], ["not", "a string"]),
    ],
)
def test_texts_are_read_from_every_format(query: Query, ai_result: Any, texts: list[str]) -> None:
    body = response({"AiResult": ai_result})
    assert finished(query, body).result == {"texts": texts, "usage": None}


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ('{"total_tokens":200}', {"total_tokens": 200}),
        ('{"total_tokens":"200"}', {"total_tokens": 200}),
        ({"total_tokens": 200}, {"total_tokens": 200}),
        ("{}", None),
        ("[]", None),
        ("none", None),
        ('{"total_tokens":"many"}', None),
        ('{"total_tokens":1e40}', None),
    ],
)
def test_usage_is_read_from_every_format(query: Query, usage: Any, read: dict[str, int] | None) -> None:
    job = finished(query, response({"AiResult": "[]", "Usage": usage}))
    assert job.result["usage"] == job.usage == read


def test_unreadable_sentences_are_returned_as_ai_result(query: Query) -> None:
    body = response({"MediaId": "media", "MediaUrl": "http://a", "AiResult": '{"other": 1}'}, job_type="TextToSpeech")
    assert finished(query, body).result == {
        "media_id": "media",
        "media_url": "http://a",
        "sentences": [],
        "ai_result": {"other": 1},
    }


def test_a_finished_job_without_a_result_has_an_empty_result(query: Query) -> None:
    assert finished(query, response(None)).result == {"texts": [], "usage": None}
    assert finished(query, response(None, job_type="TextToSpeech")).result["sentences"] == []
    assert finished(query, response(None, SmartJobInfo=None)).result["ai_result"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"State": "Finished"},
        {"JobId": "job"},
        {"JobId": "job", "State": "Finished", "SmartJobInfo": "text"},
        {"JobId": "job", "State": "Finished", "JobResult": ["list"]},
    ],
)
def test_an_unexpected_response_format_is_a_transient_error(query: Query, body: dict[str, Any]) -> None:
    with pytest.raises(ImsUnavailableError, match="Unexpected response format") as failed:
        query(SMART, {**body, "RequestId": "r"}, "job")
    assert (failed.value.action, failed.value.request_id) == ("GetSmartHandleJob", "r")


def test_an_empty_response_means_that_the_job_is_unknown(query: Query) -> None:
    assert query(SMART, {"RequestId": "r"}, "job") == {}


def test_the_result_contains_no_signature(query: Query) -> None:
    address = "http://b.oss-cn-shanghai.aliyuncs.com/a.mp3"
    body = {
        "JobId": ID,
        "State": "Finished",
        "SmartJobInfo": {"JobType": "TextToSpeech"},
        "JobResult": {"MediaId": "m", "MediaUrl": f"{address}?Expires=1&OSSAccessKeyId=x&Signature=secret"},
    }
    assert finished(query, body).result["media_url"] == address
