"""A task with two hundred jobs that is killed while it submits them to an unreliable service."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from submission import bulk_task
from support.submits import SUBMITS

from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

JOBS = 200
#: The number of random points at which a task of each kind is killed.
POINTS = int(os.environ.get("CRASH_POINTS", "1"))
#: A kind with an idempotency token, a kind whose jobs are listed, and a kind whose jobs are found by their results.
KINDS = {
    "SubmitSegmentationJob": ("ice", "UserData"),
    "SubmitAudioProduceJob": ("ice", "InputConfig"),
    "SubmitAIImageJob": ("vod", "VideoId"),
}
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["submission.bulk_task"])


def requests_of(job: str) -> list[dict[str, Any]]:
    product, varied = KINDS[job]
    common = SUBMITS[product, job]
    return [{**common, varied: {"Number": n} if varied == "UserData" else f"text-{n}"} for n in range(JOBS)]


def number_of(job: dict[str, Any], varied: str) -> int:
    value = job["parameters"][varied]
    return int(json.loads(value)["Number"] if varied == "UserData" else value.rpartition("-")[2])


@pytest.mark.parametrize("job", KINDS)
@pytest.mark.parametrize("point", range(POINTS))
def test_a_task_killed_at_a_random_point_submits_each_job_once(
    job: str, point: int, tmp_path: Path, ims_emulator: ImsEmulator
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it on a failure
    kill_after = random.Random(seed).randrange(1, JOBS)
    ims_emulator.fault(job, "qps", rate=150)
    ims_emulator.fault(job, "unavailable", count=None, share=0.1, seed=seed)
    ims_emulator.fault(job, "cut_after", count=None, share=0.05, seed=seed)
    arguments = tmp_path, ims_emulator.connection_uri, job, requests_of(job)

    def start(try_number: int) -> Any:
        process = FORKS.Process(target=bulk_task.attempt, args=(*arguments, try_number))
        process.start()
        return process

    killed = start(1)
    while len(ims_emulator.jobs()) < kill_after and killed.is_alive():
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    for try_number in range(2, 8):
        process = start(try_number)
        process.join()
        if process.exitcode == 0:
            break
    result = json.loads((tmp_path / "result").read_text())
    jobs = ims_emulator.jobs()
    assert len(jobs) == JOBS
    numbers = {one["job_id"]: number_of(one, KINDS[job][1]) for one in jobs}
    assert [numbers[one["job_id"]] for one in result["jobs"]] == list(range(JOBS))
    assert [one["job_id"] for one in result["results"]] == [one["job_id"] for one in result["jobs"]]
