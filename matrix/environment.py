"""The environment of a row: a virtual environment with the wheel, installed as users install it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local_airflow.server import service_environment
from matrix.rows import Row

CHECKOUT = Path(__file__).parents[1]
HOME = CHECKOUT / ".matrix"
#: Packages that the checks need in addition to the provider.
TOOLS = (
    "apache-airflow-providers-openlineage",
    "hypothesis",
    "markdown-it-py",
    "pytest",
    "statsd",
    "starlette",
    "uvicorn",
)
#: Files of the checkout that the checks read. The package is not included, because the installed package is checked.
TREE = ("tests", "benchmarks", "local_airflow", "matrix", "example_dags", "docs", "README.md", "pyproject.toml")
#: Packages whose versions the report shows, by short name.
REPORTED_PACKAGES = {
    "common-compat": "apache-airflow-providers-common-compat",
    "credentials": "alibabacloud-credentials",
    "tea-openapi": "alibabacloud-tea-openapi",
    "ice": "alibabacloud-ice20201109",
    "vod": "alibabacloud-vod20170321",
}
_INSTALL_SECONDS = 1800


class NotInstallableError(Exception):
    """The wheel cannot be built, or a row cannot be installed on this machine."""


def build_wheel() -> Path:
    """Build the wheel from the checkout, and return its path."""
    folder = HOME / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise NotInstallableError(f"The wheel cannot be built:\n{run.stdout}{run.stderr}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def find_python(version: str) -> str:
    """
    Return a Python interpreter that can create virtual environments.

    :param version: The version of Python, such as ``3.11``.
    :raises NotInstallableError: If no such interpreter is found.
    """
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))]
    installed = [str(path) for root in roots for path in sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for command in (f"python{version}", *installed):
        code = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != ({version.replace('.', ', ')}))"
        try:
            if subprocess.run([command, "-c", code], capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            continue
    raise NotInstallableError(f"Python {version} with venv is not installed on this machine")


class Environment:
    """
    The environment of a row. Later runs use it again unless the constraints or the dependencies have changed.

    :param row: The row.
    :param wheel: The wheel of the package.
    """

    def __init__(self, row: Row, wheel: Path) -> None:
        self.row = row
        self.wheel = wheel
        self.home = HOME / row.name
        self.venv = self.home / "venv"
        self.tree = self.home / "tree"
        self.log = self.home / "install.log"

    @property
    def python(self) -> str:
        """The interpreter."""
        return str(self.venv / "bin" / "python")

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of the checks, without the shell's Airflow settings, credentials and proxies."""
        home = self.home / "home"
        home.mkdir(parents=True, exist_ok=True)
        return service_environment(home) | {"PATH": f"{self.venv / 'bin'}:{os.environ['PATH']}"}

    def prepare(self) -> str:
        """
        Install the packages unless they are installed already, and copy the files that the checks read.

        :return: How the package was installed: ``one step`` or ``two steps``.
        :raises NotInstallableError: If the installation fails.
        """
        state_file = self.home / "installed.json"
        key, wheel = self._key(), hashlib.sha256(self.wheel.read_bytes()).hexdigest()
        before = json.loads(state_file.read_text()) if state_file.exists() else {}
        if before.get("key") != key:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir(parents=True)
            how = self._install()
        else:
            how = before["how"]
            if before.get("wheel") != wheel:
                self._pip("install", "--no-deps", "--no-index", "--force-reinstall", str(self.wheel))
        state_file.write_text(json.dumps({"key": key, "how": how, "wheel": wheel}))
        self._copy_tree()
        return how

    def run(self, *argv: str, timeout: float, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python with arguments in the copied tree."""
        return subprocess.run(
            [self.python, *argv],
            cwd=self.tree,
            env=self.variables | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def versions(self) -> dict[str, str]:
        """Return the versions that the report shows."""
        code = (
            "import json, platform, importlib.metadata as m; "
            f"found = {{name: m.version(package) for name, package in {REPORTED_PACKAGES}.items()}}; "
            "print(json.dumps({'python': platform.python_version(), **found}))"
        )
        found: dict[str, str] = json.loads(self.run("-c", code, timeout=60).stdout.splitlines()[-1])
        return found

    def _key(self) -> str:
        project = (CHECKOUT / "pyproject.toml").read_text()
        needed = re.search(r"^dependencies = \[.*?^\]", project, re.MULTILINE | re.DOTALL)
        text = self.row.constraints.read_text() + (needed[0] if needed else "") + " ".join(TOOLS)
        return hashlib.sha256(text.encode()).hexdigest()

    def _install(self) -> str:
        if not self.row.constraints.exists():
            raise NotInstallableError(f"{self.row.constraints.name} is missing")
        airflow, constraints = f"apache-airflow=={self.row.airflow}", ["--constraint", str(self.row.constraints)]
        self._make_venv()
        how = "one step"
        if not self._pip("install", str(self.wheel), airflow, *constraints):
            how = "two steps"
            self._make_venv()
            for step in ([airflow, *constraints], [str(self.wheel), airflow]):
                if not self._pip("install", *step):
                    raise NotInstallableError(f"pip install failed: {self.log}")
        if not self._pip("check"):
            raise NotInstallableError(f"pip check found a conflict: {self.log}")
        # The installation of the tools must not change the packages that a user would have.
        freeze = [self.python, "-m", "pip", "freeze", "--exclude", "airflow-provider-ims"]
        installed = subprocess.run(freeze, capture_output=True, text=True, check=True).stdout.splitlines()
        known = {_name(line) for line in installed}
        rest = [line for line in self.row.constraints.read_text().splitlines() if _name(line) not in known]
        pins = self.home / "pins.txt"
        pins.write_text("\n".join([*installed, *(rest if how == "one step" else [])]))
        if not self._pip("install", *TOOLS, "--constraint", str(pins)):
            raise NotInstallableError(f"The tools for the checks cannot be installed: {self.log}")
        return how

    def _make_venv(self) -> None:
        command = [find_python(self.row.python), "-m", "venv", "--clear", str(self.venv)]
        subprocess.run(command, check=True, capture_output=True)

    def _pip(self, *argv: str) -> bool:
        command = [self.python, "-m", "pip", *argv, "--disable-pip-version-check", "--quiet"]
        with self.log.open("a") as log:
            print("$", *command, file=log, flush=True)
            run = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=_INSTALL_SECONDS, check=False)
        return run.returncode == 0

    def _copy_tree(self) -> None:
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        for name in TREE:
            source = CHECKOUT / name
            if source.is_dir():
                shutil.copytree(source, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self.tree / name)


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[=@ ]", requirement, maxsplit=1)[0]).lower()


def first_error(output: str) -> str:
    """Return the last line of a program's output that contains an error, or the last line if none does."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(\w*Error|FAILED|ERROR)\b", line)]
    return (errors or lines or ["no output"])[-1][:300]


def main(argv: Sequence[str]) -> None:
    """Install the environments of the given rows without any checks, for manual experiments."""
    from matrix.rows import selected

    for row in selected(argv):
        print(row.name, Environment(row, build_wheel()).prepare(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
