"""Two hundred tasks submit jobs at once to a service that throttles and rejects requests and loses responses."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from support.cases import AUDIO
from support.running import TaskRun

from airflow_provider_ims._jobs.marker import key_in
from airflow_provider_ims._submission import Submitter
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsUncertainSubmitError
from airflow_provider_ims.operators import base as operators

pytestmark = pytest.mark.slow

TASKS = 200


def test_each_of_200_mapped_tasks_submits_one_job_to_an_unreliable_service(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it on a failure
    ims_emulator.fault(AUDIO.submit, "qps", rate=20)
    ims_emulator.fault(AUDIO.submit, "unavailable", count=None, share=0.1, seed=seed)
    ims_emulator.fault(AUDIO.submit, "cut_after", count=None, share=0.05, seed=seed)
    # The emulator's listing does not lag: a hundredth of the search time is enough.
    monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=lambda seconds: time.sleep(seconds / 100)))
    task = AUDIO.task(wait_for_completion=False)

    def run(map_index: int) -> str:
        tries = TaskRun(task, map_index=map_index)
        while True:
            try:
                return str(tries.attempt()["job_id"])
            except ImsUncertainSubmitError:
                # Too many responses were lost for one try; a retry continues.
                assert tries.try_number <= tries.retries

    with ThreadPoolExecutor(TASKS) as pool:
        job_ids = list(pool.map(run, range(TASKS)))

    jobs = ims_emulator.jobs()
    assert len(jobs) == TASKS
    assert set(job_ids) == {job["job_id"] for job in jobs}
    assert len({key_in(job["parameters"]["UserData"]) for job in jobs}) == TASKS
    requests = ims_emulator.requests(AUDIO.submit)
    assert {"unavailable", "cut_after"} <= {fault for request in requests for fault in request["faults"]}
    assert "Throttling.User" in {request["error_code"] for request in requests}
