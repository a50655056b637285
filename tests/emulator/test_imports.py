from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider_ims.emulator

FOLDER = Path(airflow_provider_ims.emulator.__file__).parent
PACKAGE = "airflow_provider_ims"
HEAVY = ("PIL", "airflow", "alibabacloud", "av", "darabonba", "h11", "hypothesis", "sqlite3", "starlette", "uvicorn")


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, including the imports for type checkers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module


@pytest.mark.parametrize("module", ["airflow_provider_ims.emulator", "airflow_provider_ims.emulator.pytest_plugin"])
def test_large_libraries_are_imported_on_first_use(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(name for name in sys.modules if name.startswith({HEAVY!r})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in found if not name.startswith(PACKAGE)] == []
    assert f"{PACKAGE}.emulator.server" not in found


def test_the_public_names_are_available_and_an_unknown_name_is_not() -> None:
    for name in airflow_provider_ims.emulator.__all__:
        assert getattr(airflow_provider_ims.emulator, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        airflow_provider_ims.emulator.Nothing  # noqa: B018


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_emulator_imports_neither_the_provider_nor_its_sdk(path: Path) -> None:
    for name in imported(path):
        assert not name.startswith(("airflow.", "alibabacloud", "darabonba")), name
        # The package itself contains only the version.
        assert name == PACKAGE or name.startswith(f"{PACKAGE}.emulator") or not name.startswith(PACKAGE), name


def test_nothing_else_imports_the_emulator() -> None:
    for path in FOLDER.parent.rglob("*.py"):
        if FOLDER not in path.parents:
            assert not [name for name in imported(path) if name.startswith(f"{PACKAGE}.emulator")], path


#: Folder of the emulator -> the folders that it may import.
LAYERS = {
    "state": set(),
    "media": set(),
    "api": {"media", "state"},
    "control": {"api", "state"},
    "page": {"control", "api", "state"},
    "server": {"page", "control", "api", "media", "state"},
}


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_of_the_emulator_point_in_one_direction(folder: str) -> None:
    for path in (FOLDER / folder).rglob("*.py"):
        names = {name.removeprefix(f"{PACKAGE}.emulator.") for name in imported(path) if name.startswith(PACKAGE)}
        folders = {name.partition(".")[0] for name in names} - {folder, "settings"}
        assert folders <= LAYERS[folder], path


def test_the_emulator_has_no_circular_imports() -> None:
    modules = {
        f"{PACKAGE}.{'.'.join(path.relative_to(FOLDER.parent).with_suffix('').parts)}": set(imported(path))
        for path in FOLDER.rglob("*.py")
        if path.name != "__init__.py"
    }
    # Remove the modules that import none of the remaining modules, until none is left.
    while modules:
        leaves = [name for name, names in modules.items() if not names & set(modules)]
        assert leaves, sorted(modules)
        for name in leaves:
            del modules[name]
