"""What the README shows must run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cases import CASES

from airflow_provider_ims.hooks.ims import ImsHook

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_dag_is_one_of_about_twenty_lines() -> None:
    dag, _ = blocks("python")
    names: dict[str, Any] = {}
    exec(dag, names)
    assert names["voice_over"].upstream_task_ids == {"copy"}
    assert len(dag.splitlines()) <= 26


@pytest.mark.parametrize("broken", [False, True])
def test_the_tests_of_a_dag_pass_and_would_fail(broken: bool, tmp_path: Path) -> None:
    _, test = blocks("python")
    if broken:
        test = test.replace("== 2", "== 3")
    (tmp_path / "test_dag.py").write_text(test)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_dag.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "1 failed, 1 passed" if broken else "2 passed"
    assert expected in run.stdout, run.stdout + run.stderr


def test_the_policy_grants_what_the_operators_sensors_and_the_test_button_call() -> None:
    (policy,) = blocks("json")
    statements = json.loads(policy)["Statement"]
    granted = [set(statement["Action"]) for statement in statements]
    for case in CASES.values():
        product = case.operator.trigger_class.hook_class.product.code
        assert {f"{product}:{case.submit}", f"{product}:{case.query}"} in granted
    assert {f"ice:{ImsHook.probe[0]}"} in granted
    assert len(granted) == len(CASES) + 1
    assert {statement["Effect"] for statement in statements} == {"Allow"}


def test_every_file_it_leads_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (Path(__file__).parents[1] / target).exists(), target
