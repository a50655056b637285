"""Which modules each module may import, which modules are public, and what an import loads."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest
from support.pages import PAGES, ROOT
from support.waiting import CEILING

import airflow_provider_ims

PACKAGE = Path(airflow_provider_ims.__file__).parent
NAME = PACKAGE.name
SDK = ("alibabacloud_", "darabonba", "Tea", "mns")
#: Modules that only some calls import. Parsing a DAG must not load them.
HEAVY = ("jsonschema", "requests", "aiohttp", "starlette", "uvicorn", f"{NAME}.emulator")


class Layer(NamedTuple):
    """
    A top-level module or package.

    :param name: Its name in the package.
    :param responsibility: What it is responsible for, for the table in docs/architecture.md.
    :param may_import: The layers that it may import besides ``exceptions``, which every layer but the emulator may.
    """

    name: str
    responsibility: str
    may_import: tuple[str, ...] = ()


#: Which layer may import which. A layer may import only layers below it. After a change, update the table in
#: docs/architecture.md with: UPDATE_DOCS=1 pytest tests/test_imports.py
LAYERS = (
    Layer(
        "_plugin",
        "the Airflow plugin: the media pages and the macros for templates",
        ("media", "operators", "sensors", "_tasks", "subtitles", "_config"),
    ),
    Layer("media", "the pages that show the output of jobs", ("links", "_jobs", "hooks", "_config")),
    Layer(
        "operators",
        "submit a job and wait for it; define the arguments and the documentation of each job kind",
        ("_tasks", "_waiting", "_arguments", "_submission", "links", "_metrics", "_jobs", "hooks", "_config"),
    ),
    Layer(
        "sensors",
        "wait for jobs that were submitted elsewhere",
        ("_tasks", "_waiting", "_arguments", "links", "_jobs", "hooks", "_config"),
    ),
    Layer(
        "_tasks",
        "code that operators and sensors share: defers tasks, reads trigger events, publishes the results of jobs",
        ("policies", "triggers", "_waiting", "_lineage", "links", "_jobs", "hooks"),
    ),
    Layer("policies", "decide whether Airflow retries a task, depending on the error"),
    Layer("queues", "the message queue provider with the scheme `smq`", ("triggers",)),
    Layer(
        "triggers",
        "the triggers, which Airflow serialises",
        ("_events", "_waiting", "_notifications", "_submission", "_jobs"),
    ),
    Layer(
        "_events",
        "asset events from the messages of a queue: the consumer, its stream, and the filters",
        ("_waiting", "_notifications", "hooks"),
    ),
    Layer(
        "_waiting",
        "the monitor, the blocking wait, the poller that all triggers share, the reader of a queue, and the events of "
        "triggers",
        ("_notifications", "_jobs", "hooks", "_config"),
    ),
    Layer("_notifications", "reads the messages that the services write to queues"),
    Layer("_arguments", "the types of the arguments that constructors pass to base classes", ("_submission",)),
    Layer(
        "_submission",
        "submits one billed job for each request: submission record, recovery, cancellation",
        ("_jobs", "hooks", "_config"),
    ),
    Layer("assets", "the assets with the scheme `oss`, for all DAGs", ("_lineage", "_jobs")),
    Layer("_lineage", "asset events, and datasets for OpenLineage", ("_jobs",)),
    Layer("links", "the links on the page of a task instance", ("_config",)),
    Layer("_metrics", "Airflow metrics of jobs"),
    Layer("subtitles", "converts sentences into SRT and WebVTT"),
    Layer(
        "_jobs",
        "the catalogue of job kinds and job families; all code that depends on wire formats",
        ("hooks", "_config"),
    ),
    Layer("preload", "imports modules once per worker instead of in each task process", ("hooks",)),
    Layer("get_provider_info", "the provider's metadata", ("hooks", "_config")),
    Layer("hooks", "connection, credentials, client and signed API calls; all imports of the SDK"),
    Layer("_config", "the options in the section `[ims]` of Airflow's configuration"),
    Layer("exceptions", "the errors, and their serialised form in events"),
    Layer("emulator", "a local server that emulates IMS and VOD; shares no code with the other modules"),
)
BY_NAME = {layer.name: layer for layer in LAYERS}

#: The public modules with operators, sensors and triggers.
TASK_MODULES = (
    "operators.ims",
    "operators.vod",
    "sensors.ims",
    "sensors.vod",
    "triggers.ims",
    "triggers.smq",
    "triggers.vod",
)
#: The public modules, as the docstring of the package lists them.
PUBLIC = re.findall(r"``([\w.]+)``(?=[,:])", airflow_provider_ims.__doc__ or "")
#: CONTRIBUTING.md is for developers of the package.
USER_PAGES = [page for page in PAGES if page.name != "CONTRIBUTING.md"]
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def layer_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def modules(*layers: str) -> dict[str, Path]:
    """Return {dotted name: path} of the modules in the given layers, or of all modules."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        # The wheel also contains the example DAGs.
        if layer_of(name) != "example_dags" and (not layers or layer_of(name) in layers):
            found[name] = path
    return found


MODULES = modules()


