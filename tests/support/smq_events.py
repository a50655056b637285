"""Messages about jobs in a queue of the emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from support.waiting import CEILING

QUEUE = "ice-callback-dags"


def body(job_id: str = "j1", status: str = "Success", user_data: Any = None) -> str:
    content = {"Status": status, "JobId": job_id, "UserData": json.dumps(user_data or {})}
    return json.dumps({"EventType": "ProduceMediaComplete", "MessageBody": content})


def job_ids(payloads: list[Any]) -> list[str]:
    return [job_id for payload in payloads for job_id in payload["job_ids"]]


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds and return its value."""
    async with asyncio.timeout(CEILING):
        while not (value := condition()):  # noqa: ASYNC110 - the emulator runs in another thread
            await asyncio.sleep(0.01)
    return value
