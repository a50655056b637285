from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_ims.emulator

FOLDER = Path(airflow_provider_ims.emulator.__file__).parent
PACKAGE = "airflow_provider_ims"
HEAVY = ("airflow", "alibabacloud", "darabonba", "h11", "hypothesis", "sqlite3", "starlette", "uvicorn")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("module", ["airflow_provider_ims.emulator", "airflow_provider_ims.emulator.pytest_plugin"])
def test_nothing_heavy_is_imported_until_it_is_used(module):
    code = f"import sys, {module}; print(*sorted(name for name in sys.modules if name.startswith({HEAVY!r})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in found if not name.startswith(PACKAGE)] == []
    assert f"{PACKAGE}.emulator.server" not in found


def test_public_names_are_there_and_others_are_not():
    for name in airflow_provider_ims.emulator.__all__:
        assert getattr(airflow_provider_ims.emulator, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        airflow_provider_ims.emulator.Nothing  # noqa: B018


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_the_emulator_knows_nothing_of_the_provider_and_its_sdk(path):
    for name in imported(path):
        assert not name.startswith(("airflow.", "alibabacloud", "darabonba")), name
        assert name.startswith(f"{PACKAGE}.emulator") or not name.startswith(PACKAGE), name


def test_nothing_outside_imports_the_emulator():
    for path in FOLDER.parent.rglob("*.py"):
        if FOLDER not in path.parents:
            assert not [name for name in imported(path) if name.startswith(f"{PACKAGE}.emulator")], path
