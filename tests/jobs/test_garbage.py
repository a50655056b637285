"""Any response of a service results in jobs that can be serialised, or in a transient error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kinds import FAMILIES as ALL_FAMILIES
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims.exceptions import ImsUnavailableError, error_as_dict

pytestmark = pytest.mark.slow

Query = Callable[..., dict[str, Job]]

FAMILIES = [SMART, BATCH, AI_IMAGE]

# Values that json.loads can return: numbers of any size, Infinity and NaN, and characters that UTF-8 cannot encode.
characters = st.characters() | st.characters(categories=["Cs"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(characters)
anything = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(characters), inner))
# The same values as JSON inside a string, as the services return them. Python's json module also accepts numbers that
# JSON does not define.
written = anything.map(json.dumps) | st.sampled_from(["[1e999]", "-Infinity", '["\\ud800"]', "[" * 5000, '{"a":1e40}'])
loose = anything | written


@st.composite
def mostly(draw: st.DrawFn, usual: st.SearchStrategy[Any]) -> Any:
    """Build expected values, and sometimes any values. A response with only random fields would be rejected early."""
    return draw(loose if draw(st.integers(0, 4)) == 4 else usual)


@st.composite
def shaped(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> Any:
    """Build objects in the documented format, mostly complete."""
    deviation = draw(st.integers(0, 5))
    if deviation == 5:
        return draw(loose)
    absent = draw(st.sets(st.sampled_from(sorted(fields)))) if deviation == 4 else ()
    return {name: draw(value) for name, value in fields.items() if name not in absent}


def listed(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Build lists, and JSON strings that contain lists."""
    several = st.lists(items, max_size=3)
    return mostly(several | several.map(json.dumps))


ids = mostly(st.just("a"))
ends = mostly(st.sampled_from(["Finished", "Failed", "success", "fail"]))
numbers = mostly(st.sampled_from(["1", "0.5", "1e40", str(10**30), "nan"]))
tokens = st.fixed_dictionaries({"total_tokens": numbers})
errors = st.fixed_dictionaries({"ErrorCode": loose, "ErrorMessage": loose})

SMART_BODY = shaped(
    RequestId=loose,
    JobId=ids,
    State=ends,
    ErrorCode=loose,
    ErrorMessage=loose,
    SmartJobInfo=shaped(JobType=mostly(st.sampled_from(["TextGenerate", "TextToSpeech", "ASR"]))),
    JobResult=shaped(
        AiResult=loose | listed(shaped(content=loose, **{"from": numbers, "to": numbers})),
        Usage=loose | tokens | tokens.map(json.dumps),
        MediaId=loose,
        MediaUrl=loose,
    ),
)
BATCH_BODY = shaped(
    RequestId=loose,
    EditingBatchJob=shaped(
        JobId=ids,
        Status=ends,
        Extend=loose | errors | errors.map(json.dumps),
        ExtendOutput=loose,
        SubJobList=mostly(
            st.lists(
                shaped(
                    JobId=loose,
                    MediaId=loose,
                    MediaURL=loose,
                    Status=mostly(st.sampled_from(["Success", "Failed"])),
                    Duration=numbers,
                    ErrorCode=loose,
                    ErrorMessage=loose,
                ),
                max_size=3,
            )
        ),
    ),
)
AI_IMAGE_BODY = shaped(
    RequestId=loose,
    AIImageJobList=mostly(
        st.lists(
            shaped(
                JobId=ids,
                Status=ends,
                Code=loose,
                Message=loose,
                VideoId=loose,
                AIImageResult=listed(shaped(Score=numbers, Url=loose)),
            ),
            max_size=3,
        )
    ),
)
BODIES = {"smart": SMART_BODY, "batch": BATCH_BODY, "ai_image": AI_IMAGE_BODY}


def check_serializable(data: Any) -> None:
    """Check that data survives the formats in which Airflow sends an event: JSON and MessagePack."""
    assert json.loads(json.dumps(data, ensure_ascii=False, allow_nan=False).encode()) == data
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(data)) == data


def check(query: Query, family: JobFamily, body: dict[str, Any]) -> None:
    try:
        jobs = query(family, body, *"ab"[: family.ids_per_query])
    except ImsUnavailableError as error:
        check_serializable(error_as_dict(error))
        return
    assert set(jobs) <= {"a", "b"}
    for job_id, job in jobs.items():
        assert job.id == job_id
        check_serializable(job.as_dict())
        assert Job.from_dict(job.as_dict()) == job
        assert job.ended or not job.result


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@given(data=st.data())
def test_any_response_is_read_as_jobs_or_as_a_transient_error(
    query: Query, family: JobFamily, data: st.DataObject
) -> None:
    # The hook returns only JSON objects.
    check(query, family, data.draw(BODIES[family.name].filter(lambda body: isinstance(body, dict))))


def body_of(family: JobFamily) -> st.SearchStrategy[Any]:
    """Build responses for a family: mostly in the documented format, with random deviations."""
    paths = [path.rpartition("=")[2] for path in family.result]
    fields = {path.partition(".")[0].removesuffix("[]") for path in (*family.error, *paths)}
    words = st.sampled_from([*family.running, *family.succeeded, *family.failed])
    content: dict[str, st.SearchStrategy[Any]] = {name: loose for name in fields if name}
    content |= {family.status: mostly(words)} | ({family.job_id: ids} if family.job_id else {})
    if family.refine is not None:
        content |= {name: listed(shaped(JobId=loose, Status=loose, Output=loose)) for name in PARTS}
    body = shaped(RequestId=loose, **content)
    for step in reversed(family.jobs.split(".") if family.jobs else ()):
        inner = mostly(st.lists(body, max_size=3)) if step.endswith("[]") else body
        body = shaped(RequestId=loose, **{step.removesuffix("[]"): inner})
    return body.filter(lambda built: isinstance(built, dict))


PARTS = ("TranscodeJobList", "TranscodeJobInfoList", "JobResult", "AIImageResult")


@pytest.mark.parametrize("family", ALL_FAMILIES.values(), ids=ALL_FAMILIES)
@settings(max_examples=40)
@given(data=st.data())
def test_any_response_of_any_family_is_read_as_jobs_or_as_a_transient_error(
    query: Query, family: JobFamily, data: st.DataObject
) -> None:
    check(query, family, data.draw(body_of(family)))


def nested(depth: int) -> Any:
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [10, 100, 1_000, 100_000])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_deep_nesting_is_read_or_a_transient_error(query: Query, family: JobFamily, depth: int) -> None:
    for deep in (nested(depth), "[" * depth + "]" * depth):
        fields = dict.fromkeys(("Code", "Message", "AIImageResult", "VideoId", "ErrorMessage", "RequestId"), deep)
        for name, success in (("State", "Finished"), ("Status", "success"), ("Status", deep)):
            job = {"JobId": "a", name: success, **fields}
            body = {
                "SmartJobInfo": {"JobType": "ASR"},
                "JobResult": {"AiResult": deep, "Usage": deep, "MediaId": deep},
                "EditingBatchJob": {**job, "Status": "Finished", "ExtendOutput": deep, "Extend": deep},
                "AIImageJobList": [job],
            }
            check(query, family, {**job, **body})
