"""Steps that several scenarios share."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cluster.harness import Cluster, Run, format_counts
from cluster.outcome import Outcome
from local_airflow.demo import DAG_ID as PIPELINE


@contextmanager
def _timed(log: Callable[[str], None], what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    log(f"  {what} after {time.monotonic() - began:.0f} s")


def start_waits(cluster: Cluster, dag_id: str, count: int) -> tuple[Run, str]:
    """Start a run and wait until its tasks are deferred; return the run and the triggerer with the most triggers."""
    run = cluster.start(dag_id, count)
    with _timed(cluster.log, f"{count} deferred"):
        cluster.wait_until_deferred(run)
    spread = cluster.wait_until_assigned(run)
    cluster.log(f"  triggers by triggerer: {format_counts(spread)}")
    return run, spread.most_common(1)[0][0]


def finish_run(cluster: Cluster, run: Run, began: float, recovery: float) -> Outcome:
    """End all jobs of a run, wait for the end of the run and return the outcome."""
    cluster.log(f"  recovered after {recovery:.0f} s; ending the jobs")
    cluster.finish(cluster.jobs(run))
    cluster.wait_until_ended(run)
    outcome = outcome_of(cluster, run, began)
    outcome.recovery = recovery
    return outcome


def outcome_of(cluster: Cluster, run: Run, began: float) -> Outcome:
    """Return the outcome of a run that has ended."""
    tasks = cluster.tasks(run)
    return Outcome(
        task_runs=run.size,
        states=Counter(task.state or "none" for task in tasks),
        jobs=Counter(len(jobs) for jobs in cluster.jobs_by_task(run).values()) if run.dag_id != PIPELINE else Counter(),
        tries=Counter(task.try_number for task in tasks),
        requests=cluster.request_counts().total(),
        seconds=time.monotonic() - began,
    )
