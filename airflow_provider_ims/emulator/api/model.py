"""
The data types used in the table of job kinds. A job kind is the type of job that one submit action creates.

A path consists of the names of the fields that lead to a value, separated by dots; ``[]`` marks a list. Unless stated
otherwise, an empty name or path means that the request or the response has no such parameter or field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.addresses import oss_url, public_url
from airflow_provider_ims.emulator.api.known_actions import KNOWN_ACTIONS
from airflow_provider_ims.emulator.api.parameters import ParameterRule, Parameters
from airflow_provider_ims.emulator.api.parts import Part, Parts
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.store import Job, Phase

Fields: TypeAlias = "dict[str, Any]"
Render: TypeAlias = "Callable[[JobView], Fields]"
"""A function that returns response fields of a job. The query response omits the fields whose value is None."""

VIDEO_SECONDS = 15.0
"""The default duration of a video, in seconds."""


@dataclass(frozen=True)
class Product:
    """
    A product of Alibaba Cloud.

    :param version: The version of its API.
    :param ram_code: The prefix of its RAM actions.
    :param name: The name of the product in error responses.
    """

    version: str
    ram_code: str
    name: str


ICE = Product("2020-11-09", "ice", "ICE")
VOD = Product("2017-03-21", "vod", "vod")
PRODUCTS: Mapping[str, Product] = {product.version: product for product in (ICE, VOD)}


def nothing(view: JobView) -> Fields:
    """Return no fields."""
    return {}


@dataclass(frozen=True)
class Listing:
    """
    The action that lists the jobs of a family.

    :param items: The path of the jobs in the response.
    :param states: The valid values of the parameter that filters by state.
    :param hidden: The paths of the fields of a job that the query returns but the listing omits.
    :param render: A function that returns the fields of a job; None for all fields except the hidden ones.
    :param state: The parameter that filters by state. ``order``, ``page_size`` and ``token`` are also parameter names.
    :param times: The names of the parameters for the earliest and the latest submission time.
    :param orders: The values of the order parameter for newest first and oldest first.
    :param filters: Additional filter parameters, each with the corresponding field of ``Filter``.
    :param token_at: The path of the response field that contains the token for the next page.
    :param max_results: A function that converts the page size for the response; None if the response has no page size.
    :param numbered: Whether the action also accepts ``PageNo`` and ``PageSize``.
    """

    action: str
    items: str
    states: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    render: Render | None = None
    state: str = "Status"
    order: str = "OrderBy"
    orders: tuple[str, str] = ("CreateTimeDesc", "CreateTimeAsc")
    page_size: str = "PageSize"
    token: str = "NextPageToken"
    times: tuple[str, str] = ("StartOfCreateTime", "EndOfCreateTime")
    filters: Mapping[str, str] = field(default_factory=dict)
    token_at: str = "NextPageToken"
    max_results: Callable[[int], Any] | None = None
    numbered: bool = False


@dataclass(frozen=True)
class JobFamily:
    """
    A group of job kinds that share one query action.

    :param states: The state names of created, running, succeeded and failed jobs, in this order.
    :param job_at: The path of the job in the query response; empty if the whole response is the job.
    :param job_id: The field that contains the job id. ``state`` is the field that contains the state.
    :param error: The fields that contain the error code and the error message.
    :param error_in: The field that contains these two fields as JSON; empty if they are fields of the job.
    :param times: The fields that contain the submission time and the end time.
    :param id_parameter: The parameter with the job id, or with up to ten job ids if ``job_at`` ends in ``[]``.
    :param id_optional: Whether this parameter is documented as optional. A request without ids or URLs finds no job.
    :param fixed_parameters: Additional required parameters, each with the only value that the emulator supports.
    :param user_data: Whether the query response contains the UserData of the job.
    :param succeeded: Additional state names of succeeded jobs. ``failed`` contains additional names for failed jobs.
    :param running: The successive state names of a running job; empty if there is only the name in ``states``.
    :param partial: The state name of a succeeded job with failed parts; default: that of other succeeded jobs.
    :param unknown_ids_at: The path of the unknown job ids in the query response.
    :param unknown_job_code: The error code of the response to a query for an unknown job id.
    :param beside: Constant fields of the query response in addition to the job.
    :param hidden: The paths of fields of a job that only the listing returns.
    :param render: A function that returns additional fields of each job of the family.
    :param result: The field that the control interface returns as the result of a job; empty for all fields.
    :param listing: The action that lists the jobs; None if there is none.
    :param resume: The action that continues a suspended job.
    :param cancel: The action that cancels a job. ``cancel_parameter`` is its parameter with the job id.
    :param cancel_returns_id: Whether the response to the cancel action contains the job id.
    :param cancel_created_only: Whether the cancel action rejects running jobs.
    :param cancelled: The state name of a cancelled job; default: that of a failed job.
    :param url_parameter: The parameter with up to ten URLs, which a query can contain instead of job ids.
    """

    query: str
    states: tuple[str, str, str, str]
    job_at: str = ""
    product: Product = ICE
    job_id: str = "JobId"
    state: str = "Status"
    error: tuple[str, str] = ("Code", "Message")
    error_in: str = ""
    times: tuple[str, str] = ("CreateTime", "FinishTime")
    id_parameter: str = "JobId"
    id_optional: bool = False
    fixed_parameters: Mapping[str, str] = field(default_factory=dict)
    user_data: bool = True
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    partial: str | None = None
    unknown_ids_at: str = ""
    unknown_job_code: str = "ResourceNotFound"
    beside: Mapping[str, Any] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    render: Render = nothing
    result: str = ""
    listing: Listing | None = None
    resume: str = ""
    cancel: str = ""
    cancel_parameter: str = "JobId"
    cancel_returns_id: bool = False
    cancel_created_only: bool = False
    cancelled: str = ""
    url_parameter: str = ""

    def phase_of(self, state: str) -> Phase:
        """Return the phase that a state name belongs to. An unknown state name counts as running."""
        if state in self.states:
            return Phase(self.states.index(state))
        if state in self.succeeded or state == self.partial:
            return Phase.SUCCEEDED
        return Phase.FAILED if state in self.failed else Phase.RUNNING


@dataclass(frozen=True)
class Draft:
    """
    An action that creates a job without starting it. The submit action starts the job later.

    :param action: The name of the action.
    :param parameters: The rules for its parameters.
    :param key: The parameter of the submit action that identifies the job: the job id, or a parameter of both actions.
    :param accepted: A function that returns additional fields of the response.
    """

    action: str
    parameters: Mapping[str, ParameterRule]
    key: str
    accepted: Render = nothing


@dataclass(frozen=True)
class JobKind:
    """
    The type of job that one submit action creates.

    :param parameters: The rules for the parameters of the submit action.
    :param job_id_at: The path of the job id in the response to this action.
    :param job_id_parameter: The parameter with the job id, if the caller assigns it; empty if the service assigns it.
    :param accepted: A function that returns additional fields of the response to the submit action.
    :param whole_job: Whether the response to the submit action contains the job in the format of the query response.
    :param not_accepted: With ``whole_job``: the paths of fields that only the query response contains.
    :param job_type: The ``JobType``, or a function of the parameters; default: derived from the name of the action.
    :param render: A function that returns additional fields of a job in the query response.
    :param result: A function that returns additional fields of a succeeded job in the query response.
    :param parts: The parts of a job that can fail separately; None if there are none.
    :param seconds: The default duration of a job, in seconds.
    :param listed: Whether the listing contains these jobs even without the setting ``list_text_jobs``.
    :param split_by: The parameter with comma-separated values. For each value, a separate job is created.
    :param url_in: The parameter with the URL by which a job can be queried; see ``JobFamily.url_parameter``.
    :param session_seconds: The number of seconds for which another request with the same SessionId is rejected.
    :param draft: The action that can create a job before the submit action starts it; None if there is none.
    """

    submit: str
    family: JobFamily
    parameters: Mapping[str, ParameterRule]
    job_id_at: str = "JobId"
    job_id_parameter: str = ""
    accepted: Render = nothing
    whole_job: bool = False
    not_accepted: tuple[str, ...] = ()
    job_type: str | Callable[[Parameters], str] = ""
    render: Render = nothing
    result: Render = nothing
    parts: Parts | None = None
    seconds: float = 4.0
    listed: bool = True
    split_by: str = ""
    url_in: str = ""
    session_seconds: float = 7 * 24 * 3600
    draft: Draft | None = None

    def split(self, parameters: Parameters) -> list[dict[str, str]]:
        """Return the parameters of each job that a request creates."""
        if not self.split_by:
            return [dict(parameters)]
        return [{**parameters, self.split_by: value.strip()} for value in parameters[self.split_by].split(",")]

    @property
    def key(self) -> str:
        """The key of the kind in the tables. It is unique across both products."""
        return key_of(self.submit, self.family.product.version)

    def part_count(self, parameters: Parameters) -> int:
        """Return the number of parts of a job that can fail separately."""
        return self.parts.count(parameters) if self.parts else 0

    def job_type_of(self, parameters: Parameters) -> str:
        """Return the ``JobType`` of a job."""
        if callable(self.job_type):
            return self.job_type(parameters)
        return self.job_type or self.submit.removeprefix("Submit").removesuffix("Job")


def key_of(action: str, version: str) -> str:
    """Return the key of an action: its name, prefixed with ``vod:`` for an action of VOD whose name IMS also uses."""
    return f"vod:{action}" if version == VOD.version and action in KNOWN_ACTIONS[ICE.version] else action


@dataclass(frozen=True)
class JobView:
    """A job at a given time of the job clock. Responses are generated from this view."""

    job: Job
    kind: JobKind
    now: float
    settings: Settings

    @property
    def job_id(self) -> str:
        """The id of the job."""
        return self.job.job_id

    @property
    def parameters(self) -> Parameters:
        """The parameters of the submit request."""
        return self.job.parameters

    @property
    def region(self) -> str:
        """The region of the job."""
        return self.job.region

    @property
    def phase(self) -> Phase:
        """The phase of the job. A pinned state (see ``Jobs.set_state``) overrides the job clock."""
        return self.job.phase(self.now) if self.job.pinned is None else self.kind.family.phase_of(self.job.pinned)

    @property
    def state(self) -> str:
        """The state name of the job in responses."""
        if self.job.pinned is not None:
            return self.job.pinned
        family, phase = self.kind.family, self.phase
        if family.running and phase is Phase.RUNNING:
            return family.running[self.job.step(self.now, len(family.running))]
        is_partial = bool(self.job.failed_parts) and phase is Phase.SUCCEEDED
        return family.partial if family.partial and is_partial else family.states[phase]

    @property
    def modified(self) -> float:
        """The job clock time at which the current phase began. If the state is pinned, it can be in the future."""
        return (self.job.created, self.job.starts, self.job.ends, self.job.ends)[self.phase]

    def parts(self) -> list[Part]:
        """Return the parts of the job, which run one after the other."""
        count = self.kind.part_count(self.parameters)
        return [self._part(index, count) for index in range(count)]

    def _part(self, index: int, count: int) -> Part:
        job = self.job
        share = (job.ends - job.starts) / count
        # The last part ends exactly when the job ends, regardless of rounding errors.
        ends = job.ends if index == count - 1 else job.starts + share * (index + 1)
        whole_job = (job.error_code, job.error_message or "") if job.error_code is not None else None
        error = whole_job or job.failed_parts.get(str(index))
        if self.now < job.starts + share * index:
            phase = Phase.CREATED
        elif self.now < ends:
            phase = Phase.RUNNING
        else:
            phase = Phase.FAILED if error else Phase.SUCCEEDED
        return Part(index, phase, error)

    def given(self, *names: str) -> Fields:
        """Return those of the named parameters that the request contains."""
        return {name: self.parameters[name] for name in names if name in self.parameters}

    def json(self, name: str) -> Fields:
        """Return the JSON object in a parameter; an empty object if the request does not contain the parameter."""
        return as_object(json.loads(self.parameters.get(name) or "{}"))

    def id(self, *parts: object) -> str:
        """Return an id of 32 hex digits that is derived from the job id and the given values."""
        return stable_id(self.job_id, *parts)

    def url(self, key: str, bucket: object = "emulated") -> str:
        """Return the public URL of an OSS object in the region of the job."""
        return oss_url(bucket, self.region, key)

    def output_url(self, output: Fields, key: str) -> str:
        """Return the URL of an output file: the URL that ``output`` specifies, or else that of the object ``key``."""
        if output.get("StorageLocation") and output.get("FileName"):
            # In the documentation of VOD, a storage location is a host name.
            host, key = str(output["StorageLocation"]), str(output["FileName"])
            return f"http://{host}/{key}" if "." in host else self.url(key, host)
        names = ("MediaURL", "MediaUrl", "OutputUrl", "Media")
        requested = next((output[name] for name in names if output.get(name)), "")
        return public_url(str(requested), self.region) or self.url(key)


def stable_id(*parts: object) -> str:
    """Return an id of 32 hex digits that depends only on the given values."""
    return hashlib.md5("/".join(map(str, parts)).encode(errors="replace"), usedforsecurity=False).hexdigest()


def as_object(value: Any) -> Fields:
    """Return a JSON value if it is an object, otherwise an empty object."""
    return value if isinstance(value, dict) else {}
