"""The options in Airflow's configuration: valid values, warnings about invalid values, and the poll interval."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from airflow.exceptions import AirflowConfigException
from airflow.providers.common.compat.sdk import conf
from support.waiting import CEILING

from airflow_provider_ims import _config
from airflow_provider_ims._config import (
    FREEZE_GARBAGE_COLLECTOR,
    MAX_JOBS_PER_SWEEP,
    MAX_REQUESTS_PER_SECOND,
    MEDIA_PAGES,
    OPTIONS,
    POLL_INTERVAL,
    Option,
)

every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


@pytest.fixture(autouse=True)
def no_warnings_of_other_tests() -> None:
    _config._warn.cache_clear()


def variable(option: Option[Any]) -> str:
    return f"AIRFLOW__IMS__{option.name.upper()}"


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (POLL_INTERVAL, "2.5", 2.5),
        (POLL_INTERVAL, "60", 60.0),
        (MAX_REQUESTS_PER_SECOND, "0.5", 0.5),
        (MAX_JOBS_PER_SWEEP, "0", 0),
        (FREEZE_GARBAGE_COLLECTOR, "True", True),
        (FREEZE_GARBAGE_COLLECTOR, "t", True),
        (FREEZE_GARBAGE_COLLECTOR, "0", False),
        (MEDIA_PAGES, "false", False),
    ],
    ids=lambda one: one.name if isinstance(one, Option) else repr(one),
)
def test_a_value_is_read(option: Option[Any], text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable(option), text)
    assert option.get() == value


@every_option
@pytest.mark.parametrize("text", ["perhaps", "", "-1", "1e999", "nan"])
def test_an_invalid_value_is_reported_once_and_the_default_is_used(
    option: Option[Any], text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable(option), text)
    assert [option.get(), option.get()] == [option.default] * 2
    (warning,) = caplog.messages
    assert f"[ims] {option.name}: {text!r} is n" in warning
    assert f"using the default {option.default}" in warning


@every_option
def test_an_option_that_airflow_cannot_read_is_reported(
    option: Option[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def get(*_: Any, **__: Any) -> str:
        raise AirflowConfigException("no such file")

    monkeypatch.setattr(conf, "get", get)
    assert option.get() == option.default
    assert f"[ims] {option.name}: no such file" in caplog.text


#: Code that prints the intervals of tasks. It runs in a new process, because the operators and sensors read Airflow's
#: configuration when they are imported.
INTERVALS = """
from airflow_provider_ims.operators.ims import ImsSubmitTextGenerateJobOperator as Operator
from airflow_provider_ims.sensors.ims import ImsSmartHandleJobSensor as Sensor
text = {"task_id": "t", "type": "Title", "generate_config": {}}
print(Operator(**text).poll_interval, Operator(**text, poll_interval=3).poll_interval)
print(Sensor(task_id="s", job_id="j").poke_interval, Sensor(task_id="s", job_id="j", poke_interval=4).poke_interval)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("configured", "expected"), [("45", "45.0"), ("soon", "10.0")])
def test_the_poll_interval_is_a_default_of_operators_and_sensors(
    configured: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(POLL_INTERVAL), configured)
    run = subprocess.run([sys.executable, "-c", INTERVALS], capture_output=True, text=True, timeout=CEILING)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-2:] == [f"{expected} 3", f"{expected} 4.0"]
    assert ("'soon' is not a number from 1 to 86,400" in run.stdout + run.stderr) == (configured == "soon")
