"""
What must hold before anything else is imported: nothing of the outside reaches the tests.

Airflow reads its home, and the SDK its credentials and its metadata switch, while they are imported.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from support.running import TaskLog

    from local_airflow import EmulatorService, LocalAirflow

# Connections, settings and credentials of whoever runs the tests; proxies, which the SDK takes even to this machine;
# DEBUG=sdk, with which the SDK prints headers.
OUTSIDE = re.compile(r"AIRFLOW_.*|ALIBABA_.*|(HTTP|HTTPS|ALL|NO)_PROXY|DEBUG", re.IGNORECASE)

for name in [name for name in os.environ if OUTSIDE.fullmatch(name)]:
    del os.environ[name]

HOME = Path(tempfile.mkdtemp(prefix="airflow-provider-ims-tests-"))
os.environ["AIRFLOW_HOME"] = str(HOME)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# The SDK would look for the metadata service of a cloud machine.
os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
# It would also read the system's certificates for each session, for HTTP too. No test trusts any of them.
os.environ["SSL_CERT_FILE"] = os.devnull

# A failure prints the example and a line that repeats it, whatever the random seed was.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "slow: takes seconds; `make check` leaves it out")
    # pytest-xdist registers it too. Here it is for runs without the plugin.
    config.addinivalue_line("markers", "xdist_group(name): run on one worker, because the tests share an Airflow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a worker of pytest-xdist, begin with what takes long: the quick tests fill the gaps at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Exempt all that is loaded by now from garbage collection, which took a third of the time of the tests."""
    gc.collect()
    gc.freeze()


def _rank(item: pytest.Item) -> int:
    """Return 0 for tests on a real Airflow, 1 for slow tests and 2 for others."""
    if item.get_closest_marker("slow") is None:
        return 2
    return 1 if item.get_closest_marker("xdist_group") is None else 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Print the table of crashes, and what could not be tested.

    This hook is here and not beside the tests because the controller of pytest-xdist loads only this file.
    """
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    rows = [
        tuple(map(str, value))
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "crash"
    ]
    if rows:
        rows = [("killed by SIGKILL", "job type", "mode", "tries", "jobs"), *rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        terminalreporter.section("jobs paid for, whatever crashes")
        for row in rows:
            terminalreporter.line("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))
    if shutil.which("chromium") is None:
        terminalreporter.section("not tested")
        terminalreporter.line("Airflow's pages in a browser: Chromium is not installed (apt-get install chromium)")


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> None:
    """Empty Airflow's list of secrets to mask: it compiles the whole list again for each connection."""
    for reset in _resets():
        reset()


@cache
def _resets() -> list[Callable[[], None]]:
    """Return what empties the list, wherever this version of Airflow has it."""
    modules = [module for name, module in sys.modules.items() if name.endswith(".secrets_masker")]
    return [module.reset_secrets_masker for module in modules if hasattr(module, "reset_secrets_masker")]


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Make the metadata database that ``dag.test()`` needs; a SQLite file in the AIRFLOW_HOME of the tests."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def emulator_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorService]:
    """Run an emulator in a process of its own, whose clock stands still until it is moved."""
    from local_airflow import EmulatorService

    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--clock", "manual") as service:
        yield service


@pytest.fixture(scope="session")
def example_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """Run an Airflow with the example DAGs and no connection, for the system tests and those in a browser."""
    from local_airflow import LocalAirflow
    from local_airflow.demo import CHECKOUT

    config = {"core": {"test_connection": "Enabled"}}
    with LocalAirflow(tmp_path_factory.mktemp("airflow"), CHECKOUT / "example_dags", config=config) as airflow:
        yield airflow


@pytest.fixture
def task_log() -> Iterator[TaskLog]:
    """Listen to what tasks and triggers log."""
    from support.running import TaskLog

    with TaskLog.listening() as log:
        yield log
