"""Sends the submit requests of a window in parallel. A window is a group of up to 50 requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._submission.ledger import Item
from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState
from airflow_provider_ims._submission.recovery import MAX_SUBMITS, Recovery
from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.hooks._base import THROTTLE_TIMEOUT, AlibabaCloudMediaHook

log = logging.getLogger(__name__)

#: The maximum number of requests in a window.
SIZE = 50
THREADS = 8
#: No request of a window is sent later than this number of seconds after the start of the window, because the worker
#: may have been suspended and another try may have started.
MAX_AGE = 120.0


@dataclass(slots=True)
class PendingSubmit:
    """
    One request of a window.

    :param before: The record before the request is sent.
    :param sent: Whether the request may have been sent.
    :param fatal: An error that ends the submission of all items; ``None`` if there is none.
    """

    item: Item
    recovery: Recovery
    before: SubmissionRecord
    sent: bool = False
    fatal: BaseException | None = None

    def record_intent(self, now: float) -> None:
        """Set the item's record as if the request had been sent and had received no response."""
        self.item.record = replace(
            self.before,
            submitted_at=now,
            unanswered_submits=self.before.unanswered_submits + 1,
            token=self.recovery.token,
            queue=self.recovery.queue,
        )

    def handle_error(self, error: ImsError) -> None:
        """Update the item's record after a failed submit request."""
        item, accepted = self.item, self.recovery.was_accepted(error)
        if accepted is None:
            log.info("The service may have accepted requests[%d]: %s", item.index, error)
        elif accepted:
            item.record = replace(item.record, accepted_without_id=True)
        else:
            item.record = self.before
            # An earlier request may have been accepted, and a retry may find its job.
            error.transient |= self.before.state is not SubmissionState.NEW
            if self.recovery.is_duplicate(error):
                item.error = self.recovery.uncertain(f"the service rejected a second submit request: {error}")
            elif isinstance(error, ImsRequestError):
                item.error = error
                log.warning("The service rejected requests[%d]: %s", item.index, error)
            else:
                self.fatal = error


@dataclass(slots=True)
class Window:
    """
    Requests that are sent in parallel.

    :param submits: The requests. If there is a task state store, they are already recorded in it.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    limiter: RateLimiter
    submits: Sequence[PendingSubmit]
    now: Callable[[], float] = time.time
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _started_at: float = field(init=False, default=0.0)

    def send(self) -> None:
        """Send the requests and update the records; restore the earlier record of each request that was not sent."""
        self._started_at = self.now()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ims-submit")
        try:
            wait([pool.submit(self._send_one, one) for one in self.submits])
        finally:
            # If the task is interrupted, wait for the responses to the requests that were sent, and send no others.
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            for one in self.submits:
                if not one.sent:
                    one.item.record = one.before

    def _send_one(self, one: PendingSubmit) -> None:
        if self._stop.is_set() or self.now() - self._started_at > MAX_AGE:
            return
        one.sent = True
        item, action = one.item, self.kind.submit_action
        item.submits += 1
        try:
            body = self.limiter.call(
                self.hook, action, one.recovery.request, throttle_timeout=THROTTLE_TIMEOUT, attempts=MAX_SUBMITS
            )
            item.record = replace(item.record, job_id=self.kind.accepted_job_id(body))
        except ImsError as error:
            one.handle_error(error)
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            one.fatal = error
        if one.fatal is not None:
            self._stop.set()
