"""The scenarios. Each of them runs a DAG on the running cluster."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cluster.harness import Cluster, Run, ScenarioError, format_counts
from cluster.messages import waits_killed, watcher_killed
from cluster.outcome import Outcome
from cluster.settings import SCHEDULERS, TRIGGERERS, WORKERS
from cluster.steps import finish_run, outcome_of, start_waits
from local_airflow.backends import PostgresService, RedisService
from local_airflow.demo import DAG_ID as PIPELINE
from local_airflow.server import command_line

#: Durations in seconds of the outages of PostgreSQL, Redis and the secrets backend, and of the triggerer's suspension.
DATABASE_OUTAGE = 20.0
BROKER_OUTAGE = 20.0
SECRETS_OUTAGE = 180.0
TRIGGERER_STOP = 90.0


@dataclass(frozen=True)
class Scenario:
    """
    One scenario.

    :param name: The name on the command line.
    :param title: The name in the table.
    :param run: Runs the scenario and returns its outcome.
    """

    name: str
    title: str
    run: Callable[[Cluster], Outcome]


def pipeline(cluster: Cluster) -> Outcome:
    """Run the content pipeline of the example DAGs."""
    began = time.monotonic()
    run = cluster.start(PIPELINE, 4)

    def ended() -> bool:
        # The emulator is configured so that audio production jobs do not end by themselves.
        cluster.finish(cluster.jobs())
        return cluster.ended(run)

    cluster.wait_until("end of the run", ended, 240, run)
    outcome = outcome_of(cluster, run, began)
    kinds = Counter(job["kind"] for job in cluster.jobs())
    outcome.jobs = Counter(kinds.values())
    return outcome


def mapped(cluster: Cluster, count: int) -> Outcome:
    """Run mapped tasks until all of them are deferred, then end their jobs."""
    began = time.monotonic()
    before = _cpu(cluster)
    run = cluster.start(f"waits_{count}", count)
    cluster.wait_until_deferred(run, timeout=60 + 3 * count)
    spread = cluster.wait_until_assigned(run)
    deferred = time.monotonic()
    cluster.log(f"  all deferred after {deferred - began:.0f} s: {format_counts(spread)}")
    cluster.finish(cluster.jobs(run))
    cluster.wait_until_ended(run, timeout=60 + 3 * count)
    outcome = outcome_of(cluster, run, began)
    after = _cpu(cluster)
    outcome.cpu = {name: after[name] - before.get(name, 0.0) for name in after}
    cluster.log(f"  CPU seconds: {', '.join(f'{name} {used:.0f}' for name, used in outcome.cpu.items())}")
    waited = [job["ended"] - job["created"] for job in cluster.jobs(run)]
    outcome.remarks.append(
        f"all tasks were deferred after {deferred - began:.0f} s (triggers by triggerer: {format_counts(spread)}); "
        f"the run ended {time.monotonic() - deferred:.0f} s after the jobs; a job ran for "
        f"{sum(waited) / len(waited):.0f} s on average; requests: {format_counts(cluster.request_counts())}"
    )
    return outcome


def one_triggerer(cluster: Cluster) -> Outcome:
    """Run 300 mapped tasks while the second triggerer is down."""
    name = TRIGGERERS[1]
    with cluster.down(name):
        cluster.wait_until(
            f"end of {name}'s heartbeat",
            lambda: (
                not cluster.airflow.api.call(
                    "GET", "jobs", params={"job_type": "TriggererJob", "hostname": name, "is_alive": True}
                )["jobs"]
            ),
            60,
        )
        outcome = mapped(cluster, 300)
    # The CPU time of the second triggerer was reset by its restart.
    outcome.cpu = {component: used for component, used in outcome.cpu.items() if component != name}
    return outcome


def triggerer_killed(cluster: Cluster) -> Outcome:
    """Kill the triggerer that runs most of the 100 triggers."""
    began = time.monotonic()
    run, victim = start_waits(cluster, "waits_100", 100)
    moved = cluster.waits_by_triggerer(run)[victim]
    fault = time.time()
    with cluster.down(victim):
        cluster.log(f"  {victim} killed")
        recovery = _wait_until_taken_over(cluster, run, victim, fault)
    cluster.wait_until_healthy()
    outcome = finish_run(cluster, run, began, recovery)
    outcome.remarks.append(f"{moved} triggers were taken over by the other triggerer")
    return outcome


def triggerer_stopped(cluster: Cluster) -> Outcome:
    """Suspend the triggerer with most of the 100 triggers; when it resumes, both triggerers wait for the same jobs."""
    began = time.monotonic()
    run, victim = start_waits(cluster, "cancellable_100", 100)
    service = cluster.airflow.services[victim]
    fault = time.time()
    service.signal(signal.SIGSTOP)
    try:
        cluster.log(f"  {victim} suspended")
        recovery = _wait_until_taken_over(cluster, run, victim, fault)
        cluster.wait_until("end of the suspension", lambda: time.time() > fault + TRIGGERER_STOP, TRIGGERER_STOP + 10)
    finally:
        service.signal(signal.SIGCONT)
    resumed = time.time()
    cluster.log(f"  {victim} resumed")

    def alive() -> bool:
        return any(heartbeat > resumed for heartbeat in cluster.airflow.api.heartbeats("TriggererJob", victim))

    cluster.wait_until(f"heartbeat of {victim}", alive, 60, run)
    cluster.wait_until("a poll of each job", lambda: len(cluster.polled_since(resumed, run)) == run.size, 60, run)
    outcome = finish_run(cluster, run, began, recovery)
    cancelled = len(cluster.emulator.control.requests("CancelIProductionJob"))
    outcome.remarks.append(f"{cancelled} cancel requests")
    if cancelled:
        outcome.problems.append(f"{cancelled} cancel requests")
    return outcome


def worker_killed_submitting(cluster: Cluster) -> Outcome:
    """Kill a worker whose submit requests were accepted but received no response."""
    began = time.monotonic()
    cluster.emulator.control.fault("SubmitAudioProduceJob", "hang_after", count=4, seconds=None)
    run = cluster.start("submits_4", 4)
    cluster.wait_until("4 accepted jobs", lambda: len(cluster.jobs(run)) == 4, 90, run)
    # After the kill, the submit requests of the other worker receive a response.
    return _busiest_worker_killed(cluster, run, began, then=cluster.emulator.control.clear_faults)


def worker_killed_waiting(cluster: Cluster) -> Outcome:
    """Kill a worker whose tasks wait for their jobs."""
    began = time.monotonic()
    run = cluster.start("held_4", 4)
    cluster.wait_until("a poll of each job", lambda: len(cluster.polled_since(0, run)) == 4, 90, run)
    return _busiest_worker_killed(cluster, run, began)


def _busiest_worker_killed(
    cluster: Cluster, run: Run, began: float, then: Callable[[], object] = lambda: None
) -> Outcome:
    victim, lost = _busiest_worker(cluster, run)
    fault = time.time()
    with cluster.down(victim):
        cluster.log(f"  {victim} killed while it was running {len(lost)} tasks")
        then()
        recovery = _wait_until_retried(cluster, run, lost, fault)
    cluster.wait_until_healthy()
    outcome = finish_run(cluster, run, began, recovery)
    outcome.remarks.append(f"{len(lost)} task runs lost their worker")
    return outcome


def postgres_restarted(cluster: Cluster) -> Outcome:
    """Stop PostgreSQL while 50 tasks wait and the jobs of half of them end."""
    return _outage(cluster, cluster.postgres, "PostgreSQL", DATABASE_OUTAGE)


def redis_restarted(cluster: Cluster) -> Outcome:
    """Stop Redis, which loses its messages, while 50 tasks wait and the jobs of half of them end."""
    return _outage(cluster, cluster.redis, "Redis", BROKER_OUTAGE)


def _outage(cluster: Cluster, backend: PostgresService | RedisService, name: str, seconds: float) -> Outcome:
    began = time.monotonic()
    run, _ = start_waits(cluster, "waits_50", 50)
    restarts = len(cluster.supervisor.restarts)
    fault = time.time()
    backend.stop()
    cluster.log(f"  {name} stopped")
    early = cluster.jobs(run)[::2]
    try:
        cluster.finish(early)
        cluster.wait_until("end of the outage", lambda: time.time() > fault + seconds, seconds + 10)
    finally:
        backend.start()
    restored = time.time()
    cluster.log(f"  {name} restarted")
    waiting = {index for index, jobs in cluster.jobs_by_task(run).items() if jobs[0] not in _ids(early)}
    cluster.wait_until(
        "success of the tasks whose jobs ended, and polls of the other jobs",
        lambda: _succeeded(cluster, run) >= len(early) and cluster.polled_since(restored, run) >= waiting,
        300,
        run,
    )
    recovery = time.time() - fault
    cluster.wait_until_healthy()
    outcome = finish_run(cluster, run, began, recovery)
    ended = Counter(restart.service for restart in cluster.supervisor.restarts[restarts:])
    restarted = ", ".join(f"{service} ({count})" for service, count in ended.most_common()) or "none"
    outcome.remarks.append(f"components that exited and were restarted: {restarted}")
    return outcome


def scheduler_killed(cluster: Cluster) -> Outcome:
    """Kill a scheduler while 50 tasks are queued or submit their jobs."""
    began = time.monotonic()
    run = cluster.start("waits_50", 50)
    cluster.wait_until("10 accepted jobs", lambda: len(cluster.jobs(run)) >= 10, 120, run)
    victim = SCHEDULERS[0]
    busy = {"queued", "running", "scheduled"}
    fault = time.time()
    with cluster.down(victim):
        affected = {task.map_index for task in cluster.tasks(run) if task.state in busy}
        cluster.log(f"  {victim} killed while {len(affected)} tasks were scheduled, queued or running")

        def recovered() -> bool:
            tasks = cluster.tasks(run)
            return bool(tasks) and not any(task.state in busy and task.map_index in affected for task in tasks)

        cluster.wait_until("deferral of the affected tasks", recovered, 240, run)
        recovery = time.time() - fault
        cluster.wait_until_deferred(run)
    cluster.wait_until_healthy()
    outcome = finish_run(cluster, run, began, recovery)
    outcome.remarks.append(f"{len(affected)} tasks were scheduled, queued or running when the scheduler was killed")
    return outcome


def worker_stalled(cluster: Cluster) -> Outcome:
    """Suspend a worker whose task waits for a job; resume the worker after the next try has polled the same job."""
    began = time.monotonic()
    run = cluster.start("held_1", 1)
    cluster.wait_until("a poll of the job", lambda: len(cluster.polled_since(0, run)) == 1, 90, run)
    victim, lost = _busiest_worker(cluster, run)
    service = cluster.airflow.services[victim]
    # The id of a task instance changes with each try.
    (old_try,) = cluster.tasks(run)
    fault = time.time()
    service.signal(signal.SIGSTOP)
    try:
        cluster.log(f"  {victim} suspended while its task waits")
        recovery = _wait_until_retried(cluster, run, lost, fault)
    finally:
        service.signal(signal.SIGCONT)
    cluster.log(f"  {victim} resumed after the next try polled the job")
    # Airflow rejects the heartbeat of the old try, whose process then exits.
    cluster.wait_until("exit of the old try", lambda: not _task_processes(cluster, old_try.id), 90, run)
    resumed = time.time()
    cluster.wait_until("a poll by the next try", lambda: bool(cluster.polled_since(resumed, run)), 60)
    cancelled = len(cluster.emulator.control.requests("CancelIProductionJob"))
    outcome = finish_run(cluster, run, began, recovery)
    if cancelled:
        outcome.problems.append(f"the old try cancelled the job ({cancelled} cancel requests)")
    return outcome


def secrets_outage(cluster: Cluster) -> Outcome:
    """Make the secrets backend unavailable for 180 s while 20 tasks wait."""
    began = time.monotonic()
    run, _ = start_waits(cluster, "secrets_20", 20)
    fault = time.time()
    cluster.outage_file.touch()
    cluster.log("  secrets backend unavailable")
    try:
        cluster.wait_until("end of the outage", lambda: time.time() > fault + SECRETS_OUTAGE, SECRETS_OUTAGE + 10, run)
        polled = cluster.polled_since(time.time() - SECRETS_OUTAGE / 3, run)
    finally:
        cluster.outage_file.unlink()
    restored = time.time()
    cluster.log("  secrets backend available again")
    cluster.wait_until("a poll of each job", lambda: len(cluster.polled_since(restored, run)) == 20, 90, run)
    outcome = finish_run(cluster, run, began, time.time() - fault)
    outcome.remarks.append(f"{len(polled)} jobs were polled in the last {SECRETS_OUTAGE / 3:.0f} s of the outage")
    return outcome


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("pipeline", "content pipeline", pipeline),
        Scenario("mapped-100", "100 mapped tasks", partial(mapped, count=100)),
        Scenario("mapped-300", "300 mapped tasks, two triggerers", partial(mapped, count=300)),
        Scenario("mapped-300-one", "300 mapped tasks, one triggerer", one_triggerer),
        Scenario("triggerer-killed", "triggerer killed while 100 tasks wait", triggerer_killed),
        Scenario("triggerer-stopped", "triggerer suspended for 90 s while 100 tasks wait", triggerer_stopped),
        Scenario("queue", "triggerer killed while 100 tasks wait and their jobs send messages", waits_killed),
        Scenario("watcher", "triggerer killed while its watcher receives 100 messages", watcher_killed),
        Scenario("worker-killed-submitting", "worker killed while its tasks submit", worker_killed_submitting),
        Scenario("worker-killed-waiting", "worker killed while its tasks wait", worker_killed_waiting),
        Scenario("postgres", "PostgreSQL down for 20 s while 50 tasks wait", postgres_restarted),
        Scenario("redis", "Redis down for 20 s, with its messages lost, while 50 tasks wait", redis_restarted),
        Scenario("scheduler-killed", "scheduler killed while 50 tasks submit", scheduler_killed),
        Scenario("worker-stalled", "worker suspended until the next try polls the job", worker_stalled),
        Scenario("secrets", "secrets backend down for 180 s while 20 tasks wait", secrets_outage),
    )
}


def _wait_until_taken_over(cluster: Cluster, run: Run, victim: str, fault: float) -> float:
    """Wait until other triggerers run all triggers and have polled all jobs; return the seconds since the fault."""

    def taken_over() -> bool:
        spread = cluster.waits_by_triggerer(run)
        return spread.total() == run.size and not spread[victim]

    cluster.wait_until(f"takeover of the triggers of {victim}", taken_over, 120, run)
    since = time.time()
    cluster.wait_until("a poll of each job", lambda: len(cluster.polled_since(since, run)) == run.size, 90, run)
    return time.time() - fault


def _busiest_worker(cluster: Cluster, run: Run) -> tuple[str, set[int]]:
    """Return the name of the worker that runs the most tasks, and the map indexes of its tasks."""
    tasks: dict[str, set[int]] = {}
    for task in cluster.tasks(run):
        if task.state == "running" and task.host in WORKERS:
            tasks.setdefault(task.host, set()).add(task.map_index)
    if not tasks:
        raise ScenarioError("no task is running on a worker")
    return max(tasks.items(), key=lambda item: len(item[1]))


def _wait_until_retried(cluster: Cluster, run: Run, lost: set[int], fault: float) -> float:
    """Wait until the next tries of the tasks have polled their jobs; return the seconds since the fault."""
    since: dict[int, float] = {}

    def retried() -> bool:
        for task in cluster.tasks(run):
            if task.map_index in lost and task.try_number > 1 and task.state == "running":
                since.setdefault(task.map_index, time.time())
        return since.keys() == lost and all(
            index in cluster.polled_since(since[index], run, listings=False) for index in lost
        )

    cluster.wait_until("retries that poll the jobs", retried, 300, run)
    return time.time() - fault


def _task_processes(cluster: Cluster, task_instance_id: str) -> list[int]:
    """
    Return the ids of the processes of a task instance.

    The Celery process is excluded, although its title also contains the id of the task instance.
    """
    found = cluster.airflow.worker_processes(task_instance_id)
    return [process.pid for process in found if command_line(process).startswith("airflow worker")]


def _succeeded(cluster: Cluster, run: Run) -> int:
    return cluster.count(run, "success")


def _ids(jobs: list[dict[str, str]]) -> set[str]:
    return {job["job_id"] for job in jobs}


def _cpu(cluster: Cluster) -> dict[str, float]:
    return {name: service.cpu_seconds() for name, service in cluster.services.items()}
