"""All emulated actions of IMS and VOD. Most are derived from the tables of job kinds and of resource families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.emulator.api.ages import earliest_submission
from airflow_provider_ims.emulator.api.callbacks import SET_RULES, delete_callback, get_callback, set_callback
from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.families.actions import resource_actions
from airflow_provider_ims.emulator.api.families.production import ANONYMOUS
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.fields import without
from airflow_provider_ims.emulator.api.images import AI_IMAGE_KIND, image_infos
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import ApiResponse, dump
from airflow_provider_ims.emulator.api.model import (
    ICE,
    VOD,
    Fields,
    JobFamily,
    JobKind,
    JobView,
    Listing,
    Product,
    as_object,
    key_of,
)
from airflow_provider_ims.emulator.api.paging import PAGE_PARAMETERS, take_page
from airflow_provider_ims.emulator.api.parameters import (
    Check,
    ParameterRule,
    declare,
    job_ids,
    one_of,
    time,
    whole_number,
)
from airflow_provider_ims.emulator.api.snapshots import SNAPSHOT_URL_RULES, get_snapshot_urls
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.api.uploads import MAX_UPLOADS, VOD_URL_UPLOAD, plain_url
from airflow_provider_ims.emulator.state.clock import from_iso, iso
from airflow_provider_ims.emulator.state.store import Filter, Job, Phase

CANCELLED = ("Cancelled", "The job was cancelled.")

Respond = Callable[[Jobs, dict[str, str]], ApiResponse]


@dataclass(frozen=True)
class Action:
    """
    An action of IMS or VOD.

    :param parameters: The rules for its parameters.
    :param respond: A function that returns the response to a request with valid parameters.
    :param anonymous: Whether the emulator accepts requests without a signature.
    """

    product: Product
    parameters: Mapping[str, ParameterRule]
    respond: Respond
    anonymous: bool = False


def submit(kind: JobKind, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Submit the jobs of a request, usually only one, and return a response with their ids."""
    views = [jobs.view(job) for job in jobs.submit_all(kind, parameters)]
    contents = [_accepted(kind, view) for view in views]
    content = contents[0]
    if len(views) > 1:
        content = {name: [item for one in contents for item in one[name]] for name in content}
    return ApiResponse(200, content, job_id=views[0].job_id)


def _accepted(kind: JobKind, view: JobView) -> Fields:
    if kind.whole_job:
        return as_object(without(_shown(kind.family, view), kind.not_accepted))
    return as_object(_merged(_at(kind.job_id_at, view.job_id), kind.accepted(view)))


