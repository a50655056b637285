"""The kinds of faults that can be injected into the service."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError, access_denied_detail
from airflow_provider_ims.emulator.api.jobs import DEFAULT_ERROR, Jobs
from airflow_provider_ims.emulator.api.messages import ApiRequest, ApiResponse
from airflow_provider_ims.emulator.api.model import PRODUCTS
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.control.options import (
    ANY,
    BOOLEAN,
    COPIES,
    COUNT,
    HEADER,
    NUMBER,
    OBJECT,
    RATE,
    SECONDS,
    STATUS,
    TEXT,
    TEXTS,
    Option,
)

EVERY_ACTION = "*"
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ConnectionCutError(Exception):
    """The connection is closed without a response."""


@dataclass
class Fault:
    """
    An injected fault.

    :param remaining: How many requests it still affects; None for all until it is cleared.
    :param share: The fraction of requests that it affects, chosen with ``generator``.
    :param tokens: The tokens left in a rate limit's bucket at the time ``refilled``, in monotonic seconds.
    """

    number: int
    action: str
    kind: str
    remaining: int | None
    options: dict[str, Any]
    share: float
    generator: random.Random
    tokens: float = 0.0
    refilled: float = 0.0

    def affects(self, action: str) -> bool:
        """Return whether the fault affects a request; this may consume one random number."""
        if self.action not in (EVERY_ACTION, action):
            return False
        if FAULT_KINDS[self.kind].only_submits and action not in JOB_KINDS:
            return False
        return self.share >= 1 or self.generator.random() < self.share

    def describe(self) -> dict[str, Any]:
        """Return the fault as the control interface returns it."""
        return {name: getattr(self, name) for name in ("action", "kind", "remaining", "options", "share")}


@dataclass
class Exchange:
    """
    A request and its response, which faults inspect and change.

    :param hang: Waits until it is released or a timeout expires; returns whether the client is still waiting.
    :param response: The response; None before the request is processed.
    """

    request: ApiRequest
    jobs: Jobs
    hang: Callable[[float | None], Awaitable[bool]]
    response: ApiResponse | None = None

    def processed(self) -> ApiResponse:
        """Return the response of a processed request."""
        assert self.response is not None
        return self.response


Effect = Callable[[Exchange, Fault], Awaitable[None] | None]


@dataclass(frozen=True)
class FaultKind:
    """
    The behaviour of one kind of fault.

    :param effect: Raises ApiError or ConnectionCutError, or changes the response or the job.
    :param after: Whether it takes effect after the request has been processed.
    :param options: Its options, each with its default.
    :param is_rate_limit: Whether it counts requests itself instead of affecting a number of them.
    :param only_submits: Whether it affects only submits.
    """

    effect: Effect
    after: bool = False
    options: Mapping[str, tuple[Any, Option]] = field(default_factory=dict)
    is_rate_limit: bool = False
    only_submits: bool = False


def _error(exchange: Exchange, fault: Fault) -> None:
    options = fault.options
    retry_after = options["retry_after"]
    raise ApiError(
        options["code"],
        message=options["message"],
        status=options["status"],
        headers={"x-acs-retry-after": str(retry_after)} if retry_after is not None else None,
    )


def _deny(exchange: Exchange, fault: Fault) -> None:
    action = f"{PRODUCTS[exchange.request.version].ram_code}:{exchange.request.action}"
    detail = access_denied_detail(action, account_id=exchange.jobs.settings.account_id)
    extra = {"AccessDeniedDetail": detail} if fault.options["detail"] else None
    raise ApiError(fault.options["code"], status=403, extra=extra)


def _non_json(exchange: Exchange, fault: Fault) -> None:
    options = fault.options
    headers = {"content-type": options["content_type"]}
    exchange.response = ApiResponse(options["status"], options["body"].encode(), headers)


async def _hang(exchange: Exchange, fault: Fault) -> None:
    if not await exchange.hang(fault.options["seconds"]):
        raise ConnectionCutError


def _cut(exchange: Exchange, fault: Fault) -> None:
    raise ConnectionCutError


def _limit_rate(exchange: Exchange, fault: Fault) -> None:
    rate, now = float(fault.options["rate"]), time.monotonic()
    capacity = float(fault.options["burst"] or max(1.0, rate))
    # A new limit starts with a full bucket.
    gained = capacity if fault.refilled == 0.0 else (now - fault.refilled) * rate
    fault.tokens, fault.refilled = min(capacity, fault.tokens + gained), now
    if fault.tokens < 1:
        raise ApiError(fault.options["code"])
    fault.tokens -= 1


def _fail_job(exchange: Exchange, fault: Fault) -> None:
    job_id, options = exchange.processed().job_id, fault.options
    assert job_id is not None
    job, error = exchange.jobs.get(job_id), (options["code"], options["message"])
    total = JOB_KINDS[job.action].part_count(job.parameters)
    if options["videos"] is None or not total:
        exchange.jobs.fail_at_end(job_id, *error)
    else:
        exchange.jobs.fail_videos(job_id, min(options["videos"], total), *error)


def _set_delivery(exchange: Exchange, fault: Fault) -> None:
    job_id, options = exchange.processed().job_id, fault.options
    assert job_id is not None
    exchange.jobs.store.callbacks.set_delivery(job_id, options["copies"], options["delay"])


def _unknown_state(exchange: Exchange, fault: Fault) -> None:
    response, state = exchange.processed(), fault.options["state"]
    if response.job_id is not None:
        exchange.jobs.set_state(response.job_id, state)
    else:
        response.content = _with_state(response.content, state)


_PARTS = {kind.parts.field for kind in JOB_KINDS.values() if kind.parts} | {"OutputDetails"}


def _with_state(value: Any, state: str) -> Any:
    if isinstance(value, list):
        return [_with_state(item, state) for item in value]
    if not isinstance(value, dict):
        return value
    # The parts of a job have their own states.
    return {
        name: state
        if name in ("State", "Status", "JobState", "JobStatus", "TaskStatus")
        else item
        if name in _PARTS
        else _with_state(item, state)
        for name, item in value.items()
    }


def _change_content(exchange: Exchange, fault: Fault) -> None:
    response, options = exchange.processed(), fault.options
    if options["merge"] or options["drop"]:
        kept = {name: value for name, value in response.content.items() if name not in options["drop"]}
        response.content = {**kept, **options["merge"]}
    else:
        response.content = options["body"]


def _error_kind(code: str) -> FaultKind:
    return FaultKind(
        _error,
        options={
            "code": (code, TEXT),
            "status": (None, STATUS.or_null()),
            "message": (None, TEXT.or_null()),
            "retry_after": (None, NUMBER.or_null()),
        },
    )


HANG_OPTIONS = {"seconds": (30.0, SECONDS.or_null())}
FAULT_KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "throttle": _error_kind("Throttling.User"),
        "server_error": _error_kind("InternalError"),
        "unavailable": _error_kind("ServiceUnAvailable"),
        "not_subscribed": _error_kind("OperationDenied"),
        "suspended": _error_kind("OperationDenied.Suspended"),
        "error": _error_kind("InternalError"),
        "deny": FaultKind(_deny, options={"code": ("Forbidden.RAM", TEXT), "detail": (True, BOOLEAN)}),
        "non_json": FaultKind(
            _non_json,
            options={"status": (502, STATUS), "body": (HTML, TEXT), "content_type": ("text/html", HEADER)},
        ),
        "hang": FaultKind(_hang, options=HANG_OPTIONS),
        "cut": FaultKind(_cut),
        "qps": FaultKind(
            _limit_rate,
            options={"rate": (1.0, RATE), "burst": (None, RATE.or_null()), "code": ("Throttling.User", TEXT)},
            is_rate_limit=True,
        ),
        "fail_job": FaultKind(
            _fail_job,
            after=True,
            options={
                "code": (DEFAULT_ERROR[0], TEXT),
                "message": (DEFAULT_ERROR[1], TEXT),
                "videos": (None, COUNT.or_null()),
            },
            only_submits=True,
        ),
        "callback": FaultKind(
            _set_delivery, after=True, options={"copies": (1, COPIES), "delay": (0.0, SECONDS)}, only_submits=True
        ),
        "unknown_state": FaultKind(_unknown_state, after=True, options={"state": ("Suspending", TEXT)}),
        "odd_shape": FaultKind(
            _change_content, after=True, options={"body": ([], ANY), "merge": ({}, OBJECT), "drop": ([], TEXTS)}
        ),
        # These are last because no other fault can take effect after them.
        "hang_after": FaultKind(_hang, after=True, options=HANG_OPTIONS),
        "cut_after": FaultKind(_cut, after=True),
    }
)
