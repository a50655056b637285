"""Arguments whose value is the path of a file in a template folder of the DAG."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.template import literal
from support.cases import AUDIO, BATCH
from support.running import TaskRun, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.operators.ims import (
    ImsSubmitASRJobOperator,
    ImsSubmitJobOperator,
    ImsSubmitJobsOperator,
    ImsSubmitMediaProducingJobOperator,
)

OUTPUT = {"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/v.mp4"}
TIMELINE = {"VideoTracks": [{"VideoTrackClips": [{"MediaId": "m-20260101"}]}]}
#: The file contains a template.
TIMELINE_FILE = json.dumps(TIMELINE).replace("20260101", "{{ ds_nodash }}")
CONTEXT = {"ds_nodash": "20260101", "ti": SimpleNamespace(map_index=0)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "timelines").mkdir()
    (tmp_path / "timelines" / "summer.json").write_text(TIMELINE_FILE)
    (tmp_path / "script.txt").write_text("早上好, {{ ds_nodash }}.\n", encoding="utf-8")
    (tmp_path / "script.ssml").write_text("<speak>{{ ds_nodash }}</speak>")
    return tmp_path


def rendered(task: Any, folder: Path, *, native: bool = False) -> Any:
    dag = DAG("dag", schedule=None, template_searchpath=str(folder), render_template_as_native_obj=native)
    dag.add_task(task)
    dag.resolve_template_files()
    task.render_template_fields(dict(CONTEXT))
    return task


def sent(task: Any, emulator: ImsEmulator) -> dict[str, str]:
    run_task(task)
    (request,) = [one for one in emulator.requests() if one["action"].startswith("Submit")]
    return dict(request["parameters"])


def refused(task: Any, folder: Path) -> ImsRequestError:
    with pytest.raises(ImsRequestError) as caught:
        run_task(rendered(task, folder))
    return caught.value


@pytest.mark.parametrize("native", [True, False])
def test_a_json_argument_is_read_from_a_file_and_rendered(
    native: bool, folder: Path, ims_emulator: ImsEmulator
) -> None:
    task = ImsSubmitMediaProducingJobOperator(
        task_id="job", timeline="timelines/summer.json", output_media_config=OUTPUT
    )
    assert json.loads(sent(rendered(task, folder, native=native), ims_emulator)["Timeline"]) == TIMELINE


@pytest.mark.parametrize(
    ("file", "text"), [("script.txt", "早上好, 20260101."), ("script.ssml", "<speak>20260101</speak>")]
)
def test_a_script_is_read_from_a_file_and_rendered(
    file: str, text: str, folder: Path, ims_emulator: ImsEmulator
) -> None:
    assert sent(rendered(AUDIO.task(input_config=file), folder), ims_emulator)["InputConfig"] == text


def test_a_parameter_of_any_job_is_read_from_a_file(folder: Path, ims_emulator: ImsEmulator) -> None:
    task = ImsSubmitJobOperator(
        task_id="job",
        job="{{ 'SubmitMediaProducingJob' }}",
        parameters={"Timeline": "timelines/summer.json", "OutputMediaConfig": OUTPUT},
    )
    assert json.loads(sent(rendered(task, folder), ims_emulator)["Timeline"]) == TIMELINE


def test_the_parameters_of_many_jobs_are_read_from_files(folder: Path, ims_emulator: ImsEmulator) -> None:
    output = json.dumps(OUTPUT)
    task = ImsSubmitJobsOperator(
        task_id="job",
        job="SubmitMediaProducingJob",
        requests=[{"Timeline": "timelines/summer.json"}, {"Timeline": TIMELINE}],
        parameters={"OutputMediaConfig": "output.json"},
    )
    (folder / "output.json").write_text(output)
    assert run_task(rendered(task, folder))["succeeded"] == 2
    requests = [one["parameters"] for one in ims_emulator.requests("SubmitMediaProducingJob")]
    assert [json.loads(one["Timeline"]) for one in requests] == [TIMELINE, TIMELINE]
    assert [one["OutputMediaConfig"] for one in requests] == [output, output]


def test_the_arguments_of_a_mapped_task_are_read_from_files(folder: Path, ims_emulator: ImsEmulator) -> None:
    with DAG("dag", schedule=None, template_searchpath=str(folder)) as dag:
        mapped = ImsSubmitMediaProducingJobOperator.partial(task_id="job", output_media_config=OUTPUT).expand(
            timeline=["timelines/summer.json"]
        )
    context: Any = {**CONTEXT, "dag": dag, "dag_run": SimpleNamespace(conf={})}
    mapped.render_template_fields(context)
    assert json.loads(sent(context["task"], ims_emulator)["Timeline"]) == TIMELINE


@pytest.mark.parametrize("url", ["oss://bucket/a.json", "https://bucket.oss-cn-shanghai.aliyuncs.com/talk.txt"])
def test_the_url_of_an_object_is_not_read_as_a_file(url: str, folder: Path, ims_emulator: ImsEmulator) -> None:
    assert (
        sent(rendered(ImsSubmitASRJobOperator(task_id="job", input_file=url), folder), ims_emulator)["InputFile"] == url
    )


def test_a_nested_value_is_not_read_from_a_file(folder: Path, ims_emulator: ImsEmulator) -> None:
    output = {"bucket": "b", "object": "script.txt"}
    assert json.loads(sent(rendered(AUDIO.task(output_config=output), folder), ims_emulator)["OutputConfig"]) == output


def test_titles_and_user_data_are_not_read_from_files(folder: Path, ims_emulator: ImsEmulator) -> None:
    parameters = sent(rendered(AUDIO.task(title="script.txt", user_data={"Extend": "a.json"}), folder), ims_emulator)
    assert parameters["Title"] == "script.txt"
    assert json.loads(parameters["UserData"])["Extend"] == "a.json"


@pytest.mark.parametrize("text", [literal("script.txt"), "{{ 'script' ~ '.txt' }}"], ids=["literal", "template"])
def test_a_literal_or_a_rendered_text_is_not_read_from_a_file(
    text: Any, folder: Path, ims_emulator: ImsEmulator
) -> None:
    assert sent(rendered(AUDIO.task(input_config=text), folder), ims_emulator)["InputConfig"] == "script.txt"


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (lambda name: BATCH.task(input_config=name), "input_config"),
        (
            lambda name: ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"EditingConfig": name}),
            "parameters.EditingConfig",
        ),
        (
            lambda name: ImsSubmitJobsOperator(
                task_id="job", job="SubmitASRJob", requests=[{}, {"EditingConfig": name}]
            ),
            "requests[1].EditingConfig",
        ),
    ],
)
def test_the_error_for_a_missing_file_contains_the_searched_folders(task: Any, field: str, folder: Path) -> None:
    error = refused(task("winter.json"), folder)
    assert error.field == field
    assert str(error).startswith(f"{field}: file 'winter.json' not found; searched in ")
    assert str(folder) in str(error)


def test_a_missing_script_is_reported(folder: Path) -> None:
    error = str(refused(AUDIO.task(input_config="evening.ssml"), folder))
    assert "input_config: file 'evening.ssml' not found" in error
    assert "literal()" in error


def test_a_file_that_is_not_utf_8_is_reported(folder: Path) -> None:
    (folder / "gbk.txt").write_bytes("早上好".encode("gbk"))
    assert "input_config: file 'gbk.txt' cannot be read" in str(refused(AUDIO.task(input_config="gbk.txt"), folder))


@pytest.mark.parametrize("many", [False, True], ids=["one job", "many jobs"])
def test_a_file_that_disappears_during_the_deferral_does_not_fail_the_submitted_job(
    many: bool, folder: Path, ims_emulator: ImsEmulator
) -> None:
    """Airflow renders the templates again before it resumes a task."""
    parameters = {"Timeline": "timelines/summer.json", "OutputMediaConfig": OUTPUT}
    common: Any = {"task_id": "job", "job": "SubmitMediaProducingJob", "deferrable": True, "poll_interval": 0.05}
    task = (
        ImsSubmitJobsOperator(requests=[parameters], **common)
        if many
        else ImsSubmitJobOperator(parameters=parameters, **common)
    )
    dag = DAG("dag", schedule=None, template_searchpath=str(folder))
    dag.add_task(task)

    class RenderedRun(TaskRun):
        def new_process(self) -> tuple[Any, dict[str, Any]]:
            process, context = super().new_process()
            process.render_template_fields({**CONTEXT, **context})
            (folder / "timelines" / "summer.json").unlink(missing_ok=True)
            return process, context

    result = RenderedRun(task).attempt()
    assert result["succeeded"] == 1 if many else result["state"] == "Success"
    assert len(ims_emulator.requests("SubmitMediaProducingJob")) == 1
