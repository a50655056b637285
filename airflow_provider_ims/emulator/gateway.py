"""Takes one request through signature, faults, parameter checks and the action, and records it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.emulator import batch, faults, generic, images, smart
from airflow_provider_ims.emulator.actions import ACTIONS, PRODUCTS, Phase
from airflow_provider_ims.emulator.clock import JobClock
from airflow_provider_ims.emulator.errors import ApiError, missing
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.kinds import key_of
from airflow_provider_ims.emulator.rules import check_parameters
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.signature import Verifier
from airflow_provider_ims.emulator.store import Job, Store
from airflow_provider_ims.emulator.wire import Call, Reply

log = logging.getLogger("airflow_provider_ims.emulator")

Submit = Callable[[Jobs, dict[str, str]], tuple[dict[str, Any], Job]]
Query = Callable[[Jobs, dict[str, str]], dict[str, Any]]

SUBMITS: MappingProxyType[str, Submit] = MappingProxyType(
    {
        smart.TEXT: smart.submit_text,
        smart.AUDIO: smart.submit_audio,
        images.ACTION: images.submit,
        **{action: partial(smart.submit_other, action) for action in smart.OTHERS},
        **{action: partial(batch.submit, action=action) for action in batch.ACTIONS},
        **generic.SUBMITS,
    }
)
QUERIES: MappingProxyType[str, Query] = MappingProxyType(
    {
        "GetSmartHandleJob": smart.get,
        "ListSmartJobs": smart.list_jobs,
        "GetBatchMediaProducingJob": batch.get,
        "ListBatchMediaProducingJobs": batch.list_jobs,
        "GetAIImageJobs": images.get,
        "ListAIImageInfo": images.list_info,
        **generic.QUERIES,
    }
)
RESULTS: MappingProxyType[str, Callable[[Jobs, Job], Any]] = MappingProxyType(
    {
        **dict.fromkeys((smart.TEXT, smart.AUDIO, *smart.OTHERS), smart.result),
        **dict.fromkeys(batch.ACTIONS, batch.sub_jobs),
        images.ACTION: images.found,
        **generic.RESULTS,
    }
)
# What an older style of the API puts among the parameters, and no record may keep.
SECRET_PARAMETERS = frozenset({"AccessKeyId", "SecurityToken", "Signature"})


class Gateway:
    """
    The service behind the port.

    :param settings: how it behaves.
    :param store: its state.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings: Settings = settings
        self.store: Store = store
        self.clock: JobClock = JobClock(settings.clock, store.setting("clock"))
        self.jobs: Jobs = Jobs(store, self.clock, settings)
        self.faults: faults.Faults = faults.Faults()
        self.closing = asyncio.Event()
        self._verifier = Verifier(settings.access_keys, settings.sts_tokens, settings.bearer_tokens)
        self._save_clock()

    async def answer(self, call: Call, client_gone: Callable[[], Awaitable[object]]) -> Reply | None:
        """
        Return the answer to a request, or None if the connection is to be cut.

        :param client_gone: waits until the client has closed its connection.
        """
        request_id = str(uuid.uuid4()).upper()
        record = _record(call, request_id)
        seq: int | None = None

        async def hang(seconds: float | None) -> bool:
            # Whoever counts requests must see one that hangs.
            nonlocal seq
            seq = self._keep(record, seq)
            return await self._hang(seconds, client_gone)

        turn = faults.Turn(call, self.jobs, self.settings.account_id, hang)
        reply: Reply | None
        try:
            reply = await self._work(turn, record)
        except ApiError as error:
            product = PRODUCTS.get(call.version)
            body = error.body(request_id=request_id, host=call.host, product=product.name if product else "")
            reply = Reply(error.status, body, dict(error.headers), error_code=error.code)
        except faults.ConnectionCutError:
            reply = None
        if reply is not None:
            record["status"], record["error_code"] = reply.status, reply.error_code
        # The state must last before the client can know of it.
        self._keep(record, seq)
        log.info("%s", Line(record))
        return reply

    async def _work(self, turn: faults.Turn, record: dict[str, Any]) -> Reply:
        call = turn.call
        _check_action(call)
        record["access_key_id"] = self._verifier.verify(call)
        await self._strike(turn, record, after=False)
        if turn.reply is not None:
            return turn.reply
        action = key_of(call.action, call.version)
        parameters = check_parameters(action, call.parameters())
        if action in SUBMITS:
            content, job = SUBMITS[action](self.jobs, parameters)
            turn.reply = Reply(200, content, job_id=job.job_id)
            record["job_id"] = job.job_id
        else:
            turn.reply = Reply(200, QUERIES[action](self.jobs, parameters))
        turn.reply.content = {"RequestId": record["request_id"], **turn.reply.content}
        await self._strike(turn, record, after=True)
        return turn.reply

    async def _strike(self, turn: faults.Turn, record: dict[str, Any], *, after: bool) -> None:
        for fault in self.faults.due(key_of(turn.call.action, turn.call.version), after=after):
            kind = faults.KINDS[fault.kind]
            if not kind.limits:
                record["faults"].append(fault.kind)
            effect = kind.effect(turn, fault)
            if inspect.isawaitable(effect):
                await effect

    def _keep(self, record: dict[str, Any], seq: int | None) -> int:
        if seq is None:
            seq = self.store.add_request(record)
        else:
            self.store.change_request(seq, record)
        self.store.commit()
        return seq

    async def _hang(self, seconds: float | None, client_gone: Callable[[], Awaitable[object]]) -> bool:
        gone = asyncio.ensure_future(client_gone())
        closing = asyncio.ensure_future(self.closing.wait())
        released = asyncio.ensure_future(self.faults.released.wait())
        waiting = {gone, closing, released}
        try:
            done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return not done & {gone, closing}

    def advance(self, seconds: float) -> float:
        """Move the job clock on."""
        now = self.clock.advance(seconds)
        self._save_clock()
        return now

    def add_jobs(self, kind: str, parameters: Mapping[str, str], seconds: Sequence[float]) -> list[str]:
        """
        Take in jobs as a submit would, one for each duration, and return their ids.

        :raises ValueError: for a kind that does not exist, or what a submit would refuse.
        """
        if kind not in SUBMITS:
            raise ValueError(f"no jobs are submitted by {kind!r}; known are {', '.join(SUBMITS)}")
        if min(seconds, default=0) < 0:
            raise ValueError(f"a job cannot take {min(seconds)} s")
        try:
            checked = check_parameters(kind, parameters)
        except ApiError as error:
            raise ValueError(str(error)) from None
        job_ids = [SUBMITS[kind](self.jobs, checked)[1].job_id for _ in seconds]
        for job_id, its_seconds in zip(job_ids, seconds, strict=True):
            self.jobs.set_seconds(job_id, its_seconds)
        self.store.commit()
        return job_ids

    def describe(self, job: Job) -> dict[str, Any]:
        """Return a job as the control interface shows it, with its result once it has one."""
        result = RESULTS[job.action](self.jobs, job) if self.jobs.phase(job) is Phase.SUCCEEDED else None
        return self.jobs.describe(job, result)

    def reset(self) -> None:
        """Forget all jobs, requests and faults; the clock goes on."""
        self.faults.clear()
        self.store.reset()

    def _save_clock(self) -> None:
        self.store.save_setting("clock", self.clock.save())
        self.store.commit()