def create_draft(kind: JobKind, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Create a job that starts only when a request for the submit action identifies it."""
    assert kind.draft is not None
    view = jobs.view(jobs.create_draft(kind, parameters))
    return ApiResponse(200, _merged(_at(kind.job_id_at, view.job_id), kind.draft.accepted(view)))


def query(family: JobFamily, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Return the queried job or, for an action that accepts several ids or URLs, a list of jobs."""
    for name, value in family.fixed_parameters.items():
        if parameters[name] != value:
            raise invalid(name, f"The emulator supports only {value}.")
    keys = _keys(family)
    if not family.job_at.endswith("[]"):
        job = jobs.queried(parameters.get(family.id_parameter, ""), *keys)
        return ApiResponse(200, {} if job is None else _merged(_shown(family, jobs.view(job)), dict(family.beside)))
    found, unknown = find_jobs(jobs, keys, family.id_parameter, family.url_parameter, parameters)
    content = _at(family.job_at.removesuffix("[]"), [render(jobs.view(job)) for job in found]) | dict(family.beside)
    if family.unknown_ids_at:
        content |= _at(family.unknown_ids_at, unknown)
    return ApiResponse(200, content)


def find_jobs(
    jobs: Jobs, keys: Sequence[str], id_parameter: str, url_parameter: str, parameters: Mapping[str, str]
) -> tuple[list[Job], list[str]]:
    """
    Find the jobs that a request identifies by their ids or, if the parameter with the ids is missing, by URLs.

    :return: The jobs, and the ids or URLs for which there is no job. For URLs, only the latest 100 jobs are returned.
    :raises ApiError: If the request contains neither ids nor URLs, and the action accepts URLs.
    """
    if id_parameter not in parameters and url_parameter:
        if url_parameter not in parameters:
            raise missing(id_parameter)
        urls = dict.fromkeys(plain_url(url) for url in parameters[url_parameter].split(","))
        uploads = [job for key in keys for job in jobs.store.jobs(key) if job.region == jobs.region]
        of_urls = [(plain_url(job.parameters[JOB_KINDS[job.action].url_in]), job) for job in uploads]
        found = sorted((job for url, job in of_urls if url in urls), key=lambda job: job.seq)
        return found[-MAX_UPLOADS:], [url for url in urls if url not in dict(of_urls)]
    ids = dict.fromkeys(job_id.strip() for job_id in parameters.get(id_parameter, "").split(","))
    known = {job_id: job for job_id in ids if (job := jobs.find(job_id, *keys)) is not None}
    return list(known.values()), [job_id for job_id in ids if job_id not in known]


def _shown(family: JobFamily, view: JobView) -> Fields:
    return _at(family.job_at, without(render(view), family.hidden))


def render(view: JobView) -> Fields:
    """Return all response fields of a job. The query and the listing of the job family can omit some of them."""
    kind, family, phase = view.kind, view.kind.family, view.phase
    fields: Fields = {
        family.job_id: view.job_id,
        family.state: view.state,
        family.times[0]: iso(view.job.created),
        family.times[1]: iso(view.job.ends) if phase >= Phase.SUCCEEDED else None,
        "UserData": view.parameters.get("UserData") if family.user_data else None,
        **family.render(view),
        **kind.render(view),
    }
    if phase is Phase.SUCCEEDED:
        fields |= kind.result(view)
    if phase is Phase.FAILED:
        fields |= _error(family, view.job)
    if kind.parts is not None:
        fields[kind.parts.field] = [kind.parts.render(view, part) for part in view.parts()]
    return {name: value for name, value in fields.items() if name and value is not None}


def _error(family: JobFamily, job: Job) -> Fields:
    error = dict(zip(family.error, (job.error_code, job.error_message), strict=True))
    return {family.error_in: dump(error)} if family.error_in else error


def list_jobs(family: JobFamily, listing: Listing, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Return one page of the listing of a job family."""
    selected, now = _filter(family, listing, jobs, parameters), jobs.clock.now()
    page = take_page(listing, parameters, jobs.store, selected, now)
    views = [jobs.view(job) for job in page.jobs]
    items = [listing.render(view) for view in views] if listing.render else [_visible(listing, view) for view in views]
    content = _at(listing.items, items)
    parent, _, name = listing.token_at.rpartition(".")
    (content[parent] if parent else content)[name] = page.next_token
    if listing.max_results is not None:
        content["MaxResults"] = listing.max_results(page.size)
    if page.numbered:
        # The documentation states that TotalCount is not returned by default, but page numbers are useless without it.
        content["TotalCount"] = str(jobs.store.count(selected, now=now))
    return ApiResponse(200, content)


def _visible(listing: Listing, view: JobView) -> Fields:
    return as_object(without(render(view), listing.hidden))


def _filter(family: JobFamily, listing: Listing, jobs: Jobs, parameters: Mapping[str, str]) -> Filter:
    word = parameters.get(listing.state, "")
    phases = [phase for phase in Phase if family.states[phase] == word]
    since, until = (parameters.get(name) for name in listing.times)
    earliest = earliest_submission(listing.action, jobs.clock.now())
    starts = [time for time in (earliest, from_iso(since) if since else None) if time is not None]
    return Filter(
        region=jobs.region,
        actions=tuple(key for key in _keys(family) if JOB_KINDS[key].listed or jobs.settings.list_text_jobs),
        state=(phases[0], phases[-1], word) if phases else None,
        created_from=max(starts, default=None),
        # The times in a request have a resolution of one second, so the filter includes the whole last second.
        created_to=from_iso(until) + 1 if until else None,
        **{field: parameters.get(name) for name, field in listing.filters.items()},
    )


def cancel(family: JobFamily, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """
    Cancel a job.

    The job gets the state name that its family declares for cancelled jobs. If the family declares none, because the
    documentation does not describe the state of a cancelled job, the job is reported as failed.
    """
    job = jobs.queried(parameters[family.cancel_parameter], *_keys(family))
    if job is None:
        raise ApiError("ResourceNotFound")
    view = jobs.view(job)
    if view.phase >= Phase.SUCCEEDED or (family.cancel_created_only and view.phase is not Phase.CREATED):
        raise invalid(family.cancel_parameter, f"A job in the state {view.state} cannot be cancelled.")
    jobs.fail(job.job_id, *CANCELLED)
    if family.cancelled:
        jobs.set_state(job.job_id, family.cancelled)
    return ApiResponse(
        200, {family.cancel_parameter: job.job_id} if family.cancel_returns_id else {"Message": "Success"}
    )


def cancel_uploads(family: JobFamily, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """
    Cancel the uploads that have not started.

    The documentation does not describe how the response reports uploads that have already started. The emulator omits
    them from the response.
    """
    found, unknown = find_jobs(jobs, _keys(family), "JobIds", "UploadUrls", parameters)
    waiting = [job.job_id for job in found if jobs.view(job).phase is Phase.CREATED]
    for job_id in waiting:
        jobs.fail(job_id, *CANCELLED)
    return ApiResponse(200, {"CanceledJobs": waiting, "NonExists": unknown})


def resume(family: JobFamily, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Continue a suspended job."""
    job = jobs.queried(parameters["JobId"], *_keys(family))
    if job is None:
        raise ApiError("ResourceNotFound")
    if not jobs.is_suspended(job):
        raise invalid("JobId", f"A job in the state {jobs.view(job).state} cannot be resumed.")
    jobs.resume(job.job_id)
    return ApiResponse(200, {"JobId": job.job_id})


def list_ai_image_info(jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Return the images that the successful AI image jobs of a video have generated."""
    views = [jobs.view(job) for job in jobs.store.jobs_of_video(AI_IMAGE_KIND.key, jobs.region, parameters["VideoId"])]
    infos = [info for view in views if view.phase is Phase.SUCCEEDED for info in image_infos(view)]
    return ApiResponse(200, {"AIImageInfoList": infos})


def _keys(family: JobFamily) -> tuple[str, ...]:
    return tuple(key for key, kind in JOB_KINDS.items() if kind.family is family)


def _at(path: str, value: Any) -> Fields:
    """Return an object that contains a value at a path."""
    for step in reversed(path.split(".") if path else ()):
        value = {step.removesuffix("[]"): [value] if step.endswith("[]") else value}
    return dict(value)


def _merged(first: Any, second: Any) -> Any:
    """Merge two JSON values recursively. If both contain the same scalar field, return the value of the second one."""
    if isinstance(first, list):
        return [_merged(*items) for items in zip(first, second, strict=True)]
    if not isinstance(first, dict):
        return second
    both = {name: _merged(first[name], second[name]) for name in first.keys() & second.keys()}
    return {**first, **second, **both}


def _query_rules(family: JobFamily) -> dict[str, ParameterRule]:
    is_list = family.job_at.endswith("[]")
    rule = ParameterRule(required=not family.id_optional, check=job_ids if is_list else None)
    by_url = {family.url_parameter: ParameterRule(check=job_ids)} if family.url_parameter else {}
    fixed = {name: ParameterRule(required=True) for name in family.fixed_parameters}
    return {family.id_parameter: rule, **by_url, **fixed}


def _list_rules(listing: Listing) -> dict[str, ParameterRule]:
    page_size = whole_number(1, 100)
    checks: dict[str, Check | None] = {
        listing.state: one_of(*listing.states),
        listing.order: one_of(*listing.orders),
        listing.page_size: page_size,
        listing.token: None,
        **dict.fromkeys(listing.times, time),
        **dict.fromkeys(listing.filters),
    }
    if listing.numbered:
        checks |= dict(zip(PAGE_PARAMETERS, (whole_number(1), page_size), strict=True))
    return {name: ParameterRule(check=check) for name, check in checks.items() if name}


def _family_actions(family: JobFamily) -> Iterable[tuple[str, Action]]:
    query_key = key_of(family.query, family.product.version)
    yield query_key, Action(family.product, _query_rules(family), partial(query, family))
    if (listing := family.listing) is not None:
        yield listing.action, Action(family.product, _list_rules(listing), partial(list_jobs, family, listing))
    if family.resume:
        yield family.resume, Action(family.product, declare("JobId*"), partial(resume, family))
    if family.cancel:
        yield family.cancel, Action(family.product, declare(f"{family.cancel_parameter}*"), partial(cancel, family))


def _actions() -> Iterable[tuple[str, Action]]:
    for key, kind in JOB_KINDS.items():
        yield key, Action(kind.family.product, kind.parameters, partial(submit, kind))
        if kind.draft is not None:
            yield kind.draft.action, Action(kind.family.product, kind.draft.parameters, partial(create_draft, kind))
        yield from _family_actions(kind.family)
    yield "GetSnapshotUrls", Action(ICE, SNAPSHOT_URL_RULES, get_snapshot_urls)
    cancel_rules = {name: ParameterRule(check=job_ids) for name in ("JobIds", "UploadUrls")}
    yield "CancelUrlUploadJobs", Action(VOD, cancel_rules, partial(cancel_uploads, VOD_URL_UPLOAD))
    yield "ListAIImageInfo", Action(VOD, declare("VideoId*"), list_ai_image_info)
    for product, name in ((ICE, "EventCallback"), (VOD, "MessageCallback")):
        yield f"Set{name}", Action(product, SET_RULES[product], partial(set_callback, product))
        yield f"Get{name}", Action(product, {}, partial(get_callback, product))
    # Only VOD has an action that deletes the callback settings.
    yield "DeleteMessageCallback", Action(VOD, {}, partial(delete_callback, VOD))


def _all_actions() -> dict[str, Action]:
    actions = dict(_actions())
    for key, product, respond in resource_actions():
        rules = documented(product, key.rpartition(":")[2]).rules()
        if key in actions:
            respond = partial(_merge_responses, respond, actions[key].respond)
        actions[key] = Action(product, rules, respond, anonymous=key in ANONYMOUS)
    return actions


def _merge_responses(resource: Respond, job: Respond, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Merge the responses of an action that applies to both resources and jobs, such as GetEditingProject of VOD."""
    content: Fields = {}
    unknown: ApiError | None = None
    for respond in (resource, job):
        try:
            content = _merged(content, respond(jobs, parameters).content)
        except ApiError as error:
            unknown = unknown or error
    if unknown is not None and not content:
        raise unknown
    return ApiResponse(200, content)


#: Key (see ``key_of``) -> action.
ACTIONS: Mapping[str, Action] = MappingProxyType(_all_actions())
