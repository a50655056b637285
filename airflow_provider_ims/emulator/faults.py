"""
Switches that make the service misbehave, so that a client can be tested against it.

They are not part of the state: a restarted emulator behaves well until told otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.emulator.actions import ACTIONS, PRODUCTS
from airflow_provider_ims.emulator.actions import KINDS as JOB_KINDS
from airflow_provider_ims.emulator.errors import ApiError, access_denied_detail
from airflow_provider_ims.emulator.jobs import FAILED, part_count
from airflow_provider_ims.emulator.wire import Call, Reply

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.jobs import Jobs

EVERY_ACTION = "*"
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ConnectionCutError(Exception):
    """The connection is to end without an answer."""


@dataclass
class Fault:
    """
    One switch that is on.

    :param remaining: how many requests it still meets; None until cleared.
    :param share: which share of the requests it meets, by throws of ``dice``.
    :param tokens: what is left of a rate limit, and ``refilled`` when that was, in monotonic seconds.
    """

    number: int
    action: str
    kind: str
    remaining: int | None
    options: dict[str, Any]
    share: float
    dice: random.Random
    tokens: float = 0.0
    refilled: float = 0.0

    def describe(self) -> dict[str, Any]:
        """Return the switch as the control interface shows it."""
        return {
            "action": self.action,
            "kind": self.kind,
            "remaining": self.remaining,
            "options": self.options,
            "share": self.share,
        }


@dataclass
class Turn:
    """
    One request on its way through the faults.

    :param hang: waits to be released, at most so many seconds; True if the client is still there.
    :param reply: the answer so far; None before the work.
    """

    call: Call
    jobs: Jobs
    account_id: str
    hang: Callable[[float | None], Awaitable[bool]]
    reply: Reply | None = None


Effect = Callable[[Turn, Fault], Awaitable[None] | None]


@dataclass(frozen=True)
class FaultKind:
    """
    What a kind of fault does.

    :param effect: raises ApiError or ConnectionCutError, or changes the reply or the job.
    :param after: whether it strikes once the work is done.
    :param options: the options it takes, with their defaults.
    :param limits: whether it counts requests itself instead of meeting a number of them.
    :param submits: whether it meets submits alone.
    """

    effect: Effect
    after: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: bool = False
    submits: bool = False


def _error(turn: Turn, fault: Fault) -> None:
    options = fault.options
    after = options["retry_after"]
    raise ApiError(
        options["code"],
        message=options["message"],
        status=options["status"],
        headers={"x-acs-retry-after": str(after)} if after is not None else None,
    )


def _deny(turn: Turn, fault: Fault) -> None:
    product = PRODUCTS[turn.call.version]
    detail = access_denied_detail(f"{product.ram}:{turn.call.action}", account_id=turn.account_id)
    extra = {"AccessDeniedDetail": detail} if fault.options["detail"] else None
    raise ApiError(fault.options["code"], status=403, extra=extra)


def _non_json(turn: Turn, fault: Fault) -> None:
    options = fault.options
    turn.reply = Reply(options["status"], options["body"].encode(), {"content-type": options["content_type"]})


async def _hang(turn: Turn, fault: Fault) -> None:
    if not await turn.hang(fault.options["seconds"]):
        raise ConnectionCutError


def _cut(turn: Turn, fault: Fault) -> None:
    raise ConnectionCutError


def _qps(turn: Turn, fault: Fault) -> None:
    rate, now = float(fault.options["rate"]), time.monotonic()
    most = float(fault.options["burst"] or max(1.0, rate))
    # A new limit starts with a full bucket.
    gained = most if fault.refilled == 0.0 else (now - fault.refilled) * rate
    fault.tokens, fault.refilled = min(most, fault.tokens + gained), now
    if fault.tokens < 1:
        raise ApiError(fault.options["code"])
    fault.tokens -= 1


def _fail_job(turn: Turn, fault: Fault) -> None:
    assert turn.reply is not None
    assert turn.reply.job_id is not None
    job, options = turn.jobs.get(turn.reply.job_id), fault.options
    error = options["code"], options["message"]
    total = part_count(job)
    if options["videos"] is None or total is None:
        turn.jobs.fail_at_end(job.job_id, *error)
    else:
        turn.jobs.fail_videos(job.job_id, min(options["videos"], total), *error)


def _unknown_state(turn: Turn, fault: Fault) -> None:
    assert turn.reply is not None
    state = fault.options["state"]
    if turn.reply.job_id is not None:
        turn.jobs.set_state(turn.reply.job_id, state)
    else:
        turn.reply.content = _with_state(turn.reply.content, state)


def _odd_shape(turn: Turn, fault: Fault) -> None:
    assert turn.reply is not None
    options = fault.options
    if options["merge"] or options["drop"]:
        kept = {name: value for name, value in turn.reply.content.items() if name not in options["drop"]}
        turn.reply.content = {**kept, **options["merge"]}
    else:
        turn.reply.content = options["body"]


_STATE_FIELDS = ("State", "Status", "JobState", "JobStatus", "TaskStatus")
_PARTS = ("SubJobList", "TranscodeJobList", "TranscodeJobInfoList", "OutputDetails")


def _with_state(value: Any, state: str) -> Any:
    if isinstance(value, list):
        return [_with_state(item, state) for item in value]
    if not isinstance(value, dict):
        return value
    # The parts of a job have states of their own.
    return {
        name: state if name in _STATE_FIELDS else item if name in _PARTS else _with_state(item, state)
        for name, item in value.items()
    }


def _answers(code: str) -> FaultKind:
    return FaultKind(_error, options={"code": code, "status": None, "message": None, "retry_after": None})


_JOB_ERROR = {"code": FAILED[0], "message": FAILED[1]}

KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "throttle": _answers("Throttling.User"),
        "server_error": _answers("InternalError"),
        "unavailable": _answers("ServiceUnAvailable"),
        "not_subscribed": _answers("OperationDenied"),
        "suspended": _answers("OperationDenied.Suspended"),
        "error": _answers("InternalError"),
        "deny": FaultKind(_deny, options={"code": "Forbidden.RAM", "detail": True}),
        "non_json": FaultKind(_non_json, options={"status": 502, "body": HTML, "content_type": "text/html"}),
        "hang": FaultKind(_hang, options={"seconds": 30.0}),
        "cut": FaultKind(_cut),
        "qps": FaultKind(_qps, options={"rate": 1.0, "burst": None, "code": "Throttling.User"}, limits=True),
        "fail_job": FaultKind(_fail_job, after=True, options={**_JOB_ERROR, "videos": None}, submits=True),
        "unknown_state": FaultKind(_unknown_state, after=True, options={"state": "Suspending"}),
        "odd_shape": FaultKind(_odd_shape, after=True, options={"body": [], "merge": {}, "drop": []}),
        # Last, for what they do to the answer is final.
        "hang_after": FaultKind(_hang, after=True, options={"seconds": 30.0}),
        "cut_after": FaultKind(_cut, after=True),
    }
)


class Faults:
    """All switches of one emulator."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(
        self,
        action: str,
        kind: str,
        count: int | None,
        options: Mapping[str, Any],
        *,
        share: float = 1.0,
        seed: int | None = None,
    ) -> Fault:
        """
        Turn a switch on.

        :param action: the action it meets, ``*`` for all.
        :param kind: one of :data:`KINDS`.
        :param count: how many requests it meets; None until cleared. A rate limit always stays until cleared.
        :param options: over the defaults of the kind.
        :param share: which share of the requests it meets, chosen at random.
        :param seed: makes the choice the same each time.
        :raises ValueError: for an action, kind, count, share or option that does not exist.
        """
        if action != EVERY_ACTION and action not in ACTIONS:
            raise ValueError(f"there is no action {action!r}; these exist: *, {', '.join(ACTIONS)}")
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind!r}; these exist: {', '.join(KINDS)}")
        if KINDS[kind].submits and action != EVERY_ACTION and action not in JOB_KINDS:
            raise ValueError(f"the fault {kind!r} meets submits, and {action} is none")
        if count is not None and count < 1:
            raise ValueError(f"a fault cannot meet {count} requests")
        if not 0 < share <= 1:
            raise ValueError(f"a fault cannot meet a share of {share}")
        known = KINDS[kind].options
        if unknown := set(options) - set(known):
            raise ValueError(f"the fault {kind!r} has no option {unknown.pop()!r}; these exist: {', '.join(known)}")
        remaining = None if KINDS[kind].limits else count
        dice = random.Random(seed)
        fault = Fault(next(self._numbers), action, kind, remaining, {**known, **options}, share, dice)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Turn all switches off; what hangs goes on."""
        self.release()
        self._faults.clear()

    def release(self) -> None:
        """Let all requests that hang go on."""
        self.released.set()
        self.released = asyncio.Event()

    def describe(self) -> list[dict[str, Any]]:
        """Return all switches that are on."""
        return [fault.describe() for fault in self._faults]

    def due(self, action: str, *, after: bool) -> Iterator[Fault]:
        """
        Yield the faults that a request meets, each counted as it is yielded.

        Before the work a request meets one fault, besides rate limits; after it one of each kind, so that a
        job can both fail and have its answer lost.
        """
        order = list(KINDS).index if after else lambda kind: 0
        met: set[str] = set()
        for fault in sorted(self._faults, key=lambda fault: (order(fault.kind), fault.number)):
            kind = KINDS[fault.kind]
            slot = fault.kind if after or kind.limits else "before"
            if kind.after is not after or fault.action not in (EVERY_ACTION, action) or slot in met:
                continue
            if kind.submits and action not in JOB_KINDS:
                continue
            if fault.share < 1 and fault.dice.random() >= fault.share:
                continue
            met.add(slot)
            if fault.remaining is not None:
                fault.remaining -= 1
                if fault.remaining == 0:
                    self._faults.remove(fault)
            yield fault
