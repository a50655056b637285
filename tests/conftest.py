"""
What must hold before anything else is imported: nothing of the outside reaches the tests.

Airflow reads its home, and the SDK its credentials and its metadata switch, while they are imported.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from support.running import TaskLog

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

# A failure prints the example and a line that repeats it, whatever the random seed was.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("tests")


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Make the metadata database that ``dag.test()`` needs; a SQLite file in the AIRFLOW_HOME of the tests."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def task_log() -> Iterator[TaskLog]:
    """Listen to what tasks and triggers log."""
    from support.running import TaskLog

    with TaskLog.listening() as log:
        yield log
