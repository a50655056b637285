"""
The methods of waiting for jobs that the benchmark compares.

Each method runs in a separate process, in which one instance of it waits for all jobs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

ENDED = {"finished", "failed", "success", "fail"}
#: The timeout of the triggers, which is longer than any run.
DEADLINE_SECONDS = 24 * 3600


class Method(Protocol):
    """
    A method that waits in an event loop.

    :param one_wait: Whether a single wait is for all jobs; otherwise, there is one wait for each job.
    :param errors: The number of failed requests so far.
    """

    one_wait: bool
    errors: int

    async def wait(self, job_ids: Sequence[str], created: float, interval: float) -> None:
        """Return when the jobs have ended."""


class Ours:
    """The triggers of the provider, one for each job."""

    one_wait = False
    #: The status in the event of a successful wait.
    status = "ended"
    #: Additional arguments of the trigger.
    arguments: ClassVar[dict[str, Any]] = {}

    def __init__(self, family: str) -> None:
        from airflow_provider_ims.triggers.ims import ImsJobTrigger
        from airflow_provider_ims.triggers.vod import VodJobTrigger

        self._trigger: Callable[..., Any] = VodJobTrigger if family == "image" else ImsJobTrigger
        self._family = "ai_image" if family == "image" else family
        self.errors = 0

    async def wait(self, job_ids: Sequence[str], created: float, interval: float) -> None:
        """Return when the trigger yields its event."""
        now = time.time()
        trigger = self._trigger(
            family=self._family,
            job_ids=job_ids,
            deadline=now + DEADLINE_SECONDS,
            wait_started_at=now,
            submitted_at=created,
            poll_interval=interval,
            **self.arguments,
        )
        async for event in trigger.run():
            left = event.payload.get("job_ids") if self.one_wait else []
            if event.payload["status"] != self.status or left:
                raise RuntimeError(f"unexpected event for the jobs {job_ids}: {event.payload}")


class OneTrigger(Ours):
    """The trigger of a task with many jobs."""

    one_wait = True
    status = "unfinished"
    arguments: ClassVar[dict[str, Any]] = {"unfinished": 0}


@dataclass(frozen=True)
class SdkCall:
    """A query of one job: the product client, its method, the request for a job id, and the state in a response."""

    client: Any
    method: str
    request: Callable[[str], Any]
    state: Callable[[Any], str]

    def ended(self, response: Any) -> bool:
        """Return whether the job has ended according to a response."""
        return (self.state(response.body) or "").lower() in ENDED


def sdk_call(family: str) -> SdkCall:
    """Return the query of a job of a family with the official product client of the default connection."""
    if family == "image":
        from alibabacloud_vod20170321 import models as vod

        from airflow_provider_ims.hooks.vod import VodHook

        return SdkCall(
            VodHook().get_conn(),
            "get_aiimage_jobs",
            lambda job_id: vod.GetAIImageJobsRequest(job_ids=job_id),
            lambda body: body.aiimage_job_list[0].status,
        )
    from alibabacloud_ice20201109 import models as ice

    from airflow_provider_ims.hooks.ims import ImsHook

    client = ImsHook().get_conn()
    if family == "batch":
        return SdkCall(
            client,
            "get_batch_media_producing_job",
            lambda job_id: ice.GetBatchMediaProducingJobRequest(job_id=job_id),
            lambda body: body.editing_batch_job.status,
        )
    return SdkCall(
        client,
        "get_smart_handle_job",
        lambda job_id: ice.GetSmartHandleJobRequest(job_id=job_id),
        lambda body: body.state,
    )


class SdkTrigger:
    """A trigger that queries its job once per interval with the product client."""

    one_wait = False

    def __init__(self, family: str) -> None:
        self.call = sdk_call(family)
        self.errors = 0

    async def query(self, request: Any) -> Any:
        """Send one request."""
        raise NotImplementedError

    async def wait(self, job_ids: Sequence[str], created: float, interval: float) -> None:
        """Return when the job has ended. Count errors, but otherwise ignore them."""
        (job_id,) = job_ids
        request = self.call.request(job_id)
        while True:
            try:
                if self.call.ended(await self.query(request)):
                    return
            except Exception:  # noqa: BLE001
                self.errors += 1
            await asyncio.sleep(interval)


class SdkAsync(SdkTrigger):
    """A trigger that awaits the client's async method."""

    async def query(self, request: Any) -> Any:
        """Send one request."""
        return await getattr(self.call.client, f"{self.call.method}_async")(request)


class SdkThread(SdkTrigger):
    """A trigger that calls the client's blocking method in a thread."""

    async def query(self, request: Any) -> Any:
        """Send one request."""
        return await asyncio.to_thread(getattr(self.call.client, self.call.method), request)


#: The provider's triggers with ``[ims] freeze_garbage_collector``.
FROZEN = "frozen"
ONE_TRIGGER = "one_trigger"
METHODS: dict[str, type[Ours | SdkTrigger]] = {
    "ours": Ours,
    FROZEN: Ours,
    ONE_TRIGGER: OneTrigger,
    "async": SdkAsync,
    "thread": SdkThread,
}
LOOP = "loop"


def wait_in_loop(call: SdkCall, job_id: str, interval: float) -> None:
    """Block until the job has ended, as an operator without deferral does."""
    request = call.request(job_id)
    while not call.ended(getattr(call.client, call.method)(request)):
        time.sleep(interval)
