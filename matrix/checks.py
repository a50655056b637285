"""The checks of a row. The table of the report has one column for each check, in the same order."""

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

from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS
from local_airflow.service import Service, stop_services
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
    "many": "500 sensors, 50 other triggers",
}
LIVE = ("pipeline", "sensors", "mapped", "asset_alias")
#: The tests of the code that uses Airflow or the SDK. Tests that require Airflow 3.3 or a package extra, such as
#: tests/policies and tests/queues, are not included.
UNIT_TESTS = (
    "tests/assets",
    "tests/hooks",
    "tests/media",
    "tests/operators",
    "tests/sensors",
    "tests/triggers",
    "tests/submission",
    "tests/waiting",
    "tests/test_config.py",
    "tests/test_exceptions.py",
    "tests/test_get_provider_info.py",
    "tests/test_imports.py",
    "tests/test_lineage.py",
    "tests/test_links.py",
    "tests/test_metrics.py",
    "tests/test_tasks.py",
)
NOT_RUN = (
    # This compares the provider with the newest product SDK.
    "tests/hooks/test_oracle.py",
    # These require alibabacloud-oss-v2, which is optional.
    "tests/hooks/test_oss.py",
    "tests/media/test_signing.py",
    # These require aliyun-mns-sdk, which is also optional.
    "tests/hooks/test_smq.py",
    "tests/hooks/test_smq_network.py",
    "tests/hooks/test_smq_responses.py",
    "tests/operators/test_notifications.py",
    "tests/waiting/test_notified_waits.py",
    "tests/waiting/test_queue_reader.py",
    "tests/triggers/test_smq.py",
    "tests/triggers/test_smq_stream.py",
    # These are slow.
    "tests/submission/test_storm.py",
    "tests/waiting/test_poller_many.py",
)
#: Versions of alibabacloud-tea-openapi whose errors do not contain the Retry-After value of the response.
OLDER_SDK = ("0.4.3", "0.4.4")
_MINUTE = 60.0


@dataclass
class Result:
    """The result of one check."""

    ok: bool
    detail: str
    seconds: float = 0.0


@dataclass
class RowResult:
    """
    The results of one row.

    :param row: The name of the row.
    :param airflow: The version of Airflow.
    :param how: How the package was installed: ``one step`` or ``two steps``.
    :param versions: The versions that the report shows, by short package name.
    :param lacks: Optional feature -> whether the version of Airflow has the feature.
    :param checks: The results of the checks that were run, by name.
    :param date: The day of the last check.
    """

    row: str
    airflow: str
    how: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Result] = field(default_factory=dict)
    date: str = ""

    def save(self, folder: Path) -> None:
        """Save the results for the report, which combines the latest results of all rows."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.row}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> RowResult:
        """Load saved results."""
        found = json.loads(path.read_text())
        found["checks"] = {name: Result(**result) for name, result in found["checks"].items()}
        return cls(**found)

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.ok for check in self.checks.values())


def run_row(
    environment: Environment, log: Callable[[str], None], only: tuple[str, ...] = ()
) -> Iterator[tuple[str, Result]]:
    """
    Run the checks of a row one after the other, and yield the name and the result of each check.

    :param log: Prints a progress message.
    :param only: Names of the checks to run; all if empty.
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
        yield from _live(environment, log)
    if environment.row.many and (not only or "many" in only):
        yield from _live(environment, log, "--many")


def _timed(check: Callable[[Environment], Result], environment: Environment) -> Result:
    began = time.monotonic()
    try:
        result = check(environment)
    except subprocess.TimeoutExpired as error:
        result = Result(False, f"timed out after {error.timeout:g} s")
    result.seconds = time.monotonic() - began
    return result


def probe(environment: Environment, what: str) -> tuple[dict[str, Any] | None, str]:
    """Run a function of :mod:`matrix.probe` and return its result (None if it failed) and its output."""
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
    return Result(found["api"] == len(CONNECTION_FIELDS), f"{found['api']} of {len(CONNECTION_FIELDS)}")


def _db(environment: Environment) -> Result:
    run = environment.run(
        "-m", "airflow", "db", "migrate", timeout=10 * _MINUTE, env=_home(environment, "db", new=True)
    )
    return Result(run.returncode == 0, "done" if run.returncode == 0 else first_error(run.stdout + run.stderr))


def _pytest(environment: Environment, name: str, *argv: str) -> Result:
    run = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *argv, timeout=60 * _MINUTE)
    (environment.home / f"{name}.log").write_text(run.stdout + run.stderr)
    lines = run.stdout.strip().splitlines()
    summary = re.sub(r"[= ]*(.*?) in .*", r"\1", lines[-1]) if lines else first_error(run.stderr)
    return Result(run.returncode == 0 and "skipped" not in summary, summary)


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


def _live(environment: Environment, log: Callable[[str], None], *options: str) -> Iterator[tuple[str, Result]]:
    """Run the checks on a real Airflow in a separate process, which prints each result as JSON."""
    home = environment.home / ("many" if options else "live")
    shutil.rmtree(home, ignore_errors=True)
    expected = ["many"] if options else list(LIVE)
    output = environment.home / f"{home.name}.log"
    output.unlink(missing_ok=True)
    # A Service runs in its own session, so that all of its processes can be stopped.
    service = Service(
        home.name,
        [environment.python, "-m", "matrix.live", str(home), *options],
        env=environment.variables,
        log=output,
        cwd=environment.tree,
    )
    read = 0
    service.start()
    try:
        while True:
            running = service.running
            lines = output.read_text(errors="replace").rpartition("\n")[0].splitlines()
            for line in lines[read:]:
                if not line.startswith('{"'):
                    continue
                message = json.loads(line)
                if "progress" in message:
                    log(message["progress"])
                elif message["check"] in expected:
                    expected.remove(message["check"])
                    yield message["check"], Result(message["ok"], message["detail"], message["seconds"])
            read = len(lines)
            if not running:
                break
            time.sleep(1)
    finally:
        stop_services([service], grace=40)
    for name in expected:
        yield name, Result(False, first_error(service.tail()))


def _home(environment: Environment, name: str, *, new: bool = False) -> dict[str, str]:
    home = environment.home / name
    if new:
        shutil.rmtree(home, ignore_errors=True)
    return {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
