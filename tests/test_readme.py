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
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
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


@pytest.mark.ims_emulator(list_text_jobs=True, durations={case.submit: 0 for case in CASES.values()})
def test_the_policy_grants_what_is_called_and_no_more(ims_emulator: ImsEmulator) -> None:
    (policy,) = blocks("json")
    statements = json.loads(policy)["Statement"]
    assert {(statement["Effect"], statement["Resource"]) for statement in statements} == {("Allow", "*")}
    called = []
    for case in CASES.values():
        ims_emulator.fault(case.submit, "cut_after")
        run_task(case.task())
        product = case.operator.trigger_class.hook_class.product.code
        called.append({f"{product}:{request['action']}" for request in ims_emulator.requests()})
        ims_emulator.reset()
    called.append({f"ice:{ImsHook.probe[0]}"})
    assert [set(statement["Action"]) for statement in statements] == called


def test_every_file_it_leads_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (Path(__file__).parents[1] / target).exists(), target
