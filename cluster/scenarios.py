"""The scenarios. Each runs DAGs of its own on the running cluster."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from cluster.outcome import Outcome
from cluster.settings import SCHEDULERS, TRIGGERERS, WORKERS
from cluster.stage import AWAY, Cluster, Run, ScenarioError, in_words
from local_airflow.backends import PostgresService, RedisService
from local_airflow.demo import DAG_ID as PIPELINE
from local_airflow.server import command_line

#: Seconds for which PostgreSQL and Redis are down, the secrets backend fails and the triggerer is stopped.
DATABASE_OUTAGE = 20.0
BROKER_OUTAGE = 20.0
SECRETS_OUTAGE = 180.0
TRIGGERER_STOP = 90.0


@dataclass(frozen=True)
class Scenario:
    """
    One scenario.

    :param name: As the command line takes it.
    :param title: As the table shows it.
    :param play: Runs it and returns what it came to.
    """

    name: str
    title: str
    play: Callable[[Cluster], Outcome]


def pipeline(cluster: Cluster) -> Outcome:
    """Run the content pipeline of the examples."""
    began = time.monotonic()
    run = cluster.start(PIPELINE, 4)

    def ended() -> bool:
        # The audio job of the pipeline is of a kind that ends when it is told to.
        cluster.finish(cluster.jobs())
        with suppress(*AWAY):
            return cluster.airflow.api.run_state(run.dag_id, run.run_id) in {"success", "failed"}
        return False

    cluster.until("end of the run", ended, 240, run)
    outcome = _outcome(cluster, run, began)
    kinds = Counter(job["kind"] for job in cluster.jobs())
    outcome.jobs = Counter(kinds.values())
    return outcome


def mapped(cluster: Cluster, count: int) -> Outcome:
    """Let mapped tasks submit and wait together, then end their jobs."""
    began = time.monotonic()
    before = _cpu(cluster)
    run = cluster.start(f"waits_{count}", count)
    cluster.until_deferred(run, timeout=60 + 3 * count)
    spread = cluster.until_on_triggerers(run)
    deferred = time.monotonic()
    cluster.say(f"  all deferred after {deferred - began:.0f} s: {in_words(spread)}")
    cluster.finish(cluster.jobs(run))
    cluster.until_ended(run, timeout=60 + 3 * count)
    outcome = _outcome(cluster, run, began)
    after = _cpu(cluster)
    outcome.cpu = {name: after[name] - before.get(name, 0.0) for name in after}
    cluster.say(f"  CPU seconds: {', '.join(f'{name} {used:.0f}' for name, used in outcome.cpu.items())}")
    waited = [job["ended"] - job["created"] for job in cluster.jobs(run)]
    outcome.remarks.append(
        f"{deferred - began:.0f} s until all had deferred ({in_words(spread)}), "
        f"{time.monotonic() - deferred:.0f} s from the end of the jobs to the end of the run; a job ran for "
        f"{sum(waited) / len(waited):.0f} s on average; {cluster.requests_in_words()}"
    )
    return outcome


def one_triggerer(cluster: Cluster) -> Outcome:
    """Run 300 mapped tasks while the second triggerer is down."""
    name = TRIGGERERS[1]
    with cluster.down(name):
        cluster.until(
            f"end of {name}'s heartbeat",
            lambda: (
                not cluster.airflow.api.call(
                    "GET", "jobs", params={"job_type": "TriggererJob", "hostname": name, "is_alive": True}
                )["jobs"]
            ),
            60,
        )
        outcome = mapped(cluster, 300)
    # It was started anew since the first figure was taken.
    outcome.cpu = {component: used for component, used in outcome.cpu.items() if component != name}
    return outcome


def triggerer_killed(cluster: Cluster) -> Outcome:
    """Kill the triggerer that has the most of 100 waits."""
    began = time.monotonic()
    run, victim = _waits(cluster, "waits_100", 100)
    moved = cluster.waits_by_triggerer(run)[victim]
    fault = time.time()
    with cluster.down(victim):
        cluster.say(f"  {victim} killed")
        recovery = _until_taken_over(cluster, run, victim, fault)
    cluster.until_healthy()
    outcome = _finished(cluster, run, began, recovery)
    outcome.remarks.append(f"{moved} waits were taken over")
    return outcome


def triggerer_stopped(cluster: Cluster) -> Outcome:
    """Stop the triggerer that has the most of 100 waits for 90 s, so that afterwards both wait for the same jobs."""
    began = time.monotonic()
    run, victim = _waits(cluster, "cancellable_100", 100)
    service = cluster.airflow.services[victim]
    fault = time.time()
    service.signal(signal.SIGSTOP)
    try:
        cluster.say(f"  {victim} stopped")
        recovery = _until_taken_over(cluster, run, victim, fault)
        cluster.until("end of the stop", lambda: time.time() > fault + TRIGGERER_STOP, TRIGGERER_STOP + 10)
    finally:
        service.signal(signal.SIGCONT)
    resumed = time.time()
    cluster.say(f"  {victim} continued")

    def beats() -> bool:
        return any(beat > resumed for beat in cluster.airflow.api.heartbeats("TriggererJob", victim))

    cluster.until(f"heartbeat of {victim}", beats, 60, run)
    cluster.until("question about each job", lambda: len(cluster.asked_since(resumed, run)) == run.size, 60, run)
    outcome = _finished(cluster, run, began, recovery)
    cancelled = len(cluster.emulator.control.requests("CancelIProductionJob"))
    outcome.remarks.append(f"{cancelled} requests to cancel")
    if cancelled:
        outcome.problems.append(f"{cancelled} requests to cancel")
    return outcome


def worker_killed_submitting(cluster: Cluster) -> Outcome:
    """Kill a worker whose submits were accepted but not answered."""
    began = time.monotonic()
    cluster.emulator.control.fault("SubmitAudioProduceJob", "hang_after", count=4, seconds=None)
    run = cluster.start("submits_4", 4)
    cluster.until("4 accepted jobs", lambda: len(cluster.jobs(run)) == 4, 90, run)
    victim, lost = _busiest_worker(cluster, run)
    fault = time.time()
    with cluster.down(victim):
        cluster.say(f"  {victim} killed while {len(lost)} of its tasks submit")
        # The other worker's submits are answered now.
        cluster.emulator.control.clear_faults()
        recovery = _until_retried(cluster, run, lost, fault)
    cluster.until_healthy()
    outcome = _finished(cluster, run, began, recovery)
    outcome.remarks.append(f"{len(lost)} task runs lost their worker")
    return outcome


def worker_killed_waiting(cluster: Cluster) -> Outcome:
    """Kill a worker whose tasks wait for their jobs."""
    began = time.monotonic()
    run = cluster.start("held_4", 4)
    cluster.until("question about each job", lambda: len(cluster.asked_since(0, run)) == 4, 90, run)
    victim, lost = _busiest_worker(cluster, run)
    fault = time.time()
    with cluster.down(victim):
        cluster.say(f"  {victim} killed while {len(lost)} of its tasks wait")
        recovery = _until_retried(cluster, run, lost, fault)
    cluster.until_healthy()
    outcome = _finished(cluster, run, began, recovery)
    outcome.remarks.append(f"{len(lost)} task runs lost their worker")
    return outcome


def postgres_restarted(cluster: Cluster) -> Outcome:
    """Take PostgreSQL away while 50 wait and the jobs of half of them end."""
    return _outage(cluster, cluster.postgres, "PostgreSQL", DATABASE_OUTAGE)


def redis_restarted(cluster: Cluster) -> Outcome:
    """Take Redis away while 50 wait and the jobs of half of them end; its messages are lost."""
    return _outage(cluster, cluster.redis, "Redis", BROKER_OUTAGE)


def _outage(cluster: Cluster, backend: PostgresService | RedisService, name: str, seconds: float) -> Outcome:
    began = time.monotonic()
    run, _ = _waits(cluster, "waits_50", 50)
    restarts = len(cluster.supervisor.restarts)
    fault = time.time()
    backend.stop()
    cluster.say(f"  {name} down")
    early = cluster.jobs(run)[::2]
    try:
        cluster.finish(early)
        cluster.until("end of the outage", lambda: time.time() > fault + seconds, seconds + 10)
    finally:
        backend.start()
    back = time.time()
    cluster.say(f"  {name} up")
    waiting = {index for index, jobs in cluster.jobs_by_task(run).items() if jobs[0] not in _ids(early)}
    cluster.until(
        "success of the tasks whose jobs ended, and questions about the others",
        lambda: _succeeded(cluster, run) >= len(early) and cluster.asked_since(back, run) >= waiting,
        300,
        run,
    )
    recovery = time.time() - fault
    cluster.until_healthy()
    outcome = _finished(cluster, run, began, recovery)
    ended = Counter(restart.service for restart in cluster.supervisor.restarts[restarts:])
    outcome.remarks.append(f"started again by the supervisor: {in_words(ended)}")
    return outcome


def scheduler_killed(cluster: Cluster) -> Outcome:
    """Kill a scheduler while 50 tasks are being queued and submit."""
    began = time.monotonic()
    run = cluster.start("waits_50", 50)
    cluster.until("10 accepted jobs", lambda: len(cluster.jobs(run)) >= 10, 120, run)
    victim = SCHEDULERS[0]
    busy = {"queued", "running", "scheduled"}
    fault = time.time()
    with cluster.down(victim):
        under_way = {task.map_index for task in cluster.tasks(run) if task.state in busy}
        cluster.say(f"  {victim} killed while {len(under_way)} tasks are queued or submit")

        def gone_on() -> bool:
            tasks = cluster.tasks(run)
            return bool(tasks) and not any(task.state in busy and task.map_index in under_way for task in tasks)

        cluster.until("deferral of those tasks", gone_on, 240, run)
        recovery = time.time() - fault
        cluster.until_deferred(run)
    cluster.until_healthy()
    outcome = _finished(cluster, run, began, recovery)
    outcome.remarks.append(f"{len(under_way)} task runs were queued or submitting")
    return outcome


def worker_stalled(cluster: Cluster) -> Outcome:
    """Stop a worker that waits for a job until its successor has joined the job, then let it go on."""
    began = time.monotonic()
    run = cluster.start("held_1", 1)
    cluster.until("question about the job", lambda: len(cluster.asked_since(0, run)) == 1, 90, run)
    victim, lost = _busiest_worker(cluster, run)
    service = cluster.airflow.services[victim]
    # Each try has an id of its own.
    (old_try,) = cluster.tasks(run)
    fault = time.time()
    service.signal(signal.SIGSTOP)
    try:
        cluster.say(f"  {victim} stopped while its task waits")
        recovery = _until_retried(cluster, run, lost, fault)
    finally:
        service.signal(signal.SIGCONT)
    cluster.say(f"  {victim} continued; its successor has joined the job")
    # Airflow tells the process that its task is no longer its own, and it ends.
    cluster.until("end of the old try", lambda: not _task_processes(cluster, old_try.id), 90, run)
    resumed = time.time()
    cluster.until("question of the successor", lambda: bool(cluster.asked_since(resumed, run)), 60)
    cancelled = len(cluster.emulator.control.requests("CancelIProductionJob"))
    outcome = _finished(cluster, run, began, recovery)
    if cancelled:
        outcome.problems.append(f"the old try cancelled the job ({cancelled} requests)")
    return outcome


def secrets_outage(cluster: Cluster) -> Outcome:
    """Take the secrets backend away for 180 s while 20 wait."""
    began = time.monotonic()
    run, _ = _waits(cluster, "secrets_20", 20)
    fault = time.time()
    cluster.outage_file.touch()
    cluster.say("  secrets backend down")
    try:
        cluster.until("end of the outage", lambda: time.time() > fault + SECRETS_OUTAGE, SECRETS_OUTAGE + 10, run)
        polled = cluster.asked_since(time.time() - SECRETS_OUTAGE / 3, run)
    finally:
        cluster.outage_file.unlink()
    back = time.time()
    cluster.say("  secrets backend up")
    cluster.until("question about each job", lambda: len(cluster.asked_since(back, run)) == 20, 90, run)
    outcome = _finished(cluster, run, began, time.time() - fault)
    outcome.remarks.append(f"{len(polled)} jobs were asked about in the last {SECRETS_OUTAGE / 3:.0f} s of the outage")
    return outcome


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("pipeline", "content pipeline", pipeline),
        Scenario("mapped-100", "100 mapped jobs", partial(mapped, count=100)),
        Scenario("mapped-300", "300 mapped jobs, two triggerers", partial(mapped, count=300)),
        Scenario("mapped-300-one", "300 mapped jobs, one triggerer", one_triggerer),
        Scenario("triggerer-killed", "triggerer killed while 100 wait", triggerer_killed),
        Scenario("triggerer-stopped", "triggerer stopped for 90 s while 100 wait", triggerer_stopped),
        Scenario("worker-killed-submitting", "worker killed while it submits", worker_killed_submitting),
        Scenario("worker-killed-waiting", "worker killed while it waits", worker_killed_waiting),
        Scenario("postgres", "PostgreSQL down for 20 s while 50 wait", postgres_restarted),
        Scenario("redis", "Redis down for 20 s, and emptied, while 50 wait", redis_restarted),
        Scenario("scheduler-killed", "scheduler killed while 50 submit", scheduler_killed),
        Scenario("worker-stalled", "worker stalled until its successor has joined the job", worker_stalled),
        Scenario("secrets", "secrets backend down for 180 s while 20 wait", secrets_outage),
    )
}


@contextmanager
def _timed(say: Callable[[str], None], what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {what} after {time.monotonic() - began:.0f} s")


def _waits(cluster: Cluster, dag_id: str, count: int) -> tuple[Run, str]:
    """Start a run, wait until all of its tasks wait, and return it with the triggerer that has the most."""
    run = cluster.start(dag_id, count)
    with _timed(cluster.say, f"{count} deferred"):
        cluster.until_deferred(run)
    spread = cluster.until_on_triggerers(run)
    cluster.say(f"  waits: {in_words(spread)}")
    return run, spread.most_common(1)[0][0]


def _until_taken_over(cluster: Cluster, run: Run, victim: str, fault: float) -> float:
    """Wait until other triggerers have all waits and have asked about all jobs; return the seconds since the fault."""

    def taken_over() -> bool:
        spread = cluster.waits_by_triggerer(run)
        return spread.total() == run.size and not spread[victim]

    cluster.until(f"end of the waits of {victim}", taken_over, 120, run)
    since = time.time()
    cluster.until("question about each job", lambda: len(cluster.asked_since(since, run)) == run.size, 90, run)
    return time.time() - fault


def _busiest_worker(cluster: Cluster, run: Run) -> tuple[str, set[int]]:
    """Return the worker with the most running tasks, and those."""
    tasks: dict[str, set[int]] = {}
    for task in cluster.tasks(run):
        if task.state == "running" and task.host in WORKERS:
            tasks.setdefault(task.host, set()).add(task.map_index)
    if not tasks:
        raise ScenarioError("no task runs on a worker")
    return max(tasks.items(), key=lambda item: len(item[1]))


def _until_retried(cluster: Cluster, run: Run, lost: set[int], fault: float) -> float:
    """Wait until later tries wait for the jobs of some tasks; return the seconds since the fault."""
    since: dict[int, float] = {}

    def retried() -> bool:
        for task in cluster.tasks(run):
            if task.map_index in lost and task.try_number > 1 and task.state == "running":
                since.setdefault(task.map_index, time.time())
        return since.keys() == lost and all(
            index in cluster.asked_since(since[index], run, listings=False) for index in lost
        )

    cluster.until("retries that wait for the jobs", retried, 300, run)
    return time.time() - fault


def _task_processes(cluster: Cluster, task_instance_id: str) -> list[int]:
    """Return the processes of a task; the Celery process that has run it last keeps its id in the title, too."""
    found = cluster.airflow.worker_processes(task_instance_id)
    return [process.pid for process in found if command_line(process).startswith("airflow worker")]


def _succeeded(cluster: Cluster, run: Run) -> int:
    return cluster.count(run, "success")


def _ids(jobs: list[dict[str, str]]) -> set[str]:
    return {job["job_id"] for job in jobs}


def _cpu(cluster: Cluster) -> dict[str, float]:
    return {name: service.cpu_seconds() for name, service in cluster.services.items()}


def _finished(cluster: Cluster, run: Run, began: float, recovery: float) -> Outcome:
    """End all jobs of a run, wait for its end and return what it came to."""
    cluster.say(f"  recovered after {recovery:.0f} s; the jobs end")
    cluster.finish(cluster.jobs(run))
    cluster.until_ended(run)
    outcome = _outcome(cluster, run, began)
    outcome.recovery = recovery
    return outcome


def _outcome(cluster: Cluster, run: Run, began: float) -> Outcome:
    tasks = cluster.tasks(run)
    return Outcome(
        task_runs=run.size,
        states=Counter(task.state or "none" for task in tasks),
        jobs=Counter(len(jobs) for jobs in cluster.jobs_by_task(run).values()) if run.dag_id != PIPELINE else Counter(),
        tries=Counter(task.try_number for task in tasks),
        requests=cluster.request_count(),
        seconds=time.monotonic() - began,
    )
