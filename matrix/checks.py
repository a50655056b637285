"""The checks of a row, in the order of the table's columns."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local_airflow.service import Service, end
from matrix.environment import Environment, NotInstallableError, first_error

CHECKS = {
    "install": "install",
    "imports": "imports",
    "discovery": "provider discovery",
    "form": "form fields",
    "db": "db migrate",
    "unit": "unit tests",
    "examples": "example DAGs in `dag.test()`",
    "pipeline": "content pipeline",
    "sensors": "sensors",
    "mapped": "mapped tasks",
    "asset_alias": "asset alias",
    "many": "500 waits, 50 foreign triggers",
}
LIVE = ("pipeline", "sensors", "mapped", "asset_alias")
FORM_FIELDS = 25
#: Tests of the code that talks to Airflow and to the SDK. The tests of the emulator, of the job catalogue and of the
#: checkout itself do not depend on the version of either; the oracle test compares with the newest product SDK.
UNIT_TESTS = (
    "tests/hooks",
    "tests/operators",
    "tests/sensors",
    "tests/triggers",
    "tests/submission",
    "tests/waiting",
    "tests/test_exceptions.py",
    "tests/test_get_provider_info.py",
    "tests/test_imports.py",
    "tests/test_lineage.py",
    "tests/test_links.py",
    "tests/test_metrics.py",
    "tests/test_tasks.py",
    "tests/test_watching.py",
)
NOT_RUN = ("tests/hooks/test_oracle.py", "tests/submission/test_storm.py", "tests/waiting/test_poller_many.py")
#: Versions of alibabacloud-tea-openapi whose errors do not say how long the service asks to wait.
OLDER_SDK = ("0.4.3", "0.4.4")
_MINUTE = 60.0


@dataclass
class Result:
    """How one check went."""

    ok: bool
    detail: str
    seconds: float = 0.0


@dataclass
class RowResult:
    """How a row went; ``checks`` holds those that were run."""

    row: str
    airflow: str
    how: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Result] = field(default_factory=dict)
    date: str = ""

    def save(self, folder: Path) -> None:
        """Keep it for the report, which shows every row whenever it was run."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.row}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> RowResult:
        """Read it back."""
        found = json.loads(path.read_text())
        found["checks"] = {name: Result(**result) for name, result in found["checks"].items()}
        return cls(**found)

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.ok for check in self.checks.values())


def run_row(
    environment: Environment, tell: Callable[[str], None], only: tuple[str, ...] = ()
) -> Iterator[tuple[str, Result]]:
    """
    Run the checks of a row, or some of them, one after the other.

    :param tell: Takes a line about what is going on.
    :param only: Names of checks.
    """
    began = time.monotonic()
    try:
        how = environment.prepare()
    except NotInstallableError as error:
        yield "install", Result(False, f"not installable: {error}", time.monotonic() - began)
        return
    yield "install", Result(True, how, time.monotonic() - began)
    for name, check in _SIMPLE.items():
        if not only or name in only:
            yield name, _timed(check, environment)
    if not only or set(only) & set(LIVE):
        yield from _live(environment, tell)
    if environment.row.many and (not only or "many" in only):
        yield from _live(environment, tell, "--many")


def _timed(check: Callable[[Environment], Result], environment: Environment) -> Result:
    began = time.monotonic()
    try:
        result = check(environment)
    except subprocess.TimeoutExpired as error:
        result = Result(False, f"no end within {error.timeout:g} s")
    result.seconds = time.monotonic() - began
    return result


def probe(environment: Environment, what: str) -> tuple[dict[str, Any] | None, str]:
    """Run a probe; return what it found, and its output."""
    run = environment.run("-m", "matrix.probe", what, timeout=5 * _MINUTE, env=_home(environment, "probe"))
    output = run.stdout + run.stderr
    if run.returncode:
        return None, output
    return json.loads(run.stdout.splitlines()[-1]), output


def _imports(environment: Environment) -> Result:
    found, output = probe(environment, "imports")
    return Result(bool(found), f"{found['modules']} modules" if found else first_error(output))


def _discovery(environment: Environment) -> Result:
    run = environment.run(
        *("-m", "airflow", "providers", "get", "airflow-provider-ims", "--output", "json"),
        timeout=5 * _MINUTE,
        env=_home(environment, "probe"),
    )
    ok = run.returncode == 0 and "airflow-provider-ims" in run.stdout
    return Result(ok, "found" if ok else first_error(run.stdout + run.stderr))


def _form(environment: Environment) -> Result:
    found, output = probe(environment, "form")
    if found is None:
        return Result(False, first_error(output))
    return Result(found["api"] == FORM_FIELDS, f"{found['api']} of {FORM_FIELDS}")


def _db(environment: Environment) -> Result:
    run = environment.run(
        "-m", "airflow", "db", "migrate", timeout=10 * _MINUTE, env=_home(environment, "db", new=True)
    )
    return Result(run.returncode == 0, "done" if run.returncode == 0 else first_error(run.stdout + run.stderr))


def _pytest(environment: Environment, name: str, *argv: str) -> Result:
    run = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *argv, timeout=60 * _MINUTE)
    (environment.home / f"{name}.log").write_text(run.stdout + run.stderr)
    lines = run.stdout.strip().splitlines()
    said = re.sub(r"[= ]*(.*?) in .*", r"\1", lines[-1]) if lines else first_error(run.stderr)
    return Result(run.returncode == 0 and "skipped" not in said, said)


def _unit(environment: Environment) -> Result:
    older = environment.versions()["tea-openapi"] in OLDER_SDK
    without = ["-m", "not newest_sdk"] if older else []
    return _pytest(environment, "unit", *UNIT_TESTS, *(f"--ignore={path}" for path in NOT_RUN), *without)


def _examples(environment: Environment) -> Result:
    return _pytest(environment, "examples", "tests/example_dags")


_SIMPLE: dict[str, Callable[[Environment], Result]] = {
    "imports": _imports,
    "discovery": _discovery,
    "form": _form,
    "db": _db,
    "unit": _unit,
    "examples": _examples,
}


def _live(environment: Environment, tell: Callable[[str], None], *options: str) -> Iterator[tuple[str, Result]]:
    """Run the checks on a real Airflow, which say themselves how they went."""
    home = environment.home / ("many" if options else "live")
    shutil.rmtree(home, ignore_errors=True)
    expected = ["many"] if options else list(LIVE)
    log = environment.home / f"{home.name}.log"
    log.unlink(missing_ok=True)
    # In a session of its own, so that nothing is left of it whatever happens.
    service = Service(
        home.name,
        [environment.python, "-m", "matrix.live", str(home), *options],
        env=environment.variables,
        log=log,
        cwd=environment.tree,
    )
    read = 0
    service.start()
    try:
        while True:
            running = service.running
            lines = log.read_text(errors="replace").rpartition("\n")[0].splitlines()
            for line in lines[read:]:
                if not line.startswith('{"'):
                    continue
                said = json.loads(line)
                if "progress" in said:
                    tell(said["progress"])
                elif said["check"] in expected:
                    expected.remove(said["check"])
                    yield said["check"], Result(said["ok"], said["detail"], said["seconds"])
            read = len(lines)
            if not running:
                break
            time.sleep(1)
    finally:
        end([service], grace=40)
    for name in expected:
        yield name, Result(False, first_error(service.tail()))


def _home(environment: Environment, name: str, *, new: bool = False) -> dict[str, str]:
    home = environment.home / name
    if new:
        shutil.rmtree(home, ignore_errors=True)
    return {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
