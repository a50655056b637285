"""
Isolates the tests from the environment and configures pytest.

The environment must be clean before the first import: Airflow reads AIRFLOW_HOME, and the SDK reads its credentials, at
import.
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
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from support.running import TaskLog

    from local_airflow import EmulatorService, LocalAirflow

# The user's connections, settings, credentials and options of the emulator; proxies, which the SDK uses even for the
# loopback address; and DEBUG=sdk, with which the SDK prints headers.
OUTSIDE = re.compile(r"AIRFLOW_.*|ALIBABA_.*|IMS_EMULATOR_.*|(HTTP|HTTPS|ALL|NO)_PROXY|DEBUG", re.IGNORECASE)

for name in [name for name in os.environ if OUTSIDE.fullmatch(name)]:
    del os.environ[name]

HOME = Path(tempfile.mkdtemp(prefix="airflow-provider-ims-tests-"))
os.environ["AIRFLOW_HOME"] = str(HOME)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Otherwise, the SDK connects to the ECS metadata service.
os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
# Otherwise, the SDK reads the system's certificates for each session, even for HTTP. No test needs them.
os.environ["SSL_CERT_FILE"] = os.devnull

# On a failure, print the example and a line that reproduces it regardless of the random seed.
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
    config.addinivalue_line("markers", "slow: takes seconds; `make check` skips it")


#: Files whose tests share a resource that is expensive to start -> the group, which one pytest-xdist worker runs.
GROUPS = {
    "tests/system/test_crashes.py": "crashes",
    "tests/browser/test_media.py": "airflow",
    "tests/browser/test_pages.py": "airflow",
    "tests/emulator/test_node_clients.py": "node",
    "tests/system/test_pipeline.py": "airflow",
    "tests/system/test_assets.py": "airflow",
    "tests/system/test_media.py": "airflow",
    "tests/system/test_secrets.py": "airflow",
    "tests/system/test_demo.py": "airflow",
    "tests/system/test_killing.py": "killing",
    "tests/system/test_policies.py": "policies",
    "tests/system/test_events.py": "events",
    "tests/docs/test_build.py": "site",
    "tests/conformance/test_facts.py": "conformance",
    "tests/conformance/test_checks.py": "conformance",
    "tests/test_imports.py": "imports",
    "tests/test_packaging.py": "packaging",
    "tests/emulator/test_standalone.py": "standalone",
}


#: A command that may be missing -> what cannot be tested without it.
NOT_TESTED = {
    "chromium": "pages in a browser: Chromium is not installed (apt-get install chromium)",
    "npm": "the emulator with the Node.js clients: npm is not installed; only the Python clients were tested",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Assign each group of files to one worker, and every other test to the next free worker.

    This replaces ``--dist loadgroup``, which has no effect in pytest-xdist 3.8.0 with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return GROUPS.get(nodeid.partition("::")[0], nodeid)

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a pytest-xdist worker, run the slow tests first, so that quick tests can fill the gaps at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Exclude all loaded objects from garbage collection, which otherwise takes a third of the tests' run time."""
    gc.collect()
    gc.freeze()


def _rank(item: pytest.Item) -> int:
    """Return the sort key of a test: groups first, then slow tests, then all others."""
    group = GROUPS.get(item.nodeid.partition("::")[0])
    if group is not None:
        return list(GROUPS.values()).index(group)
    return len(GROUPS) + (item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Print the table of crashes, and what was not tested.

    This hook is not next to the tests, because the pytest-xdist controller loads only this file.
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
        rows = [("killed by SIGKILL", "job kind", "mode", "tries", "jobs"), *rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        terminalreporter.section("billed jobs after crashes")
        for row in rows:
            terminalreporter.line("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))
    if missing := [text for command, text in NOT_TESTED.items() if shutil.which(command) is None]:
        terminalreporter.section("not tested")
        for text in missing:
            terminalreporter.line(text)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> None:
    """Clear Airflow's list of secrets to mask, because Airflow recompiles the whole list for each connection."""
    for reset in _resets():
        reset()


@cache
def _resets() -> list[Callable[[], None]]:
    """Return the functions that clear the list; their module depends on the version of Airflow."""
    modules = [module for name, module in sys.modules.items() if name.endswith(".secrets_masker")]
    return [module.reset_secrets_masker for module in modules if hasattr(module, "reset_secrets_masker")]


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Create the metadata database that ``dag.test()`` needs: a SQLite file in the AIRFLOW_HOME of the tests."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def emulator_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorService]:
    """Run an emulator in a separate process with a manual clock, which the test advances."""
    from local_airflow import EmulatorService

    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--clock", "manual") as service:
        yield service


@pytest.fixture(scope="session")
def example_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """Run Airflow with the example DAGs and without a connection, for the system tests and the browser tests."""
    from local_airflow import LocalAirflow
    from local_airflow.demo import CHECKOUT

    config = {"core": {"test_connection": "Enabled"}}
    with LocalAirflow(tmp_path_factory.mktemp("airflow"), CHECKOUT / "example_dags", config=config) as airflow:
        yield airflow


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the paths of a self-signed certificate for 127.0.0.1 and of its key."""
    from benchmarks.certificate import make_certificate

    certificate, key, _ = make_certificate(tmp_path_factory.mktemp("tls"))
    return str(certificate), str(key)


@pytest.fixture
def task_log() -> Iterator[TaskLog]:
    """Capture the log messages of tasks and triggers."""
    from support.running import TaskLog

    with TaskLog.capture() as log:
        yield log
