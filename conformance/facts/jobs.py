"""Facts about submit requests, states and queries, for every kind of job."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.facts.fact import Evidence, Fact, NotTestedError, Observed, api_page, field_problems, require_response
from conformance.jobs import IMAGE_REGIONS, JOBS, JobPlan, JobRun
from conformance.service import PRODUCTS, Response

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SMART_PAGE = "https://help.aliyun.com/document_detail/440953.html"
_SMART = {"RequestId": str, "JobId": str, "State": str, "UserData": str, "JobResult.AiResult": str} | {
    f"SmartJobInfo.{name}": str for name in ("Title", "JobType", "CreateTime", "ModifiedTime")
}
_TIMES = ("CreateTime", "ModifiedTime", "CompleteTime")
_BATCH = ("JobId", "JobType", "Status", "InputConfig", "OutputConfig", "UserData", *_TIMES)
_RESULT = ("Status", "Code", "Message", "AIImageResult")
_IMAGE = ("JobId", "CreationTime", "VideoId", "TemplateId", "TemplateConfig", "UserData", *_RESULT)

Fields = Mapping[str, type | tuple[type, ...]]

#: The documented fields of the response to a submit request.
SUBMIT_FIELDS: Mapping[str, Fields] = {
    "text": {"RequestId": str, "JobId": str},
    "speech": {"RequestId": str, "JobId": str, "State": str, "MediaId": str},
    "batch": {"RequestId": str, "JobId": str},
    "image": {"RequestId": str, "JobId": str},
}
#: The fields of a finished job in the documented examples.
JOB_FIELDS: Mapping[str, Fields] = {
    "text": {**_SMART, "JobResult.Usage": str},
    "speech": {
        **_SMART,
        "JobResult.MediaId": str,
        "SmartJobInfo.InputConfig.InputFile": str,
        "SmartJobInfo.OutputConfig.Bucket": str,
        "SmartJobInfo.OutputConfig.Object": str,
    },
    "batch": {f"EditingBatchJob.{name}": str for name in _BATCH}
    | {f"EditingBatchJob.SubJobList[].{name}": str for name in ("JobId", "ProjectId", "Status", "MediaId", "MediaURL")}
    | {"EditingBatchJob.SubJobList[].Duration": (int, float)},
    "image": {f"AIImageJobList[].{name}": str for name in _IMAGE},
}
#: The field of the job whose object contains the creation time; empty if the job itself contains it.
CREATED = {"text": "SmartJobInfo", "speech": "SmartJobInfo", "batch": "", "image": ""}


def _accepted(plan: JobPlan, evidence: Evidence) -> Observed:
    body = _submitted(evidence.accepted(plan.name)).body
    problems = field_problems(body, SUBMIT_FIELDS[plan.name])
    return Observed(", ".join(problems) or ", ".join(sorted(body)), not problems)


def _submit_state(evidence: Evidence) -> Observed:
    state = _submitted(evidence.accepted("speech")).body.get("State")
    return Observed(str(state), state in sum(JOBS[1].states, ()))


def _first_query(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.accepted(plan.name)
    first = job.polls[0]
    after = f"{first.time - _submitted(job).time:.1f} s after the submission"
    if not first.ok:
        return Observed(f"no: {first.error}, {after}")
    found = plan.job_in(first.body, job.job_id)
    return Observed(f"yes: {found.get(plan.state) or 'without a state'}, {after}" if found else f"no job, {after}")


def _found(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.accepted(plan.name)
    if not job.last:
        require_response(job.polls[-1])
    return Observed(f"in {len(list(job.jobs))} of {len(job.polls)} responses", bool(job.last))


def _states(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.polled(plan.name)
    known = {*plan.states[0], *plan.states[1]}
    return Observed(_words(job.states), set(job.states) <= known)


def _end_state(evidence: Evidence) -> Observed:
    job = evidence.ended("image")
    return Observed(job.states[-1], job.states[-1] in job.plan.states[1])


def _running_image(evidence: Evidence) -> Observed:
    job = evidence.accepted("image")
    running = [poll for poll in job.polls if not job.has_ended(job.plan.job_in(poll.body, job.job_id))]
    if not running:
        raise NotTestedError("the job had ended at the first query")
    found = [job.plan.job_in(poll.body, job.job_id) for poll in running]
    texts = ["no job in the response" if not one else str(one.get("Status") or "no Status") for one in found]
    return Observed(", then ".join(dict.fromkeys(texts)))


def _duration(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.polled(plan.name)
    if job.ended is None:
        return Observed(job.problem or "it was still running at the end of the run")
    return Observed(f"{job.ended - _submitted(job).time:.1f} s")


def _user_data(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.polled(plan.name)
    sent, found = _submitted(job).parameters["UserData"], job.last.get("UserData")
    if not found:
        return Observed("no UserData", holds=False)
    same = json.loads(found) == json.loads(sent)
    return Observed("the same text" if found == sent else "the same JSON" if same else "other content", same)


def _fields(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.finished(plan.name)
    problems = field_problems(job.polls[-1].body, JOB_FIELDS[plan.name])
    return Observed(", ".join(problems) or f"all {len(JOB_FIELDS[plan.name])} fields", not problems)


def _extra_fields(plan: JobPlan, evidence: Evidence) -> Observed:
    body = evidence.polled(plan.name).polls[-1].body
    model = getattr(PRODUCTS[plan.product][1], f"{plan.query}ResponseBody")
    return Observed(", ".join(extra_fields(body, model().from_map(dict(body)).to_map())) or "none")


def extra_fields(found: Any, known: Any, path: str = "") -> list[str]:
    """Return the paths of the fields that the model of the SDK does not define."""
    if isinstance(found, dict) and isinstance(known, dict):
        missing = [f"{path}{name}" for name in found if name not in known]
        both = [name for name in found if name in known]
        return missing + [one for name in both for one in extra_fields(found[name], known[name], f"{path}{name}.")]
    if isinstance(found, list) and isinstance(known, list):
        pairs = zip(found, known, strict=False)
        return list(dict.fromkeys(one for pair in pairs for one in extra_fields(*pair, path)))
    return []


def _times(plan: JobPlan, evidence: Evidence) -> Observed:
    job: Mapping[str, Any] = evidence.polled(plan.name).last
    info = job.get(CREATED[plan.name], {}) if CREATED[plan.name] else job
    found = str(info.get("CreationTime") or info.get("CreateTime"))
    return Observed(found, TIME.fullmatch(found) is not None)


def _other_region(plan: JobPlan, evidence: Evidence) -> Observed:
    job, access = evidence.accepted(plan.name), evidence.service.access
    other = next(region for region in IMAGE_REGIONS if region != access.region_id)
    parameters = {plan.id_parameter: job.job_id}
    response = evidence.service.send(plan.product, plan.query, parameters, access=replace(access, region_id=other))
    if not require_response(response).ok:
        return Observed(f"no: {response.error}")
    return Observed("yes" if plan.job_in(response.body, job.job_id) else "no: no job in the response")


def _repeated(evidence: Evidence) -> Observed:
    job = evidence.accepted("batch")
    if job.repeat is None:
        raise NotTestedError("the submit request was not repeated")
    if not require_response(job.repeat).ok:
        return Observed(job.repeat.error, holds=False)
    same = job.repeat.body.get("JobId") == job.job_id
    return Observed("the same JobId" if same else "another JobId", same)


def _submitted(job: JobRun) -> Response:
    assert job.submit is not None
    return job.submit


def _words(states: list[str]) -> str:
    return ", then ".join(state or "no state" for state in states)


def _per_job(
    name: str,
    statement: str,
    check: Callable[[JobPlan, Evidence], Observed],
    documented: Callable[[JobPlan], str] = lambda _: "",
    *,
    of_submit: bool = False,
) -> tuple[Fact, ...]:
    """Return one fact for each job. A fact is undocumented if ``documented`` returns an empty string."""
    return tuple(
        Fact(
            name=f"{name}.{plan.name}",
            statement=statement.format(submit=plan.action, query=plan.query),
            documented=documented(plan),
            source=api_page(plan.product, plan.action if of_submit else plan.query) if documented(plan) else "",
            check=partial(check, plan),
        )
        for plan in JOBS
    )


FACTS = (
    *_per_job(
        "submit.fields",
        "The response to `{submit}` has the documented fields.",
        _accepted,
        lambda plan: ", ".join(SUBMIT_FIELDS[plan.name]),
        of_submit=True,
    ),
    Fact(
        name="submit.state.speech",
        statement="The response to `SubmitAudioProduceJob` has a documented state.",
        documented="Created, Executing, Finished, Failed",
        source=api_page("ice", "SubmitAudioProduceJob"),
        check=_submit_state,
    ),
    Fact(
        name="submit.client_token.batch",
        statement="A second submit request with the same `ClientToken` and parameters returns the first job.",
        documented="ClientToken ensures idempotence",
        source=api_page("ice", "SubmitBatchMediaProducingJob"),
        check=_repeated,
    ),
    *_per_job("query.first", "Does `{query}` find the job immediately after the submission?", _first_query),
    *_per_job("query.finds", "`{query}` returns the job.", _found, lambda _: "the job with this id"),
    *_per_job("query.other_region", "Does `{query}` find the job in another region?", _other_region),
    *(
        fact
        for fact in _per_job(
            "states",
            "`{query}` returns only documented states.",
            _states,
            lambda plan: ", ".join(sum(plan.states, ())),
        )
        if fact.name != "states.image"
    ),
    Fact(
        name="states.image",
        statement="An AI image job ends in a documented state.",
        documented="success, fail",
        source=api_page("vod", "GetAIImageJobs"),
        check=_end_state,
    ),
    Fact(
        name="states.running.image",
        statement="What does `GetAIImageJobs` return while the job runs?",
        check=_running_image,
    ),
    *_per_job("duration", "How long after the submission does `{query}` return a state of an ended job?", _duration),
    *_per_job(
        "query.user_data",
        "`{query}` returns the `UserData` of the submit request.",
        _user_data,
        lambda _: "UserData",
    ),
    *_per_job(
        "query.fields",
        "`{query}` returns a finished job with all fields of the documented example.",
        _fields,
        lambda plan: f"{len(JOB_FIELDS[plan.name])} fields",
    ),
    *_per_job(
        "query.extra_fields", "Which fields of the `{query}` response does the SDK's model not define?", _extra_fields
    ),
    *_per_job(
        "query.times",
        "The creation time in `{query}` has the documented format.",
        _times,
        lambda _: "yyyy-MM-ddTHH:mm:ssZ",
    ),
)
