from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.openlineage.extractors.manager import ExtractorManager
from airflow.sdk import Asset, AssetAlias
from airflow.utils.state import TaskInstanceState
from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
from openlineage.client.run import Job, Run, RunState
from openlineage.client.serde import Serde
from support.cases import AUDIO, BATCH, CASES, IMAGE, TEXT, Case
from support.running import TaskLog, TaskRun, run_task
from support.speech import speech

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError

ALIAS = AssetAlias("made-by-ims")
OUTPUTS: dict[str, Any] = {
    AUDIO.submit: lambda result: [result["media_url"]],
    BATCH.submit: lambda result: [video["media_url"] for video in result["videos"]],
    IMAGE.submit: lambda result: [image["url"] for image in result["images"]],
    TEXT.submit: lambda result: [],
}


def uri_of(address: str) -> str:
    host, _, key = address.partition("://")[2].partition("/")
    return f"oss://{host.partition('.')[0]}/{key}"


def events_of(run: TaskRun, alias: AssetAlias = ALIAS) -> list[tuple[str, dict[str, Any]]]:
    events = run.outlet_events[alias].asset_alias_events
    return [(event.dest_asset_key.uri, event.extra) for event in events]


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_output_of_a_job_is_an_event_of_the_alias(case: Case, deferrable: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(case.task(deferrable=deferrable, outlets=[ALIAS]))
    result = run.attempt()
    extra = {"job_id": result["job_id"]}
    assert events_of(run) == [(uri_of(address), extra) for address in OUTPUTS[case.submit](result)]


@pytest.mark.parametrize("deferrable", [True, False])
def test_each_output_of_many_jobs_is_an_event_of_the_alias(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(5, deferrable=deferrable, outlets=[ALIAS]))
    results = run.attempt()["results"]
    assert events_of(run) == [(uri_of(one["media_url"]), {"job_id": one["job_id"]}) for one in results]


def test_the_lineage_of_many_jobs_contains_the_objects_of_all_requests(ims_emulator: ImsEmulator) -> None:
    files = [f"oss://my-bucket/{number}.txt" for number in range(3)]
    run = TaskRun(speech(0, requests=[{"InputConfig": file} for file in (*files, files[0])]))
    result = run.attempt()
    lineage = run.process.get_openlineage_facets_on_complete(None)
    assert [one.name for one in lineage.inputs] == ["0.txt", "1.txt", "2.txt"]
    assert len(lineage.outputs) == 4
    assert lineage.run_facets["externalQuery"].externalQueryId == result["jobs"][0]["job_id"]


def test_an_output_with_a_name_too_long_for_an_asset_does_not_fail_the_task(
    ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    media = {"bucket": "my_bucket", "object": "蛋糕" * 160}
    run = TaskRun(AUDIO.task(outlets=[ALIAS], output_config=media))
    assert run.attempt()["media_url"]
    assert events_of(run) == []
    assert any("cannot be an asset" in line for line in task_log.lines("warning"))


def test_a_sensor_emits_events_for_the_outputs_of_all_jobs(ims_emulator: ImsEmulator) -> None:
    job_ids = [run_task(IMAGE.task(wait_for_completion=False))["job_id"] for _ in range(2)]
    run = TaskRun(IMAGE.sensor(task_id="wait", job_ids=job_ids, poke_interval=0.05, outlets=[ALIAS]))
    results = run.attempt()
    assert [uri for uri, _ in events_of(run)] == [uri_of(image["url"]) for one in results for image in one["images"]]
    assert {extra["job_id"] for _, extra in events_of(run)} == set(job_ids)


def test_outlets_that_are_not_aliases_are_left_to_airflow(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(AUDIO.task(outlets=[Asset("oss://my_bucket/all"), ALIAS]))
    run.attempt()
    assert len(events_of(run)) == 1
    # An AssetAlias has no hash before Airflow 3.2.
    assert all(outlet in (Asset("oss://my_bucket/all"), ALIAS) for outlet in run.outlet_events)


def test_a_failed_job_emits_no_events(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO.submit, "fail_job")
    run = TaskRun(AUDIO.task(outlets=[ALIAS]))
    with pytest.raises(ImsJobFailedError):
        run.attempt()
    assert events_of(run) == []


def extract(run: TaskRun, state: TaskInstanceState = TaskInstanceState.SUCCESS) -> Any:
    """Extract the lineage in the same way as the listener of the OpenLineage provider."""
    task = run.process
    ti = run.new_process()[1]["ti"]
    dag_run = SimpleNamespace(run_id="run")
    return ExtractorManager().extract_metadata(dagrun=dag_run, task=task, task_instance_state=state, task_instance=ti)


@pytest.mark.parametrize("deferrable", [True, False])
def test_openlineage_receives_inputs_and_outputs(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    arguments = {
        "input_config": {
            "MediaGroupArray": [
                {"GroupName": "a", "MediaArray": ["https://in.oss-cn-shanghai.aliyuncs.com/a.mp4", "oss://in/b.mp4"]}
            ]
        },
        "output_config": json.dumps({"MediaURL": "https://out.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4", "Count": 2}),
    }
    run = TaskRun(BATCH.task(deferrable=deferrable, **arguments))
    job_id = run.attempt()["job_id"]
    lineage = extract(run)
    assert {(one.namespace, one.name) for one in lineage.inputs} == {("oss://in", "a.mp4"), ("oss://in", "b.mp4")}
    assert {one.namespace for one in lineage.outputs} == {"oss://out"}
    assert [one.name for one in lineage.outputs] == ["v_0.mp4", "v_1.mp4"]
    assert lineage.run_facets["externalQuery"].externalQueryId == job_id


def test_the_lineage_can_be_serialised_by_the_openlineage_client(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(AUDIO.task())
    run.attempt()
    lineage = extract(run)
    event = RunEvent(
        eventTime="2026-01-01T00:00:00Z",
        producer="https://example.com",
        run=Run(runId="0193f9a0-0000-7000-8000-000000000000", facets=lineage.run_facets),
        job=Job(namespace="n", name="j"),
        eventType=RunState.COMPLETE,
        inputs=[InputDataset(namespace=one.namespace, name=one.name) for one in lineage.inputs],
        outputs=[OutputDataset(namespace=one.namespace, name=one.name) for one in lineage.outputs],
    )
    sent = json.loads(Serde.to_json(event))
    assert [one["namespace"] for one in sent["outputs"]] == ["oss://my_bucket"]
    assert sent["run"]["facets"]["externalQuery"]["source"] == "ims"


def test_openlineage_receives_the_inputs_of_a_failed_job(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job")
    run = TaskRun(BATCH.task(input_config={"MediaArray": ["oss://in/a.mp4"]}))
    with pytest.raises(ImsJobFailedError):
        run.attempt()
    lineage = extract(run, TaskInstanceState.FAILED)
    assert [one.name for one in lineage.inputs] == ["a.mp4"]
    assert lineage.outputs == []
