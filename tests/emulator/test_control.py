"""The control interface of an emulator in this process and in another process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import EmulatorControl, ImsEmulator

pytestmark = pytest.mark.slow

TEXT, AUDIO, BATCH = "SubmitTextGenerateJob", "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob"
COMMAND = [sys.executable, "-c", "from airflow_provider_ims.emulator.cli import main; raise SystemExit(main())"]


class Process:
    """An emulator in another process."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.port = "0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--port", self.port, *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        url = next(iter(self.process.stdout)).split()[4]
        self.port = url.rpartition(":")[2]
        self.control = EmulatorControl(url)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.output = self.process.communicate()[0]
        return self.process.returncode


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process("--clock", "manual", "--state", str(tmp_path / "state.db"))
    yield process
    if process.process.poll() is None:
        process.end(signal.SIGKILL)


@pytest.fixture(params=["thread", "process"])
def control(request: pytest.FixtureRequest, emulator: ImsEmulator) -> EmulatorControl:
    if request.param == "thread":
        return emulator
    process: Process = request.getfixturevalue("process")
    return process.control


def client_of(control: EmulatorControl, *key: str) -> SignedClient:
    return SignedClient(control.url.partition("://")[2], *key)


@pytest.fixture
def sender(control: EmulatorControl) -> SignedClient:
    return client_of(control)


def test_all_commands_work_in_this_process_and_in_another_process(
    control: EmulatorControl, sender: SignedClient
) -> None:
    now = control.health()["time"]
    assert control.health() == {"status": "ok", "time": now}
    assert control.advance(5) == pytest.approx(now + 5)

    job_id = sender(TEXT, GOOD_REQUESTS[TEXT])[1]["JobId"]
    assert [(job["kind"], job["state"], job["ended"]) for job in control.jobs()] == [(TEXT, "Created", None)]
    finished = control.finish(job_id)
    assert (finished["state"], finished["ended"]) == ("Finished", pytest.approx(now + 5))
    assert finished["result"]["AiResult"]
    job_id = sender(TEXT, GOOD_REQUESTS[TEXT])[1]["JobId"]
    failed = control.fail(job_id, code="Bad", message="bad")
    assert (failed["state"], failed["error_code"], failed["result"]) == ("Failed", "Bad", None)
    assert control.set_state(job_id, "Paused")["state"] == "Paused"
    assert control.set_state(job_id, "Finished")["result"]["AiResult"]
    assert len(control.jobs(TEXT)) == 2

    batch_id = sender(BATCH, GOOD_REQUESTS[BATCH])[1]["JobId"]
    control.fail_videos(batch_id, 1)
    statuses = [video["Status"] for video in control.finish(batch_id)["result"]]
    assert statuses == ["Failed", "Success", "Success"]
    assert len(control.jobs()) == 3
    assert len(control.jobs(BATCH)) == 1

    control.fault(AUDIO, "throttle", count=3)
    assert [fault["remaining"] for fault in control.faults()] == [3]
    assert sender(AUDIO, GOOD_REQUESTS[AUDIO])[0] == 400
    control.clear_faults()
    control.release()
    assert control.faults() == []
    assert control.counts() == {AUDIO: {"400": 1}, BATCH: {"200": 1}, TEXT: {"200": 2}}

    control.reset()
    assert control.jobs() == control.requests() == []
    commands: list[Callable[[str], Any]] = [control.finish, control.fail, lambda job_id: control.set_state(job_id, "x")]
    for command in commands:
        with pytest.raises(KeyError, match="no job"):
            command(job_id)
    with pytest.raises(ValueError, match="moved back"):
        control.advance(-1)


@pytest.mark.parametrize("kind", ["SubmitTextGenerateJob", AUDIO, BATCH, "SubmitAIImageJob"])
def test_many_jobs_with_different_durations_can_be_added(control: EmulatorControl, kind: str) -> None:
    job_ids = control.add_jobs(kind, GOOD_REQUESTS[kind], [5, 0, 60])
    first, second, third = control.jobs(kind)
    assert [job["job_id"] for job in (first, second, third)] == job_ids
    assert [job["ended"] for job in (first, second, third)] == [None, second["created"], None]
    assert second["result"]
    now = control.advance(10)
    assert [job["ended"] for job in control.jobs(kind)] == [pytest.approx(now - 5), second["created"], None]
    assert first["parameters"] == GOOD_REQUESTS[kind]
    assert control.requests() == []


