"""Facts about listings, in which a client can find a job by its marker if the job id was lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from conformance.facts.fact import Evidence, Fact, NotTestedError, Observed, api_page, field_problems, require_accepted
from conformance.jobs import JOBS, MARKER, PAGE_SIZE, JobPlan, Listing

ITEM_FIELDS: Mapping[str, Mapping[str, type]] = {
    "speech": {f"SmartJobList[].{name}": str for name in ("JobId", "JobState", "JobType", "CreateTime", "ModifiedTime")}
    | {"MaxResults": str, "RequestId": str},
    "batch": {f"EditingBatchJobList[].{name}": str for name in ("JobId", "JobType", "Status", "CreateTime")}
    | {"MaxResults": int, "RequestId": str},
    "image": {
        f"AIImageInfoList[].{name}": str
        for name in ["AIImageInfoId", "CreationTime", "FileURL", "Format", "JobId", "Score", "Version", "VideoId"]
    },
}


def _listed(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.accepted(plan.name)
    if plan.name == "image":
        evidence.finished(plan.name)
    if job.listed is None and not job.observed:
        raise NotTestedError("the run ended before the time limit of the listing")
    if job.listed is None and job.searched is not None:
        require_accepted(job.searched)
    return Observed("listed" if job.listed else "not listed", job.listed is not None)


def _delay(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.listed(plan.name)
    assert job.listed is not None
    assert job.submit is not None
    return Observed(f"at most {job.listed.time - job.submit.time:.1f} s")


def _marker(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.listed(plan.name)
    assert job.listed is not None
    user_data = (plan.listing.find(job.listed, job.job_id) or {}).get("UserData")
    if not user_data:
        return Observed("no UserData", holds=False)
    found = json.loads(user_data).get(MARKER) == job.marker
    return Observed("found" if found else "not found", found)


def _fields(plan: JobPlan, evidence: Evidence) -> Observed:
    job = evidence.listed(plan.name)
    assert job.listed is not None
    # Check only this job, because the items of other jobs can lack the fields of a result.
    own = [one for one in job.listed.body[plan.listing.items] if one.get("JobId") == job.job_id]
    problems = field_problems({**job.listed.body, plan.listing.items: own}, ITEM_FIELDS[plan.name])
    return Observed(", ".join(problems) or f"all {len(ITEM_FIELDS[plan.name])} fields", not problems)


def _items(evidence: Evidence, listing: Listing, **parameters: Any) -> list[Mapping[str, Any]]:
    response = evidence.service.read("ice", listing.action, **{"MaxResults": PAGE_SIZE, **parameters})
    return list(require_accepted(response).body.get(listing.items) or [])


def _filtered(name: str, parameter: str, value: Callable[[Evidence], str], evidence: Evidence) -> Observed:
    """Check that a filtered listing contains the job, and only jobs whose field ``parameter`` has the same value."""
    job, wanted = evidence.listed(name), value(evidence)
    items = _items(evidence, job.plan.listing, **{parameter: wanted})
    if any(one.get(parameter) != wanted for one in items):
        return Observed(f"the listing also contains jobs with another {parameter}", holds=False)
    found = any(one.get("JobId") == job.job_id for one in items)
    return Observed(f"only jobs with this {parameter}, {'including' if found else 'without'} the job", found)


def _order(listing: Listing, orders: tuple[str, str], evidence: Evidence) -> Observed:
    wrong = []
    for order, descending in zip(orders, (True, False), strict=True):
        times = [str(one.get("CreateTime")) for one in _items(evidence, listing, SortBy=order)]
        if len(set(times)) < 2:
            raise NotTestedError("the listed jobs have fewer than two distinct creation times")
        if times != sorted(times, reverse=descending):
            wrong.append(order)
    return Observed(f"not sorted with {', '.join(wrong)}" if wrong else "sorted", not wrong)


def _pages(plan: JobPlan, evidence: Evidence) -> Observed:
    first = require_accepted(evidence.service.read("ice", plan.listing.action, MaxResults=1)).body
    if not first.get("NextToken"):
        raise NotTestedError("the listing has only one page, with a page size of 1")
    token = first["NextToken"]
    second = require_accepted(evidence.service.read("ice", plan.listing.action, MaxResults=1, NextToken=token)).body
    ids = [[one.get("JobId") for one in page.get(plan.listing.items) or []] for page in (first, second)]
    if [len(one) for one in ids] != [1, 1]:
        return Observed(f"pages of {len(ids[0])} and {len(ids[1])} jobs", holds=False)
    return Observed("another job" if ids[0] != ids[1] else "the same job again", ids[0] != ids[1])


TEXT, SPEECH, BATCH, IMAGE = JOBS
LISTED = {"speech": "JobState of a TextToSpeech job", "batch": "all batch jobs", "image": "the images of the video"}


def _of(plan: JobPlan) -> str:
    return api_page(plan.product, plan.listing.action)


FACTS = (
    *(
        Fact(
            name=f"listing.shows.{plan.name}",
            statement=(
                f"`{plan.listing.action}` lists the {plan.name} job."
                if plan.name in LISTED
                else f"Does `{plan.listing.action}` list text jobs?"
            ),
            documented=LISTED.get(plan.name, ""),
            source=_of(plan) if plan.name in LISTED else "",
            check=partial(_listed, plan),
        )
        for plan in JOBS
    ),
    *(
        Fact(
            name=f"listing.delay.{plan.name}",
            statement=f"How long after the submission does `{plan.listing.action}` list the {plan.name} job?",
            check=partial(_delay, plan),
        )
        for plan in JOBS
    ),
    *(
        Fact(
            name=f"listing.marker.{plan.name}",
            statement=f"`{plan.listing.action}` returns the `UserData` of the {plan.name} job, with its marker.",
            documented="UserData",
            source=_of(plan),
            check=partial(_marker, plan),
        )
        for plan in (TEXT, SPEECH, BATCH)
    ),
    *(
        Fact(
            name=f"listing.fields.{plan.name}",
            statement=f"The {plan.name} job in `{plan.listing.action}` has the documented fields.",
            documented=f"{len(ITEM_FIELDS[plan.name])} fields",
            source=_of(plan),
            check=partial(_fields, plan),
        )
        for plan in (SPEECH, BATCH, IMAGE)
    ),
    Fact(
        name="listing.job_type.speech",
        statement="`ListSmartJobs` with `JobType` lists only jobs of this type.",
        documented="TextToSpeech",
        source=_of(SPEECH),
        check=partial(_filtered, "speech", "JobType", lambda _: "TextToSpeech"),
    ),
    Fact(
        name="listing.state.speech",
        statement="`ListSmartJobs` with `JobState` lists only jobs in this state.",
        documented="Finished, Failed, Executing, Created",
        source=_of(SPEECH),
        check=partial(_filtered, "speech", "JobState", lambda evidence: evidence.ended("speech").states[-1]),
    ),
    Fact(
        name="listing.state.batch",
        statement="`ListBatchMediaProducingJobs` with `Status` lists only jobs in this state.",
        documented="Finished, Init, Failed, Processing",
        source=_of(BATCH),
        check=partial(_filtered, "batch", "Status", lambda evidence: evidence.ended("batch").states[-1]),
    ),
    Fact(
        name="listing.job_id.batch",
        statement="`ListBatchMediaProducingJobs` with `JobId` lists only this job.",
        documented="JobId",
        source=_of(BATCH),
        check=partial(_filtered, "batch", "JobId", lambda evidence: evidence.accepted("batch").job_id),
    ),
    Fact(
        name="listing.order.smart",
        statement="`ListSmartJobs` sorts jobs by creation time, in the order that `SortBy` specifies.",
        documented="CreationTime:Desc, CreationTime:Asc",
        source=_of(SPEECH),
        check=partial(_order, SPEECH.listing, ("CreationTime:Desc", "CreationTime:Asc")),
    ),
    Fact(
        name="listing.order.batch",
        statement="`ListBatchMediaProducingJobs` sorts jobs by creation time, in the order that `SortBy` specifies.",
        documented="desc, asc",
        source=_of(BATCH),
        check=partial(_order, BATCH.listing, ("desc", "asc")),
    ),
    *(
        Fact(
            name=f"listing.pages.{plan.name}",
            statement=f"`{plan.listing.action}` with `NextToken` returns another page of jobs.",
            documented="NextToken",
            source=_of(plan),
            check=partial(_pages, plan),
        )
        for plan in (SPEECH, BATCH)
    ),
)
