"""The control interface rejects invalid options with a clear message, and changes nothing."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest
from support.emulated import GOOD_REQUESTS
from support.submits import SUBMITS, encoded
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.control.routes import COMMANDS
from airflow_provider_ims.emulator.state.clock import ClockMode

TEXT = "SubmitTextGenerateJob"
DIGITS = "1" * 400
DEEP = "[" * 100_000 + "]" * 100_000


def sent(emulator: ImsEmulator, path: str, body: str, method: str = "POST") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(emulator.endpoint, timeout=CEILING)
    try:
        connection.request(method, f"/_emulator{path}", body.encode())
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def add_jobs(seconds: str = "[1]", parameters: str = '{"Type":"Title"}', kind: str = f'"{TEXT}"') -> str:
    return f'{{"kind":{kind},"parameters":{parameters},"seconds":{seconds}}}'


def fault(kind: str, options: str, more: str = "") -> str:
    return f'{{"action":"*","kind":"{kind}","options":{options}{more}}}'


BODY, JSON = "the options must be a JSON object", "the body is not valid JSON"
INVALID = [
    ("/advance", '{"seconds":NaN}', f"{JSON}: NaN"),
    ("/advance", '{"seconds":-Infinity}', JSON),
    ("/advance", '{"seconds":1e309}', "seconds must be a finite number, not inf"),
    ("/advance", '{"seconds":1e308}', "cannot be advanced to the year 9000 or later"),
    ("/advance", '{"seconds":-1e308}', "cannot be moved back"),
    ("/advance", f'{{"seconds":{DIGITS}}}', "seconds must be a finite number, not 1111"),
    ("/advance", f'{{"seconds":{"1" * 5_000}}}', JSON),
    ("/advance", '{"seconds":"5"}', "seconds must be a finite number, not '5'"),
    ("/advance", '{"seconds":true}', "seconds must be a finite number, not True"),
    ("/advance", '{"seconds":null}', "the option seconds is missing"),
    ("/advance", "{}", "the option seconds is missing"),
    ("/advance", "", "the option seconds is missing"),
    ("/advance", '{"seconds":1,"minutes":1}', "unknown option 'minutes'; options: seconds"),
    ("/advance", "[]", BODY),
    ("/advance", "null", BODY),
    ("/advance", DEEP, f"{JSON}: the JSON is nested too deeply"),
    ("/advance", "{", JSON),
    ("/reset", "[]", BODY),
    ("/reset", '{"clock":true}', "unknown option 'clock'; options: none"),
    ("/finish", "{}", "the option job_id is missing"),
    ("/finish", f'{{"job_id":{DIGITS}}}', "job_id must be a string"),
    ("/finish", '{"job_id":["x"]}', "job_id must be a string"),
    ("/finish", '{"job_id":"\\ud800"}', "job_id must be a string"),
    ("/fail", '{"job_id":"JOB","code":5}', "code must be a string"),
    ("/fail", '{"job_id":"JOB","message":{}}', "message must be a string"),
    ("/fail_videos", '{"job_id":"JOB","count":"1"}', "count must be a 64-bit integer"),
    ("/fail_videos", f'{{"job_id":"JOB","count":{DIGITS}}}', "count must be a 64-bit integer"),
    ("/fail_videos", '{"job_id":"JOB","count":1}', "has no parts that can fail separately"),
    ("/set_state", '{"job_id":"JOB","state":5}', "state must be a string"),
    ("/add_jobs", add_jobs("[1, NaN]"), JSON),
    ("/add_jobs", add_jobs("[1, 1e308]"), "seconds must be a list of numbers of seconds, each from 0 to 1000000000"),
    ("/add_jobs", add_jobs("[1, -1]"), "seconds must be a list of"),
    ("/add_jobs", add_jobs('["1"]'), "seconds must be a list of"),
    ("/add_jobs", add_jobs("1"), "seconds must be a list of"),
    ("/add_jobs", add_jobs(parameters="null"), "the option parameters is missing"),
    ("/add_jobs", add_jobs(parameters='{"Type":1}'), "parameters must be a JSON object of strings"),
    ("/add_jobs", add_jobs(kind="[]"), "kind must be a string"),
    ("/add_jobs", add_jobs(kind='"Unusual"'), "'Unusual' is not a submit action"),
    ("/faults", fault("error", '{"status":"abc"}'), "status must be an HTTP status from 200 to 599"),
    ("/faults", fault("error", '{"status":204}'), "status must be"),
    ("/faults", fault("error", '{"code":["x"]}'), "code must be a string"),
    ("/faults", fault("error", '{"retry_after":"soon"}'), "retry_after must be a finite number, or null"),
    ("/faults", fault("non_json", '{"content_type":"a\\r\\nb: c"}'), "content_type must be a string of printable"),
    ("/faults", fault("non_json", '{"body":5}'), "body must be a string"),
    ("/faults", fault("qps", '{"rate":0}'), "rate must be a finite number above 0"),
    ("/faults", fault("qps", '{"rate":"x"}'), "rate must be a finite number above 0"),
    ("/faults", fault("hang", '{"seconds":1e308}'), "seconds must be a number of seconds"),
    ("/faults", fault("fail_job", '{"videos":-1}'), "videos must be a 64-bit integer of 0 or more, or null"),
    ("/faults", fault("odd_shape", '{"merge":[1]}'), "merge must be a JSON object"),
    ("/faults", fault("odd_shape", '{"drop":5}'), "drop must be a list of strings"),
    ("/faults", fault("throttle", "[]"), "options must be a JSON object"),
    ("/faults", fault("throttle", "{}", ',"count":1.5'), "count must be a 64-bit integer"),
    ("/faults", fault("throttle", "{}", ',"share":"1"'), "share must be a finite number"),
    ("/faults", fault("throttle", "{}", ',"seed":[]'), "seed must be a 64-bit integer"),
]


def state_of(emulator: ImsEmulator) -> Any:
    return emulator.jobs(), emulator.requests(), emulator.counts(), emulator.faults(), emulator.health()


@pytest.mark.parametrize(("path", "body", "message"), INVALID)
def test_invalid_options_change_nothing(emulator: ImsEmulator, path: str, body: str, message: str) -> None:
    (job_id,) = emulator.add_jobs(TEXT, GOOD_REQUESTS[TEXT], [60])
    before = state_of(emulator)
    status, content = sent(emulator, path, body.replace("JOB", job_id))
    assert status == 400
    assert message in content["error"]
    assert len(content["error"]) < 2_000
    assert state_of(emulator) == before


@pytest.mark.parametrize("path", [path for method, path in COMMANDS if method == "POST"])
@pytest.mark.parametrize("body", ["[1]", '"text"', "NaN", "{", DEEP, "\x00", '{"unusual":1}'])
def test_every_command_rejects_a_body_that_is_not_its_options(emulator: ImsEmulator, path: str, body: str) -> None:
    before = state_of(emulator)
    assert sent(emulator, path, body)[0] == 400
    assert state_of(emulator) == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit must be a number from 1 to 1000"),
        ("limit=1001", "limit must be a number from 1 to 1000"),
        ("after=-1", "after must be a number of up to 18 digits"),
        (f"after={DIGITS}", "after must be a number of up to 18 digits"),
        ("kind=x", "unknown option 'kind'; options: action, after, limit"),
    ],
)
def test_an_invalid_page_is_rejected(emulator: ImsEmulator, query: str, message: str) -> None:
    status, content = sent(emulator, f"/requests?{query}", "", method="GET")
    assert status == 400
    assert message in content["error"]


@pytest.mark.parametrize("path", ["/finish", "/fail", "/set_state"])
def test_an_unknown_job_is_rejected(emulator: ImsEmulator, path: str) -> None:
    assert sent(emulator, path, '{"job_id":"unusual"}') == (404, {"error": "there is no job 'unusual'"})


def test_the_end_of_a_job_is_not_changed(emulator: ImsEmulator) -> None:
    (job_id,) = emulator.add_jobs(TEXT, GOOD_REQUESTS[TEXT], [100])
    ended = emulator.finish(job_id)
    emulator.advance(10)
    assert emulator.finish(job_id) == ended
    with pytest.raises(ValueError, match=f"the job {job_id} has already ended in the state Finished"):
        emulator.fail(job_id)
    assert emulator.jobs() == [ended]


def test_jobs_are_added_together_or_not_at_all(emulator: ImsEmulator) -> None:
    parameters = {**encoded(SUBMITS["vod", "SubmitTranscodeJobs"]), "SessionId": "session"}
    with pytest.raises(ValueError, match="SessionId"):
        emulator.add_jobs("SubmitTranscodeJobs", parameters, [1, 1])
    assert emulator.jobs() == []
    emulator.advance(1)
    assert emulator.jobs() == []


@pytest.mark.parametrize("clock", ["auto", "manual"])
def test_a_reset_restores_the_clock(clock: ClockMode, tmp_path: Any) -> None:
    emulator = ImsEmulator(clock=clock, state=tmp_path / "state.db")
    with emulator:
        assert emulator.advance(1e6) > time.time() + 9e5
        emulator.reset()
        assert emulator.health()["time"] == pytest.approx(time.time(), abs=CEILING)
    with emulator:
        assert emulator.health()["time"] == pytest.approx(time.time(), abs=CEILING)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e308])
def test_an_invalid_duration_is_rejected(seconds: float) -> None:
    with pytest.raises(ValueError, match="duration of SubmitTextGenerateJob must be from 0 to 1000000000 s"):
        ImsEmulator(durations={TEXT: seconds})
