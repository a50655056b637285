from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.cases import CASES
from support.pages import ROOT
from support.waiting import CEILING

from airflow_provider_ims import _plugin
from airflow_provider_ims._plugin import ImsPlugin, tabs

GROUP = "airflow.plugins"
PROGRAM = """
import json
import sys
from datetime import datetime

try:
    from airflow.sdk.plugins_manager import integrate_macros_plugins
except ImportError:  # Before Airflow 3.2
    from airflow.plugins_manager import integrate_macros_plugins
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.execution_time import macros

integrate_macros_plugins()
with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    task = EmptyOperator(task_id="task")
context = {"macros": macros, "sentences": [{"content": "a < b", "from": 0, "to": 1.5}]}
templates = json.loads(sys.argv[1])
print(json.dumps([task.render_template(one, context, dag.get_template_env()) for one in templates]))
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the plugin's entry point is installed, as the wheel installs it."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    folder = tmp_path / "path" / "ims_plugin_test-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: ims-plugin-test\nVersion: 1\n")
    lines = (f"{name} = {value}" for name, value in points.items())
    (folder / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
    path = os.pathsep.join((str(folder.parent), str(ROOT)))
    return {**os.environ, "PYTHONPATH": path, "AIRFLOW_HOME": str(tmp_path / "home")}


def test_before_airflow_3_4_there_is_no_tab() -> None:
    assert [tabs(version) for version in ("3.1.3", "3.3.2")] == [[], []]


@pytest.mark.parametrize("version", ["3.4.0", "3.4.0rc1", "3.10.1", "4.0"])
def test_the_tab_is_shown_only_for_tasks_of_the_provider(version: str) -> None:
    (tab,) = tabs(version)
    assert tab["destination"] == "task_instance"
    shown = set(tab["applies_to"]["operators"])
    assert {type(case.task()).__name__ for case in CASES.values()} <= shown
    assert {"ImsSubmitJobsOperator", "VodSubmitJobOperator", "ImsJobSensor", "VodAIImageJobSensor"} <= shown
    assert all(name.startswith(("Ims", "Vod")) for name in shown)
    # This operator submits no jobs.
    assert "ImsApiOperator" not in shown


def test_without_media_pages_there_is_no_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_plugin, "__version__", "3.4.0")
    assert len(ImsPlugin().external_views) == 1
    monkeypatch.setenv("AIRFLOW__IMS__MEDIA_PAGES", "False")
    assert ImsPlugin().external_views == []


def test_the_plugin_does_not_load_the_application() -> None:
    program = "import sys, airflow_provider_ims._plugin; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=CEILING, check=True)
    loaded = set(run.stdout.split())
    assert not {"airflow_provider_ims.media._routes", "airflow_provider_ims.operators.ims"} & loaded


@pytest.mark.slow
def test_templates_can_use_the_macros(installed: dict[str, str]) -> None:
    templates = ["{{ macros.ims.to_srt(sentences) }}", "{{ macros.ims.to_webvtt(sentences) }}"]
    command = [sys.executable, "-c", PROGRAM, json.dumps(templates)]
    run = subprocess.run(command, env=installed, capture_output=True, text=True, timeout=CEILING)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == [
        "1\n00:00:00,000 --> 00:00:01,500\na < b\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt; b\n",
    ]