def _check_action(call: Call) -> None:
    for name in ("x-acs-action", "x-acs-version"):
        if not call.headers.get(name):
            raise missing(name)
    if call.method not in ("GET", "POST"):
        raise ApiError("UnsupportedHTTPMethod")
    if call.version not in PRODUCTS:
        raise ApiError("InvalidVersion")
    if ACTIONS.get(key_of(call.action, call.version)) != call.version or call.path != "/":
        raise ApiError("InvalidAction.NotFound")


def _record(call: Call, request_id: str) -> dict[str, Any]:
    parameters = call.parameters()
    return {
        "time": time.time(),
        "request_id": request_id,
        "method": call.method,
        "action": call.action,
        "version": call.version,
        "parameters": {name: value for name, value in parameters.items() if name not in SECRET_PARAMETERS},
        "in_query": sorted({name for name, _ in call.query}),
        "in_body": sorted({name for name, _ in call.form}),
        "access_key_id": None,
        "status": None,
        "error_code": None,
        "job_id": None,
        "faults": [],
    }


class Line:
    """One readable line about a request, made only if somebody reads it."""

    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record

    def __str__(self) -> str:
        """Return the line."""
        record = self._record
        shown = " ".join(f"{name}={_short(value)}" for name, value in record["parameters"].items())
        end = [str(record["status"] or "cut")]
        end += [f"{name}={record[name]}" for name in ("error_code", "job_id") if record[name]]
        end += [f"fault={kind}" for kind in record["faults"]]
        return f"{record['action'] or '-'} {shown} -> {' '.join(end)}"


def _short(value: str, most: int = 60) -> str:
    value = " ".join(value.split())
    return value if len(value) <= most else f"{value[:most]}..."
