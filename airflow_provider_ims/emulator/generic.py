"""Serves the jobs of :mod:`airflow_provider_ims.emulator.kinds`: submits, queries, listings, cancels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.emulator.actions import Phase
from airflow_provider_ims.emulator.clock import from_iso, iso
from airflow_provider_ims.emulator.errors import ApiError, invalid
from airflow_provider_ims.emulator.families import Family
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.kinds import CANCELS, KINDS, Kind
from airflow_provider_ims.emulator.listing import Page
from airflow_provider_ims.emulator.store import Filter, Job
from airflow_provider_ims.emulator.wire import dump

_KIND_OF: Mapping[str, Kind] = MappingProxyType({kind.key: kind for kind in KINDS})
_KEYS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        family.query: tuple(kind.key for kind in KINDS if kind.family is family)
        for family in (kind.family for kind in KINDS)
    }
)
CANCELLED = ("Cancelled", "The job was cancelled.")


def _placed(path: str, value: Any) -> dict[str, Any]:
    """Return an answer with a value at the end of a path."""
    for step in reversed(path.split(".")):
        value = {step.removesuffix("[]"): [value] if step.endswith("[]") else value}
    return dict(value)


def submit(kind: Kind, jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take a job, or find the one that the ClientToken already made."""
    job = jobs.submit(kind.key, parameters, kind.submit.removeprefix("Submit").removesuffix("Job"))
    return _placed(kind.answer, job.job_id), job


def get(family: Family, jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer a family's query action."""
    for name, value in family.also.items():
        if parameters[name] != value:
            raise invalid(name, f"Only {value} is served here.")
    keys = _KEYS_OF[family.query]
    if not family.at.endswith("[]"):
        job = jobs.asked_for(parameters[family.asks], *keys)
        return {} if job is None else _answer(family, entry(jobs, job))
    asked = dict.fromkeys(job_id.strip() for job_id in parameters.get(family.asks, "").split(","))
    found = [job for job_id in asked if (job := jobs.store.job(job_id)) is not None and job.action in keys]
    answer = _placed(family.at.removesuffix("[]"), [entry(jobs, job) for job in found])
    if family.unknown_at:
        missing = [job_id for job_id in asked if job_id not in {job.job_id for job in found}]
        answer.update(_placed(family.unknown_at, missing))
    return answer


def _answer(family: Family, shown: dict[str, Any]) -> dict[str, Any]:
    return _placed(family.at, shown) if family.at else shown


def entry(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Return a job as its query shows it."""
    kind = _KIND_OF[job.action]
    family, phase, region = kind.family, jobs.phase(job), jobs.settings.region_id
    created, ended = family.times
    shown: dict[str, Any] = {family.status: _word(jobs, job)}
    if family.job_id:
        shown[family.job_id] = job.job_id
    if created:
        shown[created] = iso(job.created)
    if ended and phase >= Phase.SUCCEEDED:
        shown[ended] = iso(job.ends)
    if family.user_data and "UserData" in job.parameters:
        shown["UserData"] = job.parameters["UserData"]
    shown.update(kind.shown(job.job_id, job.parameters, region))
    if phase is Phase.SUCCEEDED:
        shown.update(kind.result(job.job_id, job.parameters, region))
    if phase is Phase.FAILED:
        shown.update(_error(family, job))
    if kind.parts is not None:
        shown[kind.parts_at] = _parts(jobs, job, kind)
    return shown


def _word(jobs: Jobs, job: Job) -> str:
    partly = _KIND_OF[job.action].family.partly
    some_failed = job.failed_parts and jobs.phase(job) is Phase.SUCCEEDED and job.pinned is None
    return partly if partly and some_failed else jobs.state(job)


def _error(family: Family, job: Job) -> dict[str, Any]:
    code, message = family.error
    if code == "Result":
        return {code: dump({"Code": job.error_code, "Message": job.error_message})}
    return {name: value for name, value in ((code, job.error_code), (message, job.error_message)) if name}


def _parts(jobs: Jobs, job: Job, kind: Kind) -> list[dict[str, Any]]:
    assert kind.parts is not None
    assert kind.part is not None
    count = kind.parts(job.parameters)
    ends: dict[Phase, bool] = {Phase.SUCCEEDED: True, Phase.FAILED: False}
    made = []
    for index in range(count):
        good = ends.get(jobs.part_phase(job, index, count))
        part = kind.part(job.job_id, job.parameters, index, good, jobs.settings.region_id)
        if good is False and kind.family.partly:
            part["ErrorCode"], part["ErrorMessage"] = jobs.part_error(job, index) or ("", "")
        made.append(part)
    return made


def list_jobs(family: Family, jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer a family's listing."""
    listing = family.listing
    assert listing is not None
    status, order, oldest_first, size, token, since, until = listing.parameters
    word = parameters.get(status)
    phases = [phase for phase in Phase if family.states[phase] == word]
    wanted = Filter(
        actions=_KEYS_OF[family.query],
        shown=(phases[0], word) if word and phases else None,
        shown_to=phases[-1] if phases else None,
        created_from=from_iso(parameters[since]) if since in parameters else None,
        created_to=from_iso(parameters[until]) + 1 if until in parameters else None,
    )
    page = Page.of(
        {
            name: parameters[theirs]
            for name, theirs in (("MaxResults", size), ("NextToken", token), ("SortBy", order))
            if theirs in parameters
        },
        oldest_first=oldest_first or "never",
    )
    found, next_token = page.take(jobs.store, wanted, jobs.clock.now())
    entries = [entry(jobs, job) for job in found]
    shown = [{name: value for name, value in one.items() if name not in listing.hides} for one in entries]
    answer = _placed(listing.at, shown)
    outer, _, name = listing.token_at.rpartition(".")
    (answer[outer] if outer else answer)[name] = next_token
    return answer


def cancel(action: str, jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Stop a job: what it says then is not documented, so that it failed."""
    family, only_waiting = CANCELS[action]
    job = jobs.asked_for(parameters["JobId"], *_KEYS_OF[family.query])
    if job is None:
        raise ApiError("ResourceNotFound")
    if jobs.phase(job) >= Phase.SUCCEEDED or (only_waiting and jobs.phase(job) is not Phase.CREATED):
        raise invalid("JobId", f"A job that is {jobs.state(job)} cannot be cancelled.")
    jobs.fail(job.job_id, *CANCELLED)
    return {"JobId": job.job_id} if only_waiting else {"Message": "success"}


def result(jobs: Jobs, job: Job) -> Any:
    """Return a job that succeeded, as its query shows it."""
    return entry(jobs, job)


_FAMILIES = {kind.family.query: kind.family for kind in KINDS}

SUBMITS: Mapping[str, Callable[[Jobs, dict[str, str]], tuple[dict[str, Any], Job]]] = MappingProxyType(
    {kind.key: partial(submit, kind) for kind in KINDS}
)
QUERIES: Mapping[str, Callable[[Jobs, dict[str, str]], dict[str, Any]]] = MappingProxyType(
    {query: partial(get, family) for query, family in _FAMILIES.items()}
    | {family.listing.action: partial(list_jobs, family) for family in _FAMILIES.values() if family.listing}
    | {action: partial(cancel, action) for action in CANCELS}
)
RESULTS: Mapping[str, Callable[[Jobs, Job], Any]] = MappingProxyType({kind.key: result for kind in KINDS})
