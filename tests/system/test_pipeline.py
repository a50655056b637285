"""The content pipeline on a real scheduler, real workers and a real triggerer."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager

import pytest
from rich.console import Console
from support.system import wait_until_deferral_processed
from support.waiting import CEILING

from local_airflow import wait_until
from local_airflow.demo import DAG_ID, run_pipeline

pytestmark = pytest.mark.slow

SUBMITS = (
    "SubmitTextGenerateJob",
    "SubmitAudioProduceJob",
    "SubmitBatchMediaProducingJob",
    "SubmitAIImageJob",
)
QUERIES = {
    "SubmitTextGenerateJob": "GetSmartHandleJob",
    "SubmitAudioProduceJob": "GetSmartHandleJob",
    "SubmitBatchMediaProducingJob": "GetBatchMediaProducingJob",
    "SubmitAIImageJob": "GetAIImageJobs",
}
LONG = 3600


def polled(emulator, job):
    """Return whether the service has answered a query for a job."""
    return any(
        job["job_id"] in str(request["parameters"]) and request["status"] == 200
        for request in emulator.requests(QUERIES[job["kind"]])
    )


@contextmanager
def moving_clock(emulator):
    """Advance the emulator's clock continuously."""
    stopped = threading.Event()

    def move():
        while not stopped.wait(0.2):
            emulator.advance(LONG)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        stopped.set()
        mover.join()


def test_every_job_is_submitted_once_and_awaited_without_a_worker(airflow, emulator):
    airflow.api.unpause(DAG_ID)
    run_id = airflow.api.trigger(DAG_ID)
    held = {}

    def hold(task):
        job = emulator.jobs()[-1]
        # The job runs until the clock is advanced, so the triggerer must be polling it.
        wait_until_deferral_processed(airflow, task)
        wait_until("a poll by the triggerer", lambda: polled(emulator, job), timeout=CEILING)
        now = airflow.api.task_instances(DAG_ID, run_id)
        held[task.task_id] = (job["kind"], {other.state for other in now if other.task_id not in held})
        emulator.advance(LONG)

    def on_progress(tasks):
        for task in tasks:
            if task.state == "deferred" and task.task_id not in held:
                hold(task)

    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING, on_progress=on_progress) == "success"

    assert [kind for kind, _ in held.values()] == list(SUBMITS)
    # One task is deferred and the following tasks have not started, so no task occupies a worker.
    assert all(states <= {"deferred", None} for _, states in held.values())
    assert {action: emulator.counts()[action] for action in SUBMITS} == {action: {"200": 1} for action in SUBMITS}
    jobs = {job["kind"]: job for job in emulator.jobs()}
    assert len(emulator.jobs()) == len(jobs) == len(SUBMITS)

    tasks = airflow.api.task_instances(DAG_ID, run_id)
    results = dict(zip(held, (airflow.api.xcom(DAG_ID, run_id, task) for task in tasks), strict=True))
    assert [task.task_id for task in tasks] == list(held)
    for task_id, (kind, _) in held.items():
        assert results[task_id]["job_id"] == jobs[kind]["job_id"]
        assert results[task_id]["state"] == jobs[kind]["state"]
    copy, voice_over, videos, covers = results.values()
    assert len(copy["texts"]) == 3
    assert copy["usage"]["total_tokens"] > 0
    assert voice_over["media_url"].endswith(".mp3")
    assert "".join(sentence["content"] for sentence in voice_over["sentences"])
    assert jobs["SubmitAudioProduceJob"]["parameters"]["InputConfig"] == copy["texts"][0]
    assert len(videos["videos"]) == 3
    assert videos["failed"] == []
    assert all({"job_id", "media_id", "media_url", "duration"} == set(video) for video in videos["videos"])
    assert covers["video_id"]
    assert all({"score", "url"} == set(image) for image in covers["images"])


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_a_failed_job_fails_its_task_and_the_demo_prints_the_log(airflow, emulator, console):
    emulator.fault(
        "SubmitTextGenerateJob", "fail_job", count=None, code="InvalidParameter.Type", message="No such type."
    )

    with moving_clock(emulator):
        assert not run_pipeline(console, airflow.api, timeout=CEILING)

    last = emulator.jobs()[-1]
    assert {job["kind"] for job in emulator.jobs()} == {"SubmitTextGenerateJob"}
    shown = console.file.getvalue()
    assert "Log of copy (failed):" in shown
    message = next(line for line in shown.splitlines() if "ImsJobFailedError: " in line)
    assert all(text in message for text in (last["job_id"], "InvalidParameter.Type", "No such type."))
    assert "Log of voice_over" not in shown


def test_a_restart_of_a_killed_triggerer_submits_no_second_job(airflow, emulator):
    airflow.api.unpause(DAG_ID)
    run_id = airflow.api.trigger(DAG_ID)

    def copy_state():
        return {task.task_id: task.state for task in airflow.api.task_instances(DAG_ID, run_id)}["copy"]

    wait_until("deferred copy", lambda: copy_state() == "deferred", timeout=CEILING)
    (job,) = emulator.jobs()
    wait_until("a poll by the triggerer", lambda: polled(emulator, job), timeout=CEILING)
    airflow.kill("triggerer")
    emulator.advance(LONG)
    airflow.restart("triggerer")
    wait_until("end of copy", lambda: copy_state() == "success", timeout=CEILING)
    assert emulator.counts()["SubmitTextGenerateJob"] == {"200": 1}
