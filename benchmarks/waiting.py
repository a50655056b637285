"""
The measured process, which waits for jobs with one method and reports the cost.

It reads JSON messages from its standard input, one per line: first the method and an ended job for the warm-up, then
the jobs for which it waits. It writes its replies to its standard output.
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

#: Seconds for which the probe of the event loop sleeps.
TICK = 0.005
#: The number of these sleeps between two memory samples.
MEMORY_TICKS = 50
WORST_STALLS = 5


@dataclass
class LoopProbe:
    """Measures the stalls of the event loop and the memory of the process."""

    process: psutil.Process = field(default_factory=psutil.Process)
    peak_rss: int = 0
    worst: list[tuple[float, float]] = field(default_factory=list)
    worst_without_gc: float = 0.0
    _collected: float = 0.0
    _collecting_since: float = 0.0

    async def run(self) -> None:
        """Repeatedly sleep for 5 ms. If the event loop stalls, this task wakes up late, as all other tasks do."""
        gc.callbacks.append(self._on_gc)
        loop = asyncio.get_running_loop()
        for tick in range(sys.maxsize):
            due, collected = loop.time() + TICK, self._collected
            await asyncio.sleep(TICK)
            late = loop.time() - due
            self.worst = sorted([*self.worst, (late, time.time())], reverse=True)[:WORST_STALLS]
            self.worst_without_gc = max(self.worst_without_gc, late - (self._collected - collected))
            if tick % MEMORY_TICKS == 0:
                self.sample_memory()

    def _on_gc(self, phase: str, _: dict[str, int]) -> None:
        # Python's garbage collector stops all threads. The more objects exist, the longer this takes.
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self._collected += time.perf_counter() - self._collecting_since

    def forget_stalls(self) -> None:
        """Discard the stalls that were measured so far."""
        self.worst, self.worst_without_gc = [], 0.0

    def sample_memory(self) -> int:
        """Return the current resident memory, and update the peak."""
        rss: int = self.process.memory_info().rss
        self.peak_rss = max(self.peak_rss, rss)
        return rss


async def wait_for_all(method: Method, warm_up: str, send: Any, receive: Any) -> dict[str, Any]:
    """Run each wait in a separate asyncio task, as a triggerer does, and return the figures."""
    probe = LoopProbe()
    ticker = asyncio.create_task(probe.run())
    # The cost of the imports, the connection and the SDK's first request does not depend on the number of jobs. In a
    # triggerer that has run for a while, the garbage collector has already processed the objects of the imports.
    await method.wait([warm_up], time.time(), 1.0)
    gc.collect()
    await asyncio.sleep(2 * TICK)
    probe.forget_stalls()
    send("warm")
    jobs = await asyncio.to_thread(receive)
    interval, created = jobs["interval"], jobs["created"]
    base_rss, base_cpu, began = probe.sample_memory(), time.process_time(), time.time()
    events: dict[str, float] = {}

    async def wait_for(job_ids: list[str]) -> None:
        await method.wait(job_ids, created, interval)
        events.update(dict.fromkeys(job_ids, time.time()))

    tasks, started = set(), 0
    for job_ids in [jobs["job_ids"]] if method.one_wait else [[job_id] for job_id in jobs["job_ids"]]:
        # Like the triggerer, yield to the event loop before each trigger is started.
        await asyncio.sleep(0)
        if time.time() - began > jobs["seconds"]:
            break
        tasks.add(asyncio.create_task(wait_for(job_ids)))
        started += len(job_ids)
    remaining = max(0.0, began + jobs["seconds"] - time.time())
    done, _ = await asyncio.wait(tasks, timeout=remaining)
    figures = {
        "began": began,
        "stopped": time.time(),
        "cpu": time.process_time() - base_cpu,
        "memory": probe.peak_rss - base_rss,
        "started": started,
        "events": events,
        "errors": method.errors,
        "stalls": [(late, at - began) for late, at in probe.worst],
        "stall_without_gc": probe.worst_without_gc,
    }
    ticker.cancel()
    for task in done:
        task.result()
    return figures


def wait_for_one(family: str, warm_up: str, send: Any, receive: Any) -> dict[str, Any]:
    """Wait for one job in a blocking loop and return the figures."""
    call = sdk_call(family)
    wait_in_loop(call, warm_up, 1.0)
    send("warm")
    jobs = receive()
    base_cpu, began = time.process_time(), time.time()
    (job_id,) = jobs["job_ids"]
    wait_in_loop(call, job_id, jobs["interval"])
    return {
        "began": began,
        "stopped": time.time(),
        "cpu": time.process_time() - base_cpu,
        # The total memory, because each waiting job needs a process.
        "memory": psutil.Process().memory_info().rss,
        "started": 1,
        "events": {job_id: time.time()},
        "errors": 0,
        "stalls": [],
        "stall_without_gc": None,
    }


def main() -> None:
    """Execute the run that the messages on the standard input define."""
    replies = os.fdopen(os.dup(1), "w")
    # Airflow logs to the standard output; redirect these logs to the standard error.
    os.dup2(2, 1)

    def send(message: Any) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    def receive() -> Any:
        return json.loads(sys.stdin.readline())

    run = receive()
    if run["method"] == LOOP:
        send(wait_for_one(run["family"], run["warm_up"], send, receive))
    else:
        method = METHODS[run["method"]](run["family"])
        asyncio.run(wait_and_exit(method, run["warm_up"], send, receive))


async def wait_and_exit(method: Method, warm_up: str, send: Any, receive: Any) -> None:
    """Run the waits, send the figures, and exit the process even if tasks are still waiting."""
    send(await wait_for_all(method, warm_up, send, receive))
    # The cancellation of thousands of pending requests would take longer than the run.
    os._exit(0)


if __name__ == "__main__":
    main()
