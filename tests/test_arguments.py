"""All arguments of the operators and sensors are typed, so that editors and type checkers can check them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, ForwardRef

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator
from support.waiting import CEILING

from airflow_provider_ims import _arguments as arguments
from airflow_provider_ims.operators import ims as ims_operators
from airflow_provider_ims.operators import vod as vod_operators
from airflow_provider_ims.operators._submit_operator import SubmitOperator
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.sensors import ims as ims_sensors
from airflow_provider_ims.sensors import vod as vod_sensors
from airflow_provider_ims.sensors.base import JobSensor, JobsSensor

#: Arguments that do not exist in all supported versions of Airflow.
NEW = {"render_template_as_native_obj"}

TASKS: list[type[BaseOperator]] = [
    one
    for module in (ims_operators, vod_operators, ims_sensors, vod_sensors)
    for one in vars(module).values()
    if inspect.isclass(one) and issubclass(one, BaseOperator) and one.__name__.startswith(("Ims", "Vod"))
]

SAMPLE = """
from datetime import timedelta

from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator, ImsSubmitTextGenerateJobOperator
from airflow_provider_ims.operators.vod import VodSubmitJobOperator
from airflow_provider_ims.sensors.ims import ImsJobSensor, ImsSmartHandleJobSensor

config = {"keywords": "a", "textLength": 5, "targetCount": 1}
ImsSubmitTextGenerateJobOperator(
    task_id="a",
    generate_config=config,
    ims_conn_id=None,
    deferrable=True,
    timeout=timedelta(hours=1),
    poll_interval="{{ params.interval }}",
    on_clear="rejoin",
    durable=False,
    retries=3,
)
VodSubmitJobOperator(task_id="b", job="SubmitAIJob", region_id="cn-shanghai", wait_for_completion=False)
ImsSubmitJobsOperator(task_id="c", job="SubmitASRJob", requests=[{}], cancel_on_kill=False)
ImsSmartHandleJobSensor(task_id="d", job_id="x", poke_interval=5, soft_fail=True, pool="media")
ImsJobSensor(task_id="e", job="SubmitASRJob", job_ids=["x"], fail_on_partial_failure=True)
ImsSubmitTextGenerateJobOperator(task_id="f", generate_config=config, {wrong})
ImsSmartHandleJobSensor(task_id="g", job_id="x", {wrong})
"""


def parameters_of(one: type) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in inspect.signature(one.__init__).parameters.items()  # type: ignore[misc]
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def annotations_of(one: Any) -> dict[str, str]:
    """Return the annotations of a TypedDict as text."""
    return {
        name: value.__forward_arg__ if isinstance(value, ForwardRef) else str(value)
        for name, value in one.__annotations__.items()
    }


def passed_on(one: type) -> str:
    """Return the name of the TypedDict with the keyword arguments that a constructor passes on."""
    parameters = inspect.signature(one.__init__).parameters.values()  # type: ignore[misc]
    (annotation,) = [str(parameter.annotation) for parameter in parameters if parameter.kind is parameter.VAR_KEYWORD]
    assert annotation.startswith("Unpack["), (
        f"{one.__name__} does not declare the types of the arguments that it passes on"
    )
    return annotation.removeprefix("Unpack[").removesuffix("]")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_every_argument_of_a_task_is_typed(task: type[BaseOperator]) -> None:
    base = next(one for one in task.__mro__ if "__init__" in vars(one))
    known = {*parameters_of(task), *annotations_of(getattr(arguments, passed_on(base)))}
    accepted = {name for one in task.__mro__ if "__init__" in vars(one) for name in parameters_of(one)} - {"kwargs"}
    assert accepted - {"args"} <= known


@pytest.mark.parametrize(
    ("task", "own", "inherited"),
    [
        (SubmitOperator, arguments.SubmitArguments, arguments.TaskArguments),
        (JobOperator, arguments.JobArguments, arguments.SubmitArguments),
        (JobSensor, arguments.SensorArguments, arguments.BaseSensorArguments),
        (JobsSensor, arguments.JobsSensorArguments, arguments.SensorArguments),
    ],
)
def test_the_arguments_are_those_of_the_constructor(task: type, own: Any, inherited: Any) -> None:
    typed, others = annotations_of(own), annotations_of(inherited)
    signature = {name: str(one.annotation) for name, one in parameters_of(task).items()}
    assert {name: text for name, text in typed.items() if name not in others or name in signature} == signature
    assert passed_on(task) == inherited.__name__


def test_the_arguments_of_airflow_are_those_of_its_constructors() -> None:
    task, sensor = annotations_of(arguments.TaskArguments), annotations_of(arguments.BaseSensorArguments)
    assert task.keys() - NEW == parameters_of(BaseOperator).keys() - NEW - {"multiple_outputs", "retry_policy"}
    assert sensor.keys() - task.keys() == parameters_of(BaseSensorOperator).keys() - {"poke_interval"}


@pytest.mark.slow
def test_a_type_checker_finds_a_misspelt_shared_argument(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE.replace("{wrong}", "timout=5"))
    root = Path(arguments.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    run = subprocess.run(
        [*command, str(sample)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=CEILING,
        env={"MYPYPATH": str(root)},
    )
    errors = [line for line in run.stdout.splitlines() if "sample.py" in line and ": error:" in line]
    assert len(errors) == 2, run.stdout
    assert all('Unexpected keyword argument "timout"' in line for line in errors)
