"""
Smart jobs: text generation, audio production and the others that ``GetSmartHandleJob`` tells of.

Every job type has its own result in ``JobResult.AiResult``, a JSON string; the examples are on
https://help.aliyun.com/document_detail/440953.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.listing import Listing
from airflow_provider_ims.jobs.payload import number, objects, parsed, text, usage, written
from airflow_provider_ims.jobs.search import search_in


def _texts(job_result: Mapping[str, Any]) -> dict[str, Any]:
    ai_result = parsed(job_result.get("AiResult"))
    if isinstance(ai_result, list):
        texts = [written(item) for item in ai_result]
    else:
        texts = [written(ai_result)] if ai_result else []
    return {"texts": texts, "usage": usage(job_result.get("Usage"))}


def _speech(job_result: Mapping[str, Any]) -> dict[str, Any]:
    ai_result = parsed(job_result.get("AiResult"))
    sentences = objects(ai_result)
    result: dict[str, Any] = {
        "media_id": text(job_result.get("MediaId")),
        "media_url": text(job_result.get("MediaUrl")),
        "sentences": [
            {
                "content": text(sentence.get("content")) or "",
                "from": number(sentence.get("from")),
                "to": number(sentence.get("to")),
            }
            for sentence in sentences or ()
        ],
    }
    if sentences is None and ai_result:
        result["ai_result"] = ai_result
    return result


def _other(job_result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "media_id": text(job_result.get("MediaId")),
        "media_url": text(job_result.get("MediaUrl")),
        "ai_result": parsed(job_result.get("AiResult")),
        "usage": usage(job_result.get("Usage")),
    }


#: JobType -> how its result is read.
RESULT_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = MappingProxyType(
    {"TextGenerate": _texts, "TextToSpeech": _speech}
)


def _read(family: JobFamily, body: Mapping[str, Any]) -> Iterator[Job]:
    status = text(body["State"]) or ""
    state = family.state_of(status)
    result: dict[str, Any] = {}
    if state is JobState.SUCCEEDED:
        job_type = str((body.get("SmartJobInfo") or {}).get("JobType"))
        result = RESULT_READERS.get(job_type, _other)(body.get("JobResult") or {})
    yield Job(
        id=text(body["JobId"]) or "",
        state=state,
        status=status,
        result=result,
        error_code=text(body.get("ErrorCode")),
        error_message=text(body.get("ErrorMessage")),
        request_id=text(body.get("RequestId")),
    )


_LISTING = Listing(
    action="ListSmartJobs",
    items="SmartJobList",
    status="JobState",
    with_status="JobState",
    newest_first="CreationTime:Desc",
    oldest_first="CreationTime:Asc",
)

SMART = JobFamily(
    name="smart",
    query_action="GetSmartHandleJob",
    id_parameter="JobId",
    ids_per_query=1,
    first_status="Created",
    end_states=MappingProxyType({"finished": JobState.SUCCEEDED, "failed": JobState.FAILED}),
    read=_read,
    # Whether text jobs are listed is not documented: where they are not, a lost one is not found.
    search=search_in(_LISTING),
    search_lag=30,
    listing=_LISTING,
    unfinished=("Created", "Executing"),
)
