"""The rows of the compatibility matrix agree with the package's metadata; the report shows failed checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from matrix.checks import Result, RowResult
from matrix.probe import NEWER, OPTIONAL
from matrix.report import report
from matrix.rows import MINIMUM, ROWS, selected

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
IMPORT_ALL = """
import importlib, json, pkgutil, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))
import airflow_provider_ims
failed = []
for module in pkgutil.walk_packages(airflow_provider_ims.__path__, "airflow_provider_ims."):
    try:
        importlib.import_module(module.name)
    except Exception:
        failed.append(module.name)
print(json.dumps(failed))
"""
#: Modules that Airflow 3.1 and an installation without package extras do not have.
MISSING = (
    "airflow.providers.common.messaging.providers.base_provider",
    "airflow.triggers.shared_stream",
    "alibabacloud_oss_v2",
    "mns",
)
BOUNDS = dict(line.split(">=") for line in PROJECT["dependencies"])


def pins(row):
    return dict(
        line.split("==") for line in row.constraints.read_text().splitlines() if line and not line.startswith("#")
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_constraints_of_a_row_contain_only_names_and_versions(row):
    lines = row.constraints.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines[1:] if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == []
    assert pins(row)["apache-airflow"] == row.airflow


def test_the_declared_minimum_of_airflow_is_a_row():
    assert BOUNDS["apache-airflow"] == MINIMUM
    assert any(row.airflow == MINIMUM and not row.lowest for row in ROWS)


def test_the_lowest_row_has_the_lower_bound_of_every_dependency():
    (lowest,) = selected(["lowest"])
    installed = pins(lowest)
    found = {name: installed[name] for name in BOUNDS}
    assert {name: found[name][: len(bound)] for name, bound in BOUNDS.items()} == BOUNDS


def test_rows_are_selected_by_name_or_by_airflow_version():
    assert [row.name for row in selected(["3.3.2-python3.12", "3.1.8"])] == ["3.1.8-python3.11", "3.3.2-python3.12"]
    assert {row.python for row in selected(["3.3.2"])} == {"3.11", "3.12", "3.13"}
    assert selected([]) == list(ROWS)
    with pytest.raises(ValueError, match=r"unknown row 2\.11"):
        selected(["2.11"])


def test_only_the_excluded_modules_require_airflow_3_3_or_a_package_extra():
    command = [sys.executable, "-c", IMPORT_ALL, json.dumps(MISSING)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    failed = {name for name in json.loads(run.stdout.splitlines()[-1]) if not name.endswith("__main__")}
    # This module fails because airflow.sdk lacks a name, which is not simulated here.
    assert failed | {"airflow_provider_ims.policies.retry"} == NEWER | OPTIONAL


def test_the_report_shows_failed_checks_and_checks_that_were_not_run():
    row = RowResult(row="3.1.8-python3.11", airflow="3.1.8", how="one step", versions={"python": "3.11.7"})
    row.checks = {"install": Result(True, "one step"), "form": Result(False, "0 of 25"), "db": Result(True, "done")}
    text = report([row])
    assert "| 3.1.8, Python 3.11 | one step | - | - | **failed** | yes | - " in text
    assert "- 3.1.8, Python 3.11, form fields: 0 of 25" in text
