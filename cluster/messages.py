"""The scenarios with queues: a triggerer is killed while it receives messages."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, TypeVar

import psutil

from cluster.harness import UNAVAILABLE, Cluster, Run, ScenarioError, format_counts
from cluster.outcome import Outcome
from cluster.settings import TRIGGERERS
from cluster.steps import outcome_of, start_waits

T = TypeVar("T")

#: The DAG that messages start, and the queue of its watcher.
WATCHED, WATCHED_QUEUE = "watched", "ice-callback-dags"
MESSAGES = 100
#: The maximum number of times that a message can start the DAG if a triggerer is killed, according to
#: docs/howto/media-events.md.
MAX_STARTS = 2
#: Seconds between two messages.
PAUSE = 0.1


def waits_killed(cluster: Cluster) -> Outcome:
    """
    Kill the triggerer that runs most of 100 triggers while their jobs end. Both triggerers read the queue of the jobs.

    The poll interval is longer than the scenario, so regular polls do not detect the end of any job. Before the kill,
    the triggerer detects the end of jobs by their messages, but stores no event, because its first process is
    suspended.
    """
    began = time.monotonic()
    run, victim = start_waits(cluster, "notified_100", 100)
    moved = {index for index, name in cluster.triggerer_by_wait(run).items() if name == victim}
    jobs = cluster.jobs(run)
    # The first process of a triggerer stores the events; its child runs the triggers.
    supervisor, *_ = cluster.airflow.services[victim].processes()
    supervisor.suspend()
    try:
        # Not in the order of the tasks, so that in both triggerers, jobs end before the kill and after it.
        with _killed_halfway(cluster, victim, cluster.finish, [[job] for job in jobs[::2] + jobs[1::2]]) as fault:
            cluster.wait_until_ended(run, timeout=240)
    finally:
        with suppress(psutil.NoSuchProcess):
            supervisor.resume()
    cluster.wait_until_healthy()
    outcome = outcome_of(cluster, run, began)
    waits = _job_times(cluster, run)
    of_victim = [wait for index, wait in waits.items() if index in moved]
    others = [wait for index, wait in waits.items() if index not in moved]
    outcome.recovery = max(wait.queried[-1] for wait in of_victim) - fault
    lost = sum(any(wait.ended < at < fault for at in wait.queried) for wait in of_victim)
    outcome.remarks += [
        f"{len(of_victim)} tasks waited in the killed triggerer, which had detected the end of {lost} of their jobs "
        "before the kill",
        f"time from the end of a job to its last poll: {_delays(of_victim)} for these {len(of_victim)} tasks, and "
        f"{_delays(others)} for the {len(others)} tasks in the other triggerer",
        f"requests: {format_counts(cluster.request_counts())}",
    ]
    if early := sum(wait.seconds < 0 for wait in waits.values()):
        outcome.problems.append(f"{early} jobs were not queried after they had ended")
    return outcome


@dataclass(frozen=True)
class JobTimes:
    """
    The times at which a job ended and was queried, in epoch seconds.

    :param queried: The times of all queries. The last query ended the wait.
    """

    ended: float
    queried: Sequence[float]

    @property
    def seconds(self) -> float:
        """The seconds from the end of the job to its last query."""
        return self.queried[-1] - self.ended


def _job_times(cluster: Cluster, run: Run) -> dict[int, JobTimes]:
    """Return the times of the jobs of a run by map index."""
    queried: dict[str, list[float]] = {}
    for request in cluster.emulator.control.requests("GetSmartHandleJob"):
        queried.setdefault(request["parameters"]["JobId"], []).append(request["time"])
    ended = {job["job_id"]: job["ended"] for job in cluster.jobs(run)}
    return {
        index: JobTimes(ended[job_id], queried.get(job_id, [0.0]))
        for index, (job_id, *_) in cluster.jobs_by_task(run).items()
    }


def _delays(waits: Sequence[JobTimes]) -> str:
    seconds = [wait.seconds for wait in waits]
    return f"median {median(seconds):.1f} s, longest {max(seconds):.1f} s"


def watcher_killed(cluster: Cluster) -> Outcome:
    """Kill the triggerer whose watcher receives 100 messages, each of which starts a DAG."""
    began = time.monotonic()
    cluster.airflow.api.unpause(WATCHED)
    try:
        return _watcher_killed(cluster, began)
    finally:
        cluster.airflow.api.call("PATCH", f"dags/{WATCHED}", json={"is_paused": True})


def _watcher_killed(cluster: Cluster, began: float) -> Outcome:
    control = cluster.emulator.control
    sent: list[str] = []

    def send(number: int) -> None:
        sent.extend(control.put_messages(WATCHED_QUEUE, [json.dumps({"EventType": "Test", "Number": number})]))

    def all_stored() -> bool:
        return _starts(_events(cluster)).keys() >= set(sent)

    send(0)
    cluster.wait_until("the first event", all_stored, 120)
    victim = _watching_triggerer(cluster)
    with _killed_halfway(cluster, victim, send, range(1, MESSAGES - 1)) as fault:
        held = sum(message["received"] > 0 for message in control.messages(WATCHED_QUEUE))
        cluster.wait_until("an event for each message", all_stored, 240)
        recovery = time.time() - fault
        # A message that has been deleted cannot be received again.
        cluster.wait_until("the deletion of all messages", lambda: not control.messages(WATCHED_QUEUE), 180)
    cluster.wait_until_healthy()
    # An event that Airflow stores while it creates a DAG run starts a DAG run only when another event arrives.
    send(MESSAGES - 1)

    def all_ended() -> bool:
        starts = _starts(_events(cluster))
        return all(starts[one] for one in {*sent, *starts}) and not cluster.airflow.api.active_runs(WATCHED)

    cluster.wait_until("the end of all runs", all_ended, 120)
    outcome = _watcher_outcome(cluster, began)
    outcome.recovery = recovery
    outcome.remarks.append(f"the killed triggerer had received {held} messages that it had not deleted")
    _check_starts(outcome, _events(cluster), sent, fault)
    return outcome


def _watcher_outcome(cluster: Cluster, began: float) -> Outcome:
    cluster.runs += [Run(WATCHED, run_id, 1) for run_id in cluster.airflow.api.runs(WATCHED)]
    tasks = cluster.current_tasks()
    return Outcome(
        task_runs=len(cluster.runs),
        states=Counter(task.state or "none" for task in tasks),
        jobs=None,
        tries=Counter(task.try_number for task in tasks),
        requests=cluster.request_counts().total(),
        seconds=time.monotonic() - began,
    )


def _check_starts(outcome: Outcome, events: Sequence[dict[str, Any]], sent: Sequence[str], fault: float) -> None:
    """Add remarks on the number of asset events for each message, and a problem if this number is zero or too high."""
    starts = _starts(events)
    messages = Counter(starts[message_id] for message_id in sent)
    outcome.remarks.append(
        f"asset events for each message: {', '.join(f'{n} for {m} messages' for n, m in sorted(messages.items()))}"
    )
    if wrong := sum(not 1 <= starts[message_id] <= MAX_STARTS for message_id in sent):
        outcome.problems.append(f"{wrong} messages did not start the DAG one to {MAX_STARTS} times")
    repeated = [datetime.fromisoformat(one["timestamp"]) for one in events if starts[_message_id(one)] > 1]
    if repeated:
        window = fault - min(repeated).timestamp()
        outcome.remarks.append(
            f"the earliest event for a message with several events was stored {window:.1f} s before the kill"
        )


def _events(cluster: Cluster) -> list[dict[str, Any]]:
    """
    Return the asset events.

    The list is empty if Airflow cannot list the events, for example while a DAG run that they started is queued.
    """
    try:
        found: list[dict[str, Any]] = cluster.airflow.api.call("GET", "assets/events", params={"limit": 500})[
            "asset_events"
        ]
    except UNAVAILABLE:
        return []
    return found


def _starts(events: Sequence[dict[str, Any]]) -> Counter[str]:
    """Return the number of DAG runs by the id of the message that started them."""
    starts: Counter[str] = Counter()
    for event in events:
        starts[_message_id(event)] += len(event["created_dagruns"])
    return starts


def _message_id(event: dict[str, Any]) -> str:
    return str(event["extra"]["payload"]["message_id"])


def _watching_triggerer(cluster: Cluster) -> str:
    """Return the name of the triggerer whose output shows that it runs the watcher."""
    for name in TRIGGERERS:
        if re.search(r"trigger ID \d+ starting", cluster.airflow.services[name].output_since_start()):
            return name
    raise ScenarioError("no triggerer runs the watcher")


@contextmanager
def _killed_halfway(cluster: Cluster, victim: str, act: Callable[[T], object], items: Sequence[T]) -> Iterator[float]:
    """Call ``act`` with each item; kill a triggerer after half of the items, and yield the time of the kill."""

    def act_on(some: Sequence[T]) -> None:
        for item in some:
            act(item)
            time.sleep(PAUSE)

    half = len(items) // 2
    act_on(items[:half])
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(act_on, items[half:])
        fault = time.time()
        with cluster.down(victim):
            cluster.log(f"  {victim} killed")
            others.result()
            yield fault
