"""What an import costs, and which way the arrows between the rooms point."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.waiting import CEILING

import airflow_provider_ims

pytestmark = pytest.mark.slow

PACKAGE = Path(airflow_provider_ims.__file__).parent
NAME = PACKAGE.name
SDK = ("alibabacloud_", "darabonba", "Tea")
#: Needed by some calls only, and by no task that is merely parsed.
HEAVY = ("jsonschema", "tenacity", "requests", "aiohttp", "starlette", "uvicorn", f"{NAME}.emulator")

#: Room -> the rooms it may import from. Everybody may import exceptions; nobody but itself the emulator.
ARROWS: dict[str, set[str]] = {
    "": set(),
    "exceptions": set(),
    "get_provider_info": set(),
    "hooks": {"get_provider_info"},
    "jobs": {"hooks"},
    "waiting": {"jobs", "hooks"},
    "submission": {"jobs", "hooks"},
    "links": set(),
    "lineage": {"jobs"},
    "metrics": set(),
    "preload": {"hooks"},
    "tasks": {"lineage", "links", "triggers", "submission", "waiting", "jobs", "hooks"},
    "triggers": {"submission", "waiting", "jobs", "hooks"},
    "operators": {
        "tasks",
        "metrics",
        "lineage",
        "links",
        "triggers",
        "submission",
        "waiting",
        "jobs",
        "hooks",
    },
    "sensors": {"tasks", "links", "triggers", "submission", "waiting", "jobs", "hooks"},
    "emulator": {""},
}


def modules(*rooms: str) -> list[str]:
    """Return the modules of some rooms, or of all, by their dotted names."""
    # The wheel has the example DAGs inside the package; they are no room.
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if "example_dags" not in path.parts]
    names = (path.relative_to(PACKAGE.parent).with_suffix("").parts for path in paths)
    dotted = [".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in names]
    return [name for name in dotted if not rooms or room_of(name) in rooms]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def loaded_by(*module: str) -> set[str]:
    """Import modules in a fresh interpreter and return all that is loaded then."""
    code = f"import sys, json, {', '.join(module)}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=CEILING)
    return set(json.loads(run.stdout.splitlines()[-1]))


def among(loaded: set[str], prefixes: tuple[str, ...]) -> set[str]:
    return {name for name in loaded if name.startswith(prefixes)}


# Each loads all that lies below it, so the outermost stand for the others.
@pytest.mark.parametrize(
    "module",
    [
        "operators.ims",
        "operators.vod",
        "sensors.ims",
        "sensors.vod",
        "triggers.ims",
        "triggers.vod",
        "hooks.ims",
        "hooks.vod",
    ],
)
def test_importing_a_public_module_loads_no_sdk(module: str) -> None:
    loaded = loaded_by(f"{NAME}.{module}")
    assert among(loaded, SDK) == set()
    # What Airflow itself brings is not ours to judge.
    assert among(loaded - loaded_by("airflow.sdk", "airflow.triggers.base"), HEAVY) == set()


def test_the_outermost_modules_stand_for_all_that_a_task_needs() -> None:
    outermost = ("operators.ims", "operators.vod", "sensors.ims", "sensors.vod")
    reached = set().union(*(loaded_by(f"{NAME}.{module}") for module in outermost))
    inner = ("jobs", "waiting", "submission", "tasks", "triggers", "operators", "sensors")
    assert set(modules(*inner)) <= reached


def test_the_provider_info_loads_nothing_but_itself() -> None:
    loaded = loaded_by(f"{NAME}.get_provider_info")
    assert among(loaded, (NAME,)) == {NAME, f"{NAME}.get_provider_info"}
    assert among(loaded, ("airflow.", *SDK, *HEAVY)) == set()


def test_the_plugin_of_pytest_loads_no_server_and_no_airflow() -> None:
    loaded = loaded_by(f"{NAME}.emulator.pytest_plugin")
    assert among(loaded, ("airflow.", "starlette", "uvicorn", *SDK)) == set()


def test_preload_imports_what_a_submit_needs_and_no_part_of_airflow() -> None:
    loaded = loaded_by(f"{NAME}.preload")
    assert among(loaded, ("airflow.",)) == set()
    assert {f"{NAME}.hooks.sdk", "alibabacloud_tea_openapi.client", "jsonschema", "tenacity"} <= loaded


def imports(path: Path) -> Iterator[str]:
    """Yield every module of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            # What is imported from the package itself may be one of its rooms.
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if node.module == NAME else [node.module]


@pytest.mark.parametrize("module", modules())
def test_arrows_point_one_way(module: str) -> None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    room = room_of(module)
    allowed = {room, "exceptions"} | ARROWS[room] if room != "emulator" else {room}
    for name in imports(path):
        if name.split(".")[0] != NAME or name == NAME or name == f"{NAME}.__version__":
            continue
        assert room_of(name) in allowed, f"{module} imports {name}"


def test_every_room_is_on_the_plan() -> None:
    assert {room_of(module) for module in modules()} <= set(ARROWS)


def test_only_the_hooks_import_the_sdk() -> None:
    for module in modules():
        path = PACKAGE.parent.joinpath(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        used = [name for name in imports(path) if name.startswith(SDK)]
        assert not used or room_of(module) == "hooks", f"{module} imports {used}"
