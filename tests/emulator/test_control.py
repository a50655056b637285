"""One set of methods, whether the emulator runs in this process or in another."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import pytest

from airflow_provider_ims.emulator import EmulatorControl, ImsEmulator

pytestmark = pytest.mark.slow

TEXT, AUDIO, BATCH = "SubmitTextGenerateJob", "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob"
COMMAND = [sys.executable, "-c", "from airflow_provider_ims.emulator.cli import main; raise SystemExit(main())"]


class Process:
    """An emulator in a process of its own."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.port = "0"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [*COMMAND, "--port", self.port, *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        url = next(iter(self.process.stdout)).split()[4]
        self.port = url.rpartition(":")[2]
        self.control = EmulatorControl(url)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.output = self.process.communicate()[0]
        return self.process.returncode


@pytest.fixture
def process(tmp_path):
    process = Process("--clock", "manual", "--state", tmp_path / "state.db")
    yield process
    if process.process.poll() is None:
        process.end(signal.SIGKILL)


@pytest.fixture(params=["thread", "process"])
def control(request, emulator):
    return emulator if request.param == "thread" else request.getfixturevalue("process").control


@pytest.fixture
def sender(control, wire_class):
    """Requests to whichever emulator it is; both have the default key."""
    return wire_class(
        SimpleNamespace(
            endpoint=control.url.partition("://")[2],
            access_key_id="LTAI-ims-emulator",
            access_key_secret="ims-emulator-secret",
        )
    )


def test_the_whole_interface_works_on_either_side(control, sender, good_requests):
    now = control.health()["time"]
    assert control.health() == {"status": "ok", "time": now}
    assert control.advance(5) == pytest.approx(now + 5)

    job_id = sender(TEXT, good_requests[TEXT])[1]["JobId"]
    assert [(job["kind"], job["state"], job["ended"]) for job in control.jobs()] == [(TEXT, "Created", None)]
    finished = control.finish(job_id)
    assert (finished["state"], finished["ended"]) == ("Finished", pytest.approx(now + 5))
    assert finished["result"]["AiResult"]
    failed = control.fail(job_id, code="Bad", message="bad")
    assert (failed["state"], failed["error_code"], failed["result"]) == ("Failed", "Bad", None)
    assert control.set_state(job_id, "Odd")["state"] == "Odd"
    assert control.set_state(job_id, "Finished")["result"]["AiResult"]

    batch_id = sender(BATCH, good_requests[BATCH])[1]["JobId"]
    control.fail_videos(batch_id, 1)
    statuses = [video["Status"] for video in control.finish(batch_id)["result"]]
    assert statuses == ["Failed", "Success", "Success"]
    assert len(control.jobs()) == 2
    assert len(control.jobs(BATCH)) == 1

    control.fault(AUDIO, "throttle", count=3)
    assert [fault["remaining"] for fault in control.faults()] == [3]
    assert sender(AUDIO, good_requests[AUDIO])[0] == 400
    control.clear_faults()
    control.release()
    assert control.faults() == []
    assert control.counts() == {AUDIO: {"400": 1}, BATCH: {"200": 1}, TEXT: {"200": 1}}

    control.reset()
    assert control.jobs() == control.requests() == []
    for command in (control.finish, control.fail, lambda job: control.set_state(job, "x")):
        with pytest.raises(KeyError, match="no job"):
            command(job_id)
    with pytest.raises(ValueError, match="moved back"):
        control.advance(-1)


@pytest.mark.parametrize("kind", ["SubmitTextGenerateJob", AUDIO, BATCH, "SubmitAIImageJob"])
def test_many_jobs_are_taken_in_at_once_each_with_its_own_time(control, good_requests, kind):
    job_ids = control.add_jobs(kind, good_requests[kind], [5, 0, 60])
    first, second, third = control.jobs(kind)
    assert [job["job_id"] for job in (first, second, third)] == job_ids
    assert [job["ended"] for job in (first, second, third)] == [None, second["created"], None]
    assert second["result"]
    now = control.advance(10)
    assert [job["ended"] for job in control.jobs(kind)] == [pytest.approx(now - 5), second["created"], None]
    assert first["parameters"] == good_requests[kind]
    assert control.requests() == []