def test_jobs_that_the_submit_action_would_reject_are_not_added(control: EmulatorControl) -> None:
    for kind, changes, seconds, message in (
        ("GetSmartHandleJob", {}, [1], "is not a submit action"),
        (AUDIO, {"OutputConfig": ""}, [1], "OutputConfig"),
        (AUDIO, {}, [1, -1], "-1"),
    ):
        with pytest.raises(ValueError, match=message):
            control.add_jobs(kind, {**GOOD_REQUESTS[AUDIO], **changes}, seconds)
    assert control.jobs() == []


def test_the_record_of_a_request_contains_no_secrets(control: EmulatorControl, sender: SignedClient) -> None:
    sender("ListSmartJobs", {"MaxResults": "5", "SecurityToken": "secret-1", "Signature": "secret-2"}, method="GET")
    (record,) = control.requests()
    assert record == {
        "time": record["time"],
        "request_id": record["request_id"],
        "method": "GET",
        "action": "ListSmartJobs",
        "version": "2020-11-09",
        "region": "cn-shanghai",
        "parameters": {"MaxResults": "5"},
        "in_query": ["MaxResults"],
        "in_body": [],
        "access_key_id": "LTAI-ims-emulator",
        "status": 200,
        "error_code": None,
        "job_id": None,
        "faults": [],
    }


def test_a_killed_emulator_loses_nothing(process: Process) -> None:
    def sent(action: str, parameters: dict[str, str]) -> Any:
        status, body = client_of(process.control)(action, parameters)
        assert status == 200, body
        return body

    with_token = {**GOOD_REQUESTS[BATCH], "ClientToken": "token"}
    batch_id = sent(BATCH, with_token)["JobId"]
    text_id = sent(TEXT, GOOD_REQUESTS[TEXT])["JobId"]
    process.control.fail(text_id, code="Bad", message="bad")
    process.control.advance(2)
    before = (process.control.jobs(), process.control.requests(), process.control.health())

    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    process.start()

    assert (process.control.jobs(), process.control.requests(), process.control.health()) == before
    assert sent(BATCH, with_token)["JobId"] == batch_id
    assert sent("GetSmartHandleJob", {"JobId": text_id})["ErrorCode"] == "Bad"
    process.control.advance(10)
    assert sent("GetBatchMediaProducingJob", {"JobId": batch_id})["EditingBatchJob"]["Status"] == "Finished"
    assert process.control.counts()[BATCH] == {"200": 2}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_logs_each_request_and_ends_on_a_signal(number: int) -> None:
    process = Process("--access-key", "my-id:my:secret", "--duration", f"{TEXT}=0", f"{AUDIO}=1")
    try:
        body = client_of(process.control, "my-id", "my:secret")(TEXT, GOOD_REQUESTS[TEXT])[1]
        assert process.control.jobs()[0]["state"] == "Finished"
    finally:
        assert process.end(number) == 0
    assert "AIRFLOW_CONN_IMS_DEFAULT='alibabacloud-ims://my-id:my%3Asecret@/?" in process.output
    assert f"{TEXT} GenerateConfig=" in process.output
    assert f"-> 200 job_id={body['JobId']}" in process.output
    assert "Traceback" not in process.output


def test_two_emulators_cannot_use_the_same_state_file(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with ImsEmulator(state=path), pytest.raises(sqlite3.OperationalError, match="locked"):
        ImsEmulator(state=path).start()


def test_a_stopped_emulator_can_be_started_again(tmp_path: Path) -> None:
    emulator = ImsEmulator(state=tmp_path / "state.db")
    with emulator:
        url = emulator.url
        job_id = SignedClient.of(emulator)(TEXT, GOOD_REQUESTS[TEXT])[1]["JobId"]
    with emulator:
        assert emulator.url == url
        assert [job["job_id"] for job in emulator.jobs()] == [job_id]
