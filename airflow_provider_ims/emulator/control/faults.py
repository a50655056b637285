"""The kinds of faults that can be injected into an emulator, and their effects."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from airflow_provider_ims.emulator.api.errors import ApiError, access_denied_detail
from airflow_provider_ims.emulator.api.jobs import DEFAULT_ERROR, Jobs
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.queue_actions import QUEUE_ACTIONS, RECEIVES
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
from airflow_provider_ims.emulator.state.queues import QueueMessage

#: Wildcard for the action of a fault -> the actions that the wildcard matches.
WILDCARDS: Mapping[str, Collection[str]] = {"*": ACTIONS, "smq:*": QUEUE_ACTIONS}
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ConnectionCutError(Exception):
    """Raised to close the connection without a response."""


@dataclass
class Fault:
    """
    An injected fault.

    :param number: Its number in the order of injection.
    :param remaining: How many requests it still affects; None for all requests until it is cleared.
    :param share: The fraction of requests that it affects, chosen with ``generator``.
    :param tokens: For a rate limit: the number of requests that were still allowed at the time ``refilled``.
    :param refilled: When ``tokens`` was last calculated, in seconds of the monotonic clock; 0 if it never was.
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
        """Return whether the fault affects a request for an action; if ``share`` is below 1, the result is random."""
        if action not in WILDCARDS.get(self.action, {self.action}):
            return False
        scope = FAULT_KINDS[self.kind].scope
        if scope is not None and action not in scope.actions:
            return False
        return self.share >= 1 or self.generator.random() < self.share

    def describe(self) -> dict[str, Any]:
        """Return the fault in the format of the control interface."""
        return {name: getattr(self, name) for name in ("action", "kind", "remaining", "options", "share")}


@dataclass
class Exchange:
    """
    A request and its response, which faults inspect and change.

    :param action: The name of the action in the format of faults, such as ``SubmitASRJob`` or ``smq:ReceiveMessage``.
    :param ram_action: The name of the action in RAM policies, such as ``ice:SubmitASRJob``.
    :param record: The record of the request.
    :param wait: A function with two arguments, an event and a timeout in seconds, that waits until the event is set or
        the timeout expires. If the event is None, it waits for the release of hanging requests instead. It returns
        False if the client has disconnected or the emulator is being stopped.
    :param response: The response; None until the request is processed or a fault replaces the response.
    :param received: The messages that the request has received from a queue.
    :param seq: The number of the stored record; None until the record is stored.
    """

    action: str
    ram_action: str
    record: dict[str, Any]
    jobs: Jobs
    wait: Callable[[asyncio.Event | None, float | None], Awaitable[bool]] = field(init=False)
    response: ApiResponse | None = None
    received: Sequence[QueueMessage] = ()
    seq: int | None = None

    def processed(self) -> ApiResponse:
        """Return the response to a request that has been processed."""
        assert self.response is not None
        return self.response


Effect = Callable[[Exchange, Fault], Awaitable[None] | None]


class Scope(NamedTuple):
    """The actions that a kind of fault can affect, and their name in error messages."""

    name: str
    actions: Collection[str]


@dataclass(frozen=True)
class FaultKind:
    """
    The behaviour of one kind of fault.

    :param effect: A function that waits, raises ApiError or ConnectionCutError, or changes the response, the job or a
        queue.
    :param after: Whether it takes effect after the request has been processed, instead of before.
    :param options: The name of each option -> its default and its check.
    :param is_rate_limit: Whether it affects all matching requests until it is cleared, but rejects only those that
        exceed the rate.
    :param scope: The actions that it can affect; None for all.
    """

    effect: Effect
    after: bool = False
    options: Mapping[str, tuple[Any, Option]] = field(default_factory=dict)
    is_rate_limit: bool = False
    scope: Scope | None = None


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
    detail = access_denied_detail(exchange.ram_action, account_id=exchange.jobs.settings.account_id)
    extra = {"AccessDeniedDetail": detail} if fault.options["detail"] else None
    raise ApiError(fault.options["code"], status=403, extra=extra)


def _non_json(exchange: Exchange, fault: Fault) -> None:
    options = fault.options
    headers = {"content-type": options["content_type"]}
    exchange.response = ApiResponse(options["status"], options["body"].encode(), headers)


async def _hang(exchange: Exchange, fault: Fault) -> None:
    if not await exchange.wait(None, fault.options["seconds"]):
        raise ConnectionCutError


def _cut(exchange: Exchange, fault: Fault) -> None:
    raise ConnectionCutError


def _limit_rate(exchange: Exchange, fault: Fault) -> None:
    rate, now = float(fault.options["rate"]), time.monotonic()
    capacity = float(fault.options["burst"] or max(1.0, rate))
    # A new rate limit starts with a full token bucket.
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
    jitter = fault.generator.uniform(0, options["jitter"]) if options["jitter"] else 0
    exchange.jobs.store.callbacks.set_delivery(job_id, options["copies"], options["delay"] + jitter)


def _redeliver(exchange: Exchange, fault: Fault) -> None:
    for message in exchange.received:
        for _ in range(fault.options["copies"]):
            exchange.jobs.store.queues.repeat(message, time.time())


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
    # The states of a job's parts, such as the videos of a batch job, do not change.
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


_SUBMITS = Scope("submit actions", JOB_KINDS)
_API = Scope("actions of IMS and VOD", ACTIONS)
_RECEIVES = Scope("actions that receive messages", RECEIVES)
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
            scope=_SUBMITS,
        ),
        "callback": FaultKind(
            _set_delivery,
            after=True,
            options={"copies": (1, COPIES), "delay": (0.0, SECONDS), "jitter": (0.0, SECONDS)},
            scope=_SUBMITS,
        ),
        "redeliver": FaultKind(_redeliver, after=True, options={"copies": (1, COPIES)}, scope=_RECEIVES),
        "unknown_state": FaultKind(_unknown_state, after=True, options={"state": ("Suspending", TEXT)}, scope=_API),
        "odd_shape": FaultKind(
            _change_content,
            after=True,
            options={"body": ([], ANY), "merge": ({}, OBJECT), "drop": ([], TEXTS)},
            scope=_API,
        ),
        # Faults with ``after`` take effect in this order. ``hang_after`` and ``cut_after`` are last, because they
        # delay or suppress the response.
        "hang_after": FaultKind(_hang, after=True, options=HANG_OPTIONS),
        "cut_after": FaultKind(_cut, after=True),
    }
)
