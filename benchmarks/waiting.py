"""
The measured process: waits for jobs with one method, and tells what that cost.

It is told what to do on its standard input, a JSON value a line, and answers on its standard output: the method
and one ended job to warm up with; then the jobs to wait for.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.methods import LOOP, METHODS, Method, sdk_call, wait_in_loop

TICK = 0.005
#: Ticks between two looks at the memory.
MEMORY_TICKS = 50
WORST_STALLS = 5


@dataclass
class Watch:
    """Watches the event loop from within, and the process's memory."""

    process: psutil.Process = field(default_factory=psutil.Process)
    peak_rss: int = 0
    worst: list[tuple[float, float]] = field(default_factory=list)
    worst_without_gc: float = 0.0
    _collected: float = 0.0
    _collecting_since: float = 0.0

    async def run(self) -> None:
        """Sleep 5 ms again and again; what it wakes up late by, everything else in the loop was late by too."""
        gc.callbacks.append(self._note_gc)
        loop = asyncio.get_running_loop()
        for tick in range(sys.maxsize):
            due, collected = loop.time() + TICK, self._collected
            await asyncio.sleep(TICK)
            late = loop.time() - due
            self.worst = sorted([*self.worst, (late, time.time())], reverse=True)[:WORST_STALLS]
            self.worst_without_gc = max(self.worst_without_gc, late - (self._collected - collected))
            if tick % MEMORY_TICKS == 0:
                self.look_at_memory()

    def _note_gc(self, phase: str, _: dict[str, int]) -> None:
        # Python's garbage collector stops every thread, for longer the more objects there are.
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self._collected += time.perf_counter() - self._collecting_since

    def look_at_memory(self) -> int:
        """Return the resident memory now, and remember the most."""
        rss: int = self.process.memory_info().rss
        self.peak_rss = max(self.peak_rss, rss)
        return rss


async def wait_for_all(method: Method, warm_up: str, tell: Any, hear: Any) -> dict[str, Any]:
    """Wait for the jobs as a triggerer does, each in a task of its own, and return the figures."""
    watch = Watch()
    ticker = asyncio.create_task(watch.run())
    # Imports, the connection and the first request of the SDK cost time and memory once, not for each job; only
    # the stall that they make counts.
    await method.wait(warm_up, time.time(), 1.0)
    tell("warm")
    orders = await asyncio.to_thread(hear)
    interval, created = orders["interval"], orders["created"]
    base_rss, base_cpu, began = watch.look_at_memory(), time.process_time(), time.time()
    events: dict[str, float] = {}

    async def wait_for(job_id: str) -> None:
        await method.wait(job_id, created, interval)
        events[job_id] = time.time()

    tasks = set()
    for job_id in orders["job_ids"]:
        # The triggerer, too, lets the loop run between two triggers that it starts.
        await asyncio.sleep(0)
        if time.time() - began > orders["seconds"]:
            break
        tasks.add(asyncio.create_task(wait_for(job_id)))
    left = max(0.0, began + orders["seconds"] - time.time())
    done, _ = await asyncio.wait(tasks, timeout=left)
    figures = {
        "began": began,
        "stopped": time.time(),
        "cpu": time.process_time() - base_cpu,
        "memory": watch.peak_rss - base_rss,
        "started": len(tasks),
        "events": events,
        "errors": method.errors,
        "stalls": [(late, at - began) for late, at in watch.worst],
        "stall_without_gc": watch.worst_without_gc,
    }
    ticker.cancel()
    for task in done:
        task.result()
    return figures


def wait_for_one(family: str, warm_up: str, tell: Any, hear: Any) -> dict[str, Any]:
    """Wait for one job in a blocking loop and return the figures."""
    call = sdk_call(family)
    wait_in_loop(call, warm_up, 1.0)
    tell("warm")
    orders = hear()
    base_cpu, began = time.process_time(), time.time()
    (job_id,) = orders["job_ids"]
    wait_in_loop(call, job_id, orders["interval"])
    return {
        "began": began,
        "stopped": time.time(),
        "cpu": time.process_time() - base_cpu,
        # All of it: each waiting job keeps such a process.
        "memory": psutil.Process().memory_info().rss,
        "started": 1,
        "events": {job_id: time.time()},
        "errors": 0,
        "stalls": [],
        "stall_without_gc": None,
    }


def main() -> None:
    """Do what standard input says."""
    answers = os.fdopen(os.dup(1), "w")
    # What Airflow logs to the standard output goes where the errors go.
    os.dup2(2, 1)

    def tell(answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    def hear() -> Any:
        return json.loads(sys.stdin.readline())

    orders = hear()
    if orders["method"] == LOOP:
        tell(wait_for_one(orders["family"], orders["warm_up"], tell, hear))
    else:
        method = METHODS[orders["method"]](orders["family"])
        asyncio.run(wait_and_leave(method, orders["warm_up"], tell, hear))


async def wait_and_leave(method: Method, warm_up: str, tell: Any, hear: Any) -> None:
    """Tell the figures and end the process, with whatever still waits in it."""
    tell(await wait_for_all(method, warm_up, tell, hear))
    # Thousands of requests may be under way; to cancel them all takes longer than the run did.
    os._exit(0)


if __name__ == "__main__":
    main()
