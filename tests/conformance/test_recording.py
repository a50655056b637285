"""The recorded responses can be used as fixtures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from conformance.recording import missing_fields, own_content, record, signature
from conformance.redaction import redactor_of
from conformance.run import Run, run_emulated
from conformance.service import Response

#: Responses that `make live` recorded, as docs/howto/conformance.md describes.
RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture(scope="module")
def run() -> Run:
    with ImsEmulator(clock="manual") as emulator:
        return run_emulated(emulator, "cn-shanghai")


@pytest.fixture(scope="module")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the recorded responses of a run."""
    folder = tmp_path_factory.mktemp("recorded")
    job_ids = [job.job_id for job in run.jobs.values()]
    contents = [own_content(one, job_ids) for one in run.service.responses]
    record(folder, run.service.responses, job_ids, redactor_of({"example-bucket": "another-bucket"}, contents))
    return folder


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def response(body: dict[str, Any], *, action: str = "ListSmartJobs", status: int = 200) -> Response:
    return Response("ice", action, status, body, {}, 0.0, {})


def test_each_action_has_a_file_with_a_request_and_a_response(folder: Path) -> None:
    actions = {
        "ice": {"GetSmartHandleJob", "ListSmartJobs", "GetBatchMediaProducingJob", "ListBatchMediaProducingJobs"}
        | {"SubmitTextGenerateJob", "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob"},
        "vod": {"SubmitAIImageJob", "GetAIImageJobs", "ListAIImageInfo"},
    }
    for product, expected in actions.items():
        files = {path.stem for path in (folder / product).glob("*.json")}
        assert expected == {name.partition("-")[0] for name in files}
        assert expected <= files
        assert all(set(load(path)) == {"request", "response"} for path in (folder / product).glob("*.json"))
    finished = load(folder / "ice" / "GetSmartHandleJob.json")
    assert finished["response"]["JobResult"]["MediaId"]
    assert finished["request"]["JobId"] == finished["response"]["JobId"]


def test_all_observed_states_are_recorded(folder: Path) -> None:
    states = {load(path)["response"].get("State") for path in (folder / "ice").glob("GetSmartHandleJob*.json")}
    assert states == {"Created", "Executing", "Finished"}


def test_error_responses_are_separate_and_have_their_status(folder: Path) -> None:
    entries = [load(path) for path in (folder / "errors").rglob("*.json")]
    assert {entry["response"]["Code"] for entry in entries} >= {"MissingParameter", "InvalidAction.NotFound"}
    assert all(entry["status"] >= 400 for entry in entries)


def test_jobs_of_other_programs_are_omitted() -> None:
    body = {"SmartJobList": [{"JobId": "1", "Title": "own"}, {"JobId": "2", "Title": "private"}], "NextToken": ""}
    assert own_content(response(body), ["1"]) == {"SmartJobList": [{"JobId": "1", "Title": "own"}], "NextToken": ""}


def test_responses_of_the_same_format_are_recorded_once(tmp_path: Path) -> None:
    bodies = [{"RequestId": "1", "State": "Created"}, {"RequestId": "2", "State": "Created"}]
    bodies += [{"RequestId": "3", "State": "Executing"}, {"RequestId": "4", "State": "Created", "Output": "{}"}]
    responses = [response(body, action="GetSmartHandleJob") for body in bodies]
    lost = response({"Message": "lost"}, status=0)
    assert record(tmp_path, [*responses, lost], [], redactor_of({}, bodies)) == 3
    assert load(tmp_path / "ice" / "GetSmartHandleJob.json")["response"]["Output"] == "{}"
    assert signature(bodies[0]) == {"RequestId": "str", "State": "Created"}


#: The services with recorded responses. Those of the real service are optional.
RECORDINGS = ["emulator", *(["service"] if RECORDED.is_dir() else [])]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_emulator_returns_all_recorded_fields(recording: str, folder: Path, run: Run) -> None:
    recorded = RECORDED if recording == "service" else folder
    assert list(recorded.glob("*/*.json"))
    assert missing_fields(recorded, run.service.responses) == []


def test_a_field_of_the_emulators_own_recording_that_it_no_longer_returns_is_reported(folder: Path, run: Run) -> None:
    changed = [
        replace(one, body={name: value for name, value in one.body.items() if name != "SmartJobList"})
        for one in run.service.responses
    ]
    missing = missing_fields(folder, changed)
    assert "ice/ListSmartJobs: SmartJobList[].JobId (str)" in missing
    assert all(field.startswith("ice/ListSmartJobs: SmartJobList[].") for field in missing)


def test_a_recorded_field_that_the_emulator_does_not_return_is_reported(tmp_path: Path, run: Run) -> None:
    (tmp_path / "ice").mkdir()
    entry = {"request": {}, "response": {"State": 1, "SmartJobInfo": {"Priority": 6, "Title": "t"}}}
    (tmp_path / "ice" / "GetSmartHandleJob-2.json").write_text(json.dumps(entry))
    assert missing_fields(tmp_path, run.service.responses) == [
        "ice/GetSmartHandleJob: SmartJobInfo.Priority (int)",
        "ice/GetSmartHandleJob: State (int)",
    ]
