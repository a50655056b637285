"""Sends the callbacks of jobs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable, Mapping

from airflow_provider_ims.emulator.api.events import event_of, message_of
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import json_body
from airflow_provider_ims.emulator.api.model import ICE, VOD, JobView, Product
from airflow_provider_ims.emulator.api.targets import Target, target_of
from airflow_provider_ims.emulator.server.post import host_of, is_loopback, post
from airflow_provider_ims.emulator.state.callbacks import Notification

log = logging.getLogger("airflow_provider_ims.emulator")

PAUSES = (0.0, 1.0, 1.0)
"""The delay before each try, in seconds."""

LIMITS: Mapping[Product, float] = {ICE: 3.0, VOD: 5.0}
"""The time within which a receiver must respond with the status 200, in seconds."""

MAX_CONCURRENT = 8
"""The number of jobs whose callbacks are sent at a time. More would overload Python's http.server as a receiver."""

ANY_HOST = "*"


class Notifier:
    """
    Sends the callback of each job that ends, and sends it again after a restart if the emulator was killed meanwhile.

    :param jobs: The jobs.
    :param hosts: The hosts to which it may send callbacks, in addition to this machine; ``*`` for all.
    """

    def __init__(self, jobs: Jobs, hosts: Iterable[str] = ()) -> None:
        self._jobs = jobs
        self._table = jobs.store.callbacks
        self._hosts = frozenset(host.lower() for host in hosts)
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._logged: set[str] = set()
        jobs.store.on_commit = self._wake

    def _wake(self) -> None:
        if self._table.has_pending():
            self._changed.set()

    async def run(self) -> None:
        """Send callbacks until cancelled."""
        self._wake()
        try:
            while True:
                await self._wait()
                self._changed.clear()
                self._start_tasks()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _wait(self) -> None:
        clock = self._jobs.clock
        end = self._table.next_due(clock.now()) if clock.mode == "auto" else None
        try:
            async with asyncio.timeout(None if end is None else max(0.0, end - clock.now())):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _start_tasks(self) -> None:
        # The due jobs include those whose tasks are running.
        for job_id in self._table.due(self._jobs.clock.now(), 2 * MAX_CONCURRENT):
            if job_id not in self._tasks and len(self._tasks) < MAX_CONCURRENT:
                self._tasks[job_id] = asyncio.create_task(self._notify(job_id))

    async def _notify(self, job_id: str) -> None:
        try:
            # There is none if the emulator was reset meanwhile.
            for notification in self._table.notifications(job_id):
                await self._process(notification, self._jobs.view(self._jobs.get(job_id)))
        except Exception:
            log.exception("callback job_id=%s", job_id)
            self._table.save(Notification(job_id, status="failed", reason="an error of the emulator; see its log"))
        finally:
            del self._tasks[job_id]
        # The commit wakes the notifier, which starts the next task.
        self._jobs.store.commit()

    async def _process(self, notification: Notification, view: JobView) -> None:
        event = event_of(view)
        target = target_of(self._table, view, event.enabled_by)
        if target is None:
            self._table.delete(view.job_id)
            return
        notification.event_type, notification.url, notification.message = event.name, target.address, message_of(view)
        notification.reason = self._refusal(target)
        if notification.reason is not None:
            notification.status = "refused"
            self._log_once(notification.reason)
        elif notification.copies == 0:
            notification.status, notification.reason = "lost", "a fault"
        else:
            self._table.save(notification)
            self._jobs.store.commit()
            for _ in range(notification.copies):
                await self._send(notification, view.kind.family.product, target)
        self._table.save(notification)

    async def _send(self, notification: Notification, product: Product, target: Target) -> None:
        body, status = json_body(notification.message), "failed"
        outcome: dict[str, object] = {}
        for pause in PAUSES:
            await asyncio.sleep(pause)
            if not self._table.has_pending(notification.job_id):
                # The emulator was reset.
                return
            outcome = await _try(target, body, product)
            notification.tries.append(outcome)
            if outcome.get("status") == 200:
                status = "delivered"
                break
        notification.status = status
        log.log(
            logging.INFO if status == "delivered" else logging.WARNING,
            "callback %s job_id=%s %s -> %s: %s",
            notification.event_type,
            notification.job_id,
            target.address,
            status,
            outcome.get("status") or outcome.get("error"),
        )

    def _refusal(self, target: Target) -> str | None:
        if not target.is_url:
            return "the emulator does not send messages to SMQ (MNS) queues"
        try:
            host = host_of(target.address)
        except ValueError as error:
            return str(error)
        if ANY_HOST in self._hosts or host in self._hosts or is_loopback(host):
            return None
        return f"the host {host} is not on this machine; allow it with callback_hosts or --callback-host"

    def _log_once(self, reason: str) -> None:
        if reason not in self._logged:
            self._logged.add(reason)
            log.warning("Callbacks are not sent: %s.", reason)


async def _try(target: Target, body: bytes, product: Product) -> dict[str, object]:
    now, limit = time.time(), LIMITS[product]
    headers = signature_headers(target.address, target.auth_key, str(int(now)), product) if target.auth_key else {}
    try:
        return {"time": now, "status": await post(target.address, body, headers, limit=limit)}
    except TimeoutError:
        return {"time": now, "error": f"no response within {limit:g} s"}
    except (OSError, ValueError) as error:
        return {"time": now, "error": str(error) or type(error).__name__}


def signature_headers(url: str, key: str, timestamp: str, product: Product) -> dict[str, str]:
    """Return the headers with which a receiver authenticates a callback."""
    prefix = "X-ICE" if product is ICE else "X-VOD"
    digest = hashlib.md5(f"{url}|{timestamp}|{key}".encode(), usedforsecurity=False).hexdigest()
    return {f"{prefix}-TIMESTAMP": timestamp, f"{prefix}-SIGNATURE": digest}
