from __future__ import annotations

import copy
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from support.cases import AUDIO, BATCH, CASES, IMAGE, TEXT, Case
from support.dags import DagRunner
from support.running import TaskRun, Ti, run_task
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsRequestError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.hooks._settings import read_settings
from airflow_provider_ims.links import FAILED_RESULT_KEY, RECORD_KEY, ConsoleLink, MediaLink, OutputLink

MEDIA, CONSOLE, OUTPUT = (link().xcom_key for link in (MediaLink, ConsoleLink, OutputLink))
#: Operator -> the URL of the first output in the result.
FIRST_OUTPUT = {
    "audio": lambda result: result["media_url"],
    "batch": lambda result: result["videos"][0]["media_url"],
    "image": lambda result: result["images"][0]["url"],
}

#: One task succeeds without an output, and one fails at once.
LINKS_DAG = """
from airflow.sdk import DAG
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator, ImsSubmitTextGenerateJobOperator

with DAG("links", schedule=None, default_args={"deferrable": DEFERRABLE, "poll_interval": 0.1}):
    config = {"keywords": "a", "textLength": 5, "targetCount": 1}
    ImsSubmitTextGenerateJobOperator(task_id="text", generate_config=config)
    ImsSubmitJobOperator(task_id="unknown", job="SubmitNothing")
"""