def test_no_jobs_are_taken_in_that_a_submit_would_refuse(control, good_requests):
    for kind, changes, seconds, message in (
        ("GetSmartHandleJob", {}, [1], "no jobs are submitted by"),
        (AUDIO, {"OutputConfig": ""}, [1], "OutputConfig"),
        (AUDIO, {}, [1, -1], "-1 s"),
    ):
        with pytest.raises(ValueError, match=message):
            control.add_jobs(kind, {**good_requests[AUDIO], **changes}, seconds)
    assert control.jobs() == []


def test_the_record_of_a_request_has_all_but_its_secrets(control, sender):
    sender("ListSmartJobs", {"MaxResults": "5", "SecurityToken": "secret-1", "Signature": "secret-2"}, method="GET")
    (record,) = control.requests()
    assert record == {
        "time": record["time"],
        "request_id": record["request_id"],
        "method": "GET",
        "action": "ListSmartJobs",
        "version": "2020-11-09",
        "parameters": {"MaxResults": "5"},
        "in_query": ["MaxResults", "SecurityToken", "Signature"],
        "in_body": [],
        "access_key_id": "LTAI-ims-emulator",
        "status": 200,
        "error_code": None,
        "job_id": None,
        "faults": [],
    }


def test_a_killed_emulator_comes_back_with_everything(process, wire_class, good_requests):
    def send(action, parameters):
        endpoint = process.control.url.partition("://")[2]
        keys = {"access_key_id": "LTAI-ims-emulator", "access_key_secret": "ims-emulator-secret"}
        status, body = wire_class(SimpleNamespace(endpoint=endpoint, **keys))(action, parameters)
        assert status == 200, body
        return body

    with_token = {**good_requests[BATCH], "ClientToken": "token"}
    batch_id = send(BATCH, with_token)["JobId"]
    text_id = send(TEXT, good_requests[TEXT])["JobId"]
    process.control.fail(text_id, code="Bad", message="bad")
    process.control.advance(2)
    before = (process.control.jobs(), process.control.requests(), process.control.health())

    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    process.start()

    assert (process.control.jobs(), process.control.requests(), process.control.health()) == before
    assert send(BATCH, with_token)["JobId"] == batch_id
    assert send("GetSmartHandleJob", {"JobId": text_id})["ErrorCode"] == "Bad"
    process.control.advance(10)
    assert send("GetBatchMediaProducingJob", {"JobId": batch_id})["EditingBatchJob"]["Status"] == "Finished"
    assert process.control.counts()[BATCH] == {"200": 2}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_cleanly_after_one_line_per_request(number, wire_class, good_requests):
    process = Process("--access-key", "my-id:my:secret", "--duration", f"{TEXT}=0", f"{AUDIO}=1")
    try:
        target = SimpleNamespace(
            endpoint=process.control.url.partition("://")[2], access_key_id="my-id", access_key_secret="my:secret"
        )
        body = wire_class(target)(TEXT, good_requests[TEXT])[1]
        assert process.control.jobs()[0]["state"] == "Finished"
    finally:
        assert process.end(number) == 0
    assert process.output.startswith("AIRFLOW_CONN_IMS_DEFAULT='alibabacloud-ims://my-id:my%3Asecret@/?")
    assert f"{TEXT} GenerateConfig=" in process.output
    assert f"-> 200 job_id={body['JobId']}" in process.output
    assert "Traceback" not in process.output


def test_two_emulators_do_not_share_a_state_file(tmp_path):
    path = str(tmp_path / "state.db")
    with ImsEmulator(state=path), pytest.raises(sqlite3.OperationalError, match="locked"):
        ImsEmulator(state=path).start()


def test_an_emulator_of_this_process_starts_again_where_it_stopped(tmp_path, wire_class, good_requests):
    emulator = ImsEmulator(state=tmp_path / "state.db")
    with emulator:
        url = emulator.url
        job_id = wire_class(emulator)(TEXT, good_requests[TEXT])[1]["JobId"]
    with emulator:
        assert emulator.url == url
        assert [job["job_id"] for job in emulator.jobs()] == [job_id]
