"""Queries of many jobs in threads."""

from __future__ import annotations

import threading
from typing import Any

from support.waiting import CEILING

from airflow_provider_ims._jobs.bulk_query import query_jobs
from airflow_provider_ims._jobs.kinds import family_of
from airflow_provider_ims._jobs.rate_limiter import RateLimiter


class BlockedHook:
    """A hook whose first response arrives at once, and all others after ``continues`` is set."""

    def __init__(self) -> None:
        self.continues = threading.Event()

    def connect(self) -> None:
        """Create no client."""

    def call(self, action: str, params: Any, **_: Any) -> dict[str, Any]:
        if params["JobId"] != "job-0":
            self.continues.wait(CEILING)
        return {"JobId": params["JobId"], "State": "Finished"}


def test_an_abandoned_iterator_does_not_wait_for_the_requests_in_flight() -> None:
    """The garbage collector may close the iterator in any thread, even in one for which the requests wait."""
    hook = BlockedHook()
    jobs = query_jobs(family_of("smart"), hook, [f"job-{number}" for number in range(40)], RateLimiter())  # type: ignore[arg-type]
    assert next(jobs)[0] == "job-0"
    closing = threading.Thread(target=jobs.close)  # type: ignore[attr-defined]
    closing.start()
    closing.join(CEILING / 10)
    blocked = closing.is_alive()
    hook.continues.set()
    closing.join(CEILING)
    assert not blocked