def linked(run: TaskRun) -> dict[str, Any]:
    """Return the links to the console and to the output."""
    return {key: value for key, value in run.xcoms.items() if key in (CONSOLE, OUTPUT)}


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_task_links_to_the_console_and_to_its_first_output(
    case: Case, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(case.task(deferrable=deferrable))
    result = run.attempt()
    product = "vod" if case is IMAGE else "ims"
    expected = {CONSOLE: f"https://{product}.console.aliyun.com"}
    if case is not TEXT:
        expected[OUTPUT] = FIRST_OUTPUT[{AUDIO.submit: "audio", BATCH.submit: "batch"}.get(case.submit, "image")](
            result
        )
    assert linked(run) == expected


@pytest.mark.parametrize("task", [AUDIO.task(), AUDIO.sensor_of("j"), TEXT.task(generate_config="missing.json")])
def test_airflow_does_not_push_the_links_again_at_the_end_of_a_phase(task: Any) -> None:
    # Airflow renders the arguments of a copy at the start of each phase.
    phase = copy.copy(task)
    with suppress(ImsRequestError):
        phase.render_template_fields({})
    assert phase.operator_extra_links == ()
    assert [link.name for link in task.operator_extra_links] == ["Media", "Alibaba Cloud console", "Output"]


@pytest.mark.slow
@pytest.mark.parametrize("deferrable", [True, False])
def test_the_log_of_a_task_contains_no_error_about_a_missing_link(
    deferrable: bool,
    airflow_db: None,
    ims_emulator: ImsEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "links.py").write_text(LINKS_DAG.replace("DEFERRABLE", str(deferrable)))
    with pytest.raises(AssertionError):
        DagRunner(tmp_path, monkeypatch).run("links")
    log = "".join(capfd.readouterr())
    assert "unknown submit action" in log
    assert "XCom not found" not in log


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_task_that_does_not_wait_has_a_console_link(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(TEXT.task(wait_for_completion=False))
    run.attempt()
    assert CONSOLE in linked(run)


def test_a_failed_job_has_a_console_link(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(TEXT.submit, "fail_job")
    run = TaskRun(TEXT.task())
    with pytest.raises(ImsJobFailedError):
        run.attempt()
    assert CONSOLE in linked(run)
    assert OUTPUT not in linked(run)


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_sensor_has_the_same_links_as_the_operator(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    job_id = run_task(AUDIO.task(wait_for_completion=False))["job_id"]
    run = TaskRun(AUDIO.sensor_of(job_id, deferrable=deferrable))
    result = run.attempt()
    assert linked(run) == {CONSOLE: "https://ims.console.aliyun.com", OUTPUT: result["media_url"]}


def test_the_console_url_of_the_connection_is_used(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    template = quote("https://console.example.com/{product}/{region_id}/jobs/{job_id}", safe="")
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", f"{ims_emulator.connection_uri}&console_url={template}")
    run = TaskRun(TEXT.task())
    job_id = run.attempt()["job_id"]
    assert linked(run)[CONSOLE] == f"https://console.example.com/ims/cn-shanghai/jobs/{job_id}"


def test_every_task_has_all_links() -> None:
    for case in CASES.values():
        for task in (case.task(), case.sensor_of("j")):
            assert [link.name for link in task.operator_extra_links] == ["Media", "Alibaba Cloud console", "Output"]


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_task_records_its_connection_and_links_to_the_media_page(
    case: Case, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(case.task(deferrable=deferrable, region_id="cn-beijing"))
    job_id = run.attempt()["job_id"]
    product = "vod" if case is IMAGE else "ice"
    record = run.xcoms[RECORD_KEY]
    assert 0 < time.time() - record.pop("submitted_at") < CEILING
    assert record == {
        "product": product,
        "ims_conn_id": "ims_default",
        "region_id": "cn-beijing",
        "job_id": job_id,
    }
    assert run.xcoms[MEDIA] == f"/ims/media/dags/dag/task?run_id=run&task_id={run.task.task_id}"


def test_a_sensor_links_to_the_media_page(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(AUDIO.task(wait_for_completion=False))["job_id"]
    run = TaskRun(AUDIO.sensor_of(job_id))
    run.attempt()
    assert run.xcoms[RECORD_KEY]["job_id"] == job_id
    assert MEDIA in run.xcoms


def test_without_media_pages_a_task_does_not_link_to_them(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__IMS__MEDIA_PAGES", "False")
    run = TaskRun(AUDIO.task())
    run.attempt()
    assert MEDIA not in run.xcoms
    assert set(linked(run)) == {CONSOLE, OUTPUT}


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failed_task_records_its_result(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(TEXT.submit, "fail_job", code="Bad", message="No tokens.")
    run = TaskRun(TEXT.task(deferrable=deferrable))
    with pytest.raises(ImsJobFailedError):
        run.attempt()
    result = run.xcoms[FAILED_RESULT_KEY]
    assert (result["error_code"], result["error_message"]) == ("Bad", "No tokens.")


def test_a_failed_sensor_records_the_results_of_its_jobs(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO.submit, "fail_job", code="Bad", message="No voice.")
    job_id = run_task(AUDIO.task(wait_for_completion=False))["job_id"]
    run = TaskRun(AUDIO.sensor_of(job_id))
    with pytest.raises(ImsJobFailedError):
        run.attempt()
    assert [result["error_code"] for result in run.xcoms[FAILED_RESULT_KEY]] == ["Bad"]


@pytest.mark.parametrize(
    ("base_url", "prefix"),
    [("/", ""), ("https://airflow.example.com", ""), ("https://airflow.example.com/team-a/", "/team-a")],
)
def test_the_link_to_the_media_page_is_encoded(base_url: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    ti = Ti(TEXT.task(), dag_id="dag.1", run_id="手动__2026-11-21T06:00:00+00:00/a&b", map_index=3)
    MediaLink().record({"ti": ti}, {})  # type: ignore[typeddict-item]
    path, _, query = ti.xcoms[MEDIA].partition("?")
    assert path == f"{prefix}/ims/media/dags/dag.1/task"
    assert parse_qs(query) == {"run_id": [ti.run_id], "task_id": [ti.task_id], "map_index": ["3"]}
    assert ti.xcoms[MEDIA].isascii()


@pytest.mark.parametrize("template", ["javascript:alert(1)", "https://x/{job}", "https://x/{0}", "https://x/{", "x"])
def test_an_invalid_console_url_is_rejected(template: str) -> None:
    from airflow.sdk import Connection

    connection = Connection(
        conn_id="c", conn_type=AlibabaCloudMediaHook.conn_type, extra=json.dumps({"console_url": template})
    )
    with pytest.raises(ImsRequestError) as caught:
        read_settings(connection)
    assert caught.value.field == "console_url"
