"""The emulator runs where only this package, Starlette and uvicorn are installed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support.emulated import GOOD_REQUESTS, SignedClient
from support.waiting import CEILING

import airflow_provider_ims
from local_airflow.server import service_environment

pytestmark = pytest.mark.slow

CHECKOUT = Path(airflow_provider_ims.__file__).parents[1]
#: The arguments of pip from docs/reference/emulator-server.md; {} is the wheel of this package.
INSTALLS = (("--no-deps", "{}"), ("starlette", "uvicorn"))
#: Python code that fails if a package is importable.
ABSENT = "import sys; from importlib.util import find_spec; sys.exit(find_spec(sys.argv[1]) is not None)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    subprocess.run(command, check=True, capture_output=True, timeout=CEILING)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the commands of a new virtual environment."""
    folder = tmp_path_factory.mktemp("standalone")
    venv.create(folder, with_pip=True)
    # pip reads its settings from the environment. tests/conftest.py hides the system's certificates.
    env = {name: value for name, value in os.environ.items() if name not in ("SSL_CERT_FILE", "PYTHONPATH")}
    for packages in INSTALLS:
        names = [name.format(wheel) for name in packages]
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *names]
        run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=CEILING)
        assert run.returncode == 0, run.stderr
    return folder / "bin"


@pytest.mark.parametrize("package", ["airflow", "alibabacloud_tea_openapi", "jsonschema", "pytest"])
def test_the_packages_of_the_provider_are_not_installed(package: str, scripts: Path, tmp_path: Path) -> None:
    subprocess.run([scripts / "python", "-c", ABSENT, package], cwd=tmp_path, check=True, timeout=CEILING)


@pytest.mark.parametrize("command", [("python", "-m", "airflow_provider_ims.emulator"), ("ims-emulator",)])
def test_the_emulator_runs_a_job(command: tuple[str, ...], scripts: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [str(scripts / command[0]), *command[1:], "--port", "0", "--clock", "manual", "--quiet"],
        cwd=tmp_path,
        env=service_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            found = re.search(r"http://(127\.0\.0\.1:\d+)", process.stdout.readline())
            assert found, process.stderr.read()
            send = SignedClient(found[1])
            status, body = send("SubmitTextGenerateJob", GOOD_REQUESTS["SubmitTextGenerateJob"])
            assert status == 200
            status, body = send("GetSmartHandleJob", {"JobId": body["JobId"]})
            assert (status, body["State"]) == (200, "Created")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=CEILING) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
