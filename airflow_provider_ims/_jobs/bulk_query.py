"""Queries many jobs by their ids, in eight threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims.hooks._base import ATTEMPTS, THROTTLE_TIMEOUT, AlibabaCloudMediaHook

THREADS = 8


@dataclass(frozen=True, slots=True)
class _Caller:
    hook: AlibabaCloudMediaHook
    limiter: RateLimiter

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self.limiter.call(self.hook, action, params, throttle_timeout=THROTTLE_TIMEOUT, attempts=ATTEMPTS)


def query_jobs(
    family: JobFamily, hook: AlibabaCloudMediaHook, job_ids: Sequence[str], limiter: RateLimiter
) -> Iterator[tuple[str, Job | None]]:
    """
    Yield (job id, job) pairs in the order of the ids; the job is ``None`` if the service does not find it.

    At most 32 responses are held in memory at a time.

    :raises ImsError: as raised by the hook's ``call``.
    """
    caller = _Caller(hook, limiter)
    # The client is created before the threads start, because all threads share it.
    hook.connect()
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ims-query")
    running: deque[tuple[Sequence[str], Future[dict[str, Job]]]] = deque()
    try:
        for ids in chunks(list(job_ids), family.ids_per_query):
            running.append((ids, pool.submit(family.query, caller, ids)))
            if len(running) >= 4 * THREADS:
                yield from _results(*running.popleft())
        while running:
            yield from _results(*running.popleft())
    finally:
        # The garbage collector may close an abandoned iterator in any thread, and that thread must not wait for the
        # requests.
        pool.shutdown(wait=False, cancel_futures=True)


def _results(ids: Sequence[str], future: Future[dict[str, Job]]) -> Iterator[tuple[str, Job | None]]:
    jobs = future.result()
    for job_id in ids:
        yield job_id, jobs.get(job_id)
