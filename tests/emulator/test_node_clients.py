"""Alibaba Cloud's Node.js clients run jobs on the emulator. ``conftest.py`` ignores this file if npm is missing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from support.job_runs import JOBS, check_responses, emulator_with_slow_jobs
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator

# The first run downloads the packages.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NODE_CLIENTS = Path(__file__).with_name("node_clients")


@pytest.fixture(scope="module")
def service() -> Iterator[ImsEmulator]:
    with emulator_with_slow_jobs() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def node_folder() -> Path:
    """Return the folder with the installed clients."""
    packages = (NODE_CLIENTS / "package.json").read_bytes()
    folder = ROOT / ".demo" / f"node-clients-{hashlib.sha256(packages).hexdigest()[:12]}"
    if not (folder / "node_modules" / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_bytes(packages)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=CEILING)
        assert run.returncode == 0, run.stdout + run.stderr
        (folder / "node_modules" / "installed").touch()
    return folder


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("client", ["pop-core", "openapi-client", "openapi-client-v1"])
def test_the_node_clients_run_the_jobs(service: ImsEmulator, node_folder: Path, client: str, method: str) -> None:
    service.reset()
    settings = {
        "client": client,
        "method": method,
        "endpoint": service.endpoint,
        "accessKeyId": service.access_key_id,
        "accessKeySecret": service.access_key_secret,
        "jobs": [asdict(job) for job in JOBS],
    }
    run = subprocess.run(
        ["node", str(NODE_CLIENTS / "run_jobs.js")],
        cwd=node_folder,
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=CEILING,
    )
    assert run.returncode == 0, run.stderr
    check_responses(service, json.loads(run.stdout))


def test_the_example_of_the_documentation_runs(service: ImsEmulator, node_folder: Path) -> None:
    (example,) = re.findall(r"```javascript\n(.*?)```", (ROOT / "docs" / "testing.md").read_text("utf-8"), re.DOTALL)
    assert "http://127.0.0.1:8020" in example
    script = example.replace("http://127.0.0.1:8020", service.url)
    run = subprocess.run(["node", "-e", script], cwd=node_folder, capture_output=True, text=True, timeout=CEILING)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("cake") == 2
