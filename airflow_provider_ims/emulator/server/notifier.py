"""Sends the callbacks of jobs to URLs and queues."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping

from airflow_provider_ims.emulator.api.events import event_of, message_of
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import json_body
from airflow_provider_ims.emulator.api.model import ICE, VOD, JobView, Product
from airflow_provider_ims.emulator.api.queues import Queues
from airflow_provider_ims.emulator.api.targets import QUEUE_PREFIX, Target, target_of
from airflow_provider_ims.emulator.server.post import host_of, is_loopback, post
from airflow_provider_ims.emulator.state.callbacks import Notification

log = logging.getLogger("airflow_provider_ims.emulator")

PAUSES = (0.0, 1.0, 1.0)
"""The pauses before the three attempts to send a callback to a URL, in seconds."""

LIMITS: Mapping[Product, float] = {ICE: 3.0, VOD: 5.0}
"""The time in seconds within which the receiver of a callback must respond."""

MAX_CONCURRENT = 8
"""The maximum number of jobs whose callbacks are sent concurrently. More concurrent callbacks could overload a
receiver that uses Python's ``http.server``."""

ANY_HOST = "*"


class Notifier:
    """
    Sends the callback of each job when the job ends.

    After a restart, it sends the callbacks that were still pending. If the emulator was killed while it was sending a
    callback, the receiver can therefore receive the callback twice.

    :param jobs: The jobs. ``jobs.settings`` contains the hosts to which callbacks are allowed.
    :param queues: The queues to which callbacks are sent.
    """

    def __init__(self, jobs: Jobs, queues: Queues) -> None:
        self._jobs = jobs
        self._queues = queues
        self._table = jobs.store.callbacks
        self._hosts = frozenset(host.lower() for host in jobs.settings.callback_hosts)
        self._changed = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._logged: set[str] = set()
        jobs.store.on_commit = self._wake

    def _wake(self) -> None:
        if self._table.has_pending():
            self._changed.set()

    async def run(self) -> None:
        """Send callbacks until the task that runs this method is cancelled."""
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
        # Callbacks that are being sent are still due, so up to MAX_CONCURRENT of the returned jobs already have a task.
        for job_id in self._table.due(self._jobs.clock.now(), 2 * MAX_CONCURRENT):
            if job_id not in self._tasks and len(self._tasks) < MAX_CONCURRENT:
                self._tasks[job_id] = asyncio.create_task(self._notify(job_id))

    async def _notify(self, job_id: str) -> None:
        try:
            # The list is empty if the emulator has been reset in the meantime.
            for notification in self._table.notifications(job_id):
                await self._process(notification, self._jobs.view(self._jobs.get(job_id)))
        except Exception:
            log.exception("The emulator failed to process the callback job_id=%s", job_id)
            self._table.save(Notification(job_id, status="failed", reason="the emulator failed; see its log"))
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
        product = view.kind.family.product
        notification.reason = self._refusal(target, product)
        if notification.reason is not None:
            notification.status = "refused"
            self._log_once(notification.reason)
        elif notification.copies == 0:
            notification.status, notification.reason = "lost", "an injected fault set copies to 0"
        elif not target.is_url:
            self._put(notification, target)
        else:
            self._table.save(notification)
            self._jobs.store.commit()
            for _ in range(notification.copies):
                await self._send(notification, product, target)
        self._table.save(notification)

    def _put(self, notification: Notification, target: Target) -> None:
        """Put the message into a queue. The message and the notification are committed together."""
        queues, text = self._queues.in_region(target.region), json_body(notification.message).decode()
        try:
            for _ in range(notification.copies):
                message = queues.deliver(target.address, text)
                notification.tries.append({"time": message.enqueued, "message_id": message.message_id})
            notification.status = "delivered"
        except ValueError as error:
            notification.tries.append({"time": time.time(), "error": str(error)})
            notification.status = "failed"
        _log_delivery(notification)

    async def _send(self, notification: Notification, product: Product, target: Target) -> None:
        body, status = json_body(notification.message), "failed"
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
        _log_delivery(notification)

    def _refusal(self, target: Target, product: Product) -> str | None:
        if not target.is_url:
            is_allowed = product is VOD or target.address.startswith(QUEUE_PREFIX)
            return None if is_allowed else f"the name of a queue for IMS must start with {QUEUE_PREFIX}"
        try:
            host = host_of(target.address)
        except ValueError as error:
            return str(error)
        if ANY_HOST in self._hosts or host in self._hosts or is_loopback(host):
            return None
        return f"the host {host} is not a loopback address; allow it with callback_hosts or --callback-host"

    def _log_once(self, reason: str) -> None:
        if reason not in self._logged:
            self._logged.add(reason)
            log.warning("A callback was not sent: %s. Further refusals for this reason will not be logged.", reason)


def _log_delivery(notification: Notification) -> None:
    outcome = notification.tries[-1]
    log.log(
        logging.INFO if notification.status == "delivered" else logging.WARNING,
        "callback %s job_id=%s %s -> %s: %s",
        notification.event_type,
        notification.job_id,
        notification.url,
        notification.status,
        outcome.get("status") or outcome.get("message_id") or outcome.get("error"),
    )


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
    """
    Return the headers with which the receiver of a callback can verify its sender.

    :param key: The ``AuthKey`` in the callback settings.
    :param timestamp: The current time in whole epoch seconds.
    """
    prefix = "X-ICE" if product is ICE else "X-VOD"
    digest = hashlib.md5(f"{url}|{timestamp}|{key}".encode(), usedforsecurity=False).hexdigest()
    return {f"{prefix}-TIMESTAMP": timestamp, f"{prefix}-SIGNATURE": digest}