def imports(source: str) -> Iterator[str]:
    """Yield the modules that a file imports: at module level, inside functions and for type checkers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


@cache
def imports_of(module: str) -> frozenset[str]:
    return frozenset(imports(MODULES[module].read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may_import(module: str) -> None:
    layer = layer_of(module)
    # The package itself contains only the version.
    if not layer:
        allowed = set()
    elif layer == "emulator":
        allowed = {layer, ""}
    else:
        allowed = {layer, "", "exceptions", *BY_NAME[layer].may_import}
    used = {layer_of(name) for name in imports_of(module) if name.split(".")[0] == NAME}
    assert used <= allowed


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_rule_allows_only_layers_below_and_no_more_than_is_used(layer: Layer) -> None:
    below = [other.name for other in LAYERS[LAYERS.index(layer) + 1 :]]
    assert [name for name in below if name in layer.may_import] == list(layer.may_import), (
        "may_import must be in the order of LAYERS"
    )
    used = {layer_of(name) for module in modules(layer.name) for name in imports_of(module) if name in MODULES}
    assert set(layer.may_import) == used - {layer.name, "", "exceptions"}


def test_every_module_has_a_layer() -> None:
    assert {layer_of(module) for module in MODULES} == {"", *BY_NAME}


def test_the_import_graph_has_no_cycle() -> None:
    graph = {module: imports_of(module) & MODULES.keys() - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"cycle: {' -> '.join(error.args[1])}")


def test_only_the_hooks_import_the_sdk() -> None:
    for module in MODULES:
        used = [name for name in imports_of(module) if name.startswith(SDK)]
        assert not used or layer_of(module) == "hooks", f"{module} imports {used}"


def table() -> str:
    """Return the import rules as the Markdown table in docs/architecture.md."""
    rows = ["| module | responsibility | may import |", "|---|---|---|"]
    for layer in LAYERS:
        path = f"`{layer.name}/`" if (PACKAGE / layer.name).is_dir() else f"`{layer.name}.py`"
        rows.append(f"| {path} | {layer.responsibility} | {', '.join(f'`{one}`' for one in layer.may_import) or '-'} |")
    return "\n".join(rows)


def test_the_documentation_shows_the_rule() -> None:
    page = ARCHITECTURE.read_text(encoding="utf-8")
    (shown,) = re.findall(r"^\| module \| responsibility \| may import \|(?:\n\|.*)*", page, re.MULTILINE)
    if shown != table() and os.environ.get("UPDATE_DOCS"):
        ARCHITECTURE.write_text(page.replace(shown, table()), encoding="utf-8")
    elif shown != table():
        pytest.fail("docs/architecture.md is outdated; to update it, run: UPDATE_DOCS=1 pytest tests/test_imports.py")


def test_the_public_modules_exist() -> None:
    assert PUBLIC
    assert {f"{NAME}.{name}" for name in PUBLIC} <= set(MODULES)


@pytest.mark.parametrize(
    "path", [*USER_PAGES, *(ROOT / "example_dags").rglob("*.py")], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_the_documentation_imports_only_public_modules(path: Path) -> None:
    statements = re.findall(rf"^\s*(?:from|import) {NAME}\.([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(statements) <= set(PUBLIC)


@cache
def loaded_by(*module: str) -> set[str]:
    """Import modules in a new interpreter, and return the names of all modules that are loaded afterwards."""
    code = f"import sys, json, {', '.join(module)}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=CEILING)
    return set(json.loads(run.stdout.splitlines()[-1]))


def with_prefix(loaded: set[str], prefixes: tuple[str, ...]) -> set[str]:
    return {name for name in loaded if name.startswith(prefixes)}


# The public modules load all modules that a task requires, including the poller and the triggers.
@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [*TASK_MODULES, "hooks.ims", "hooks.smq", "hooks.vod"],
)
def test_importing_a_public_module_loads_no_sdk(module: str) -> None:
    loaded = loaded_by(f"{NAME}.{module}")
    assert with_prefix(loaded, SDK) == set()
    # Modules that Airflow itself imports are not counted.
    assert with_prefix(loaded - loaded_by("airflow.sdk", "airflow.triggers.base"), HEAVY) == set()


@pytest.mark.slow
def test_the_public_modules_load_all_modules_of_a_task() -> None:
    loaded = set().union(*(loaded_by(f"{NAME}.{module}") for module in TASK_MODULES))
    assert set(modules("_jobs", "_waiting", "_submission", "_tasks", "triggers", "operators", "sensors")) <= loaded


@pytest.mark.slow
def test_operators_and_sensors_load_no_trigger() -> None:
    loaded = loaded_by(
        *(f"{NAME}.{module}" for module in ("operators.ims", "operators.vod", "sensors.ims", "sensors.vod"))
    )
    # In Airflow 3.1, the base class of sensors loads triggers.
    own = loaded - loaded_by("airflow.sdk.bases.sensor")
    assert with_prefix(own, (f"{NAME}.triggers", f"{NAME}._waiting.poller", "airflow.triggers")) == set()


@pytest.mark.slow
def test_the_provider_info_loads_only_the_connection_form() -> None:
    loaded = loaded_by(f"{NAME}.get_provider_info")
    form = (f"{NAME}.hooks", f"{NAME}.hooks._connection_form")
    assert with_prefix(loaded, (NAME,)) == {NAME, f"{NAME}.get_provider_info", f"{NAME}._config", *form}
    assert with_prefix(loaded, ("airflow.", "wtforms", *SDK, *HEAVY)) == set()


@pytest.mark.slow
def test_the_pytest_plugin_loads_neither_a_server_nor_airflow() -> None:
    loaded = loaded_by(f"{NAME}.emulator.pytest_plugin")
    assert with_prefix(loaded, ("airflow.", "starlette", "uvicorn", *SDK)) == set()


@pytest.mark.slow
def test_preload_loads_the_modules_of_a_submit_request_but_not_airflow() -> None:
    loaded = loaded_by(f"{NAME}.preload")
    assert with_prefix(loaded, ("airflow.",)) == set()
    assert {f"{NAME}.hooks._sdk", "alibabacloud_tea_openapi.client", "jsonschema"} <= loaded
