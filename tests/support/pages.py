"""
Runs the code blocks of the documentation.

The blocks of a page run in order, in one session with one emulator. The info string of a block determines how it is
run:

- ``python``: a DAG is run with ``dag.test()``; other code is executed;
- ``python NAME.py``: the block is saved in the page's folder; pytest runs files named ``test_*.py`` at the end of the
  page, in one process;
- ``console``: bash runs each ``$ command`` in the page's folder; the lines below it are the expected output, in which
  ``...`` matches any text; the emulator runs until the end of the page;
- ``json request ACTION``: the expected parameters of the latest request for this action; ``json result TASK``: the
  expected result of a task of the latest DAG; for the other words after ``json``, see :attr:`Page.JSON`.

Ids, dates, scores and ports change with each run and are not compared.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook
from markdown_it import MarkdownIt

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks._settings import read_settings
from support.dags import DagRunner
from support.waiting import CEILING

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
#: The default port of ``ims-emulator``; the tests replace it with a free one.
DEFAULT_PORT = "8020"
#: The commands that run the emulator.
EMULATOR = re.compile(r"(ims-emulator|python -m airflow_provider_ims\.emulator)\b(?!.*--(help|version))")


@dataclass(frozen=True)
class Block:
    """
    One code block.

    :param info: The words of its info string; empty for an indented block.
    """

    page: Path
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        return self.info[0] if self.info else ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the code blocks of a page, including those in lists and quotes."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    return [
        Block(page, token.map[0] + 1, tuple(token.info.split()), token.content)
        for token in tokens
        if token.type in ("fence", "code_block") and token.map
    ]


def commands_of(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with its expected output."""
    command, printed = "", []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, printed
            command, printed = line[2:], []
        elif _is_incomplete(command):
            command += f"\n{line}"
        else:
            assert command, f"{block}: no command prints {line!r}"
            printed.append(line)
    yield command, printed


def _is_incomplete(command: str) -> bool:
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return False


def normal(value: Any) -> Any:
    """Return JSON data with ``*`` instead of the values that change with each run."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, dict):
        return {name: "*" if name == "score" else normal(item) for name, item in value.items()}
    if isinstance(value, str):
        text = re.sub(r"[0-9a-f]{32}|[0-9A-F]{8}-([0-9A-F]{4}-){3}[0-9A-F]{12}|\d{4}-\d{2}-\d{2}", "*", value)
        return re.sub(r"(127\.0\.0\.1(?::|%3A))\d+", r"\1*", text)
    return value


def decoded(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return a request's parameters with JSON strings parsed."""
    found: dict[str, Any] = dict(parameters)
    for name, value in parameters.items():
        if value.startswith(("{", "[")):
            found[name] = json.loads(value)
    return found


class Page:
    """
    Runs the blocks of a page.

    :param folder: The folder of the page's files.
    :param emulator: The emulator to which the connection ``ims_default`` points.
    :param dags: Runs the DAGs of the folder.
    """

    def __init__(self, folder: Path, emulator: ImsEmulator, dags: DagRunner) -> None:
        self.folder = folder
        self.emulator = emulator
        self._dags = dags
        self._names: dict[str, Any] = {"__name__": "page"}
        self._results: dict[str, Any] = {}
        self._dag_id = ""
        scripts = sysconfig.get_path("scripts")
        self._env = os.environ | {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        }
        self._server: subprocess.Popen[str] | None = None
        self._tests: list[str] = []

    def run(self, block: Block) -> None:
        """Run a block, or compare its content with the latest results."""
        languages: dict[str, Callable[[Block], None]] = {
            "python": self._python,
            "console": self._console,
            "json": self._json,
        }
        assert block.language in languages, f"{block}: cannot run a block of {block.language or 'no language'}"
        languages[block.language](block)

    def run_tests(self) -> None:
        """Run the saved test files in one process, because importing Airflow takes seconds in each process."""
        if not self._tests:
            return
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", *self._tests]
        self._tests = []
        run = self._process(command)
        assert re.fullmatch(r"\d+ passed(, \d+ warnings?)? in .*", run.stdout.splitlines()[-1]), run.stdout + run.stderr

    def close(self) -> None:
        """Stop the emulator of the page."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            with self._server:
                assert self._server.wait(timeout=CEILING) == 0

    # -- python

    def _python(self, block: Block) -> None:
        dag = re.search(r"\bDAG\(\s*\"(\w+)\"", block.text)
        name = block.info[1] if len(block.info) > 1 else f"{dag[1]}.py" if dag else ""
        if not name and "def test_" in block.text:
            name = f"test_{block.line}.py"
        if not name:
            exec(compile(block.text, str(block), "exec"), self._names)
            return
        (self.folder / name).write_text(block.text, encoding="utf-8")
        if name.startswith("test_"):
            self._tests.append(name)
        elif dag:
            self._dag_id = dag[1]
            self._run_dag(name)

    def _run_dag(self, name: str) -> None:
        by_task: dict[str, dict[int, Any]] = {}
        for (task_id, index), value in self._dags.run(self._dag_id, name).items():
            by_task.setdefault(task_id, {})[index] = value
        self._results = {
            task_id: values[-1] if -1 in values else [values[index] for index in sorted(values)]
            for task_id, values in by_task.items()
        }

    # -- console

    def _console(self, block: Block) -> None:
        for command, printed in commands_of(block):
            self.command(command, printed, block)

    def command(self, command: str, printed: list[str], block: Block) -> None:
        """Run one command and compare its output."""
        if EMULATOR.match(command):
            output = self._serve(command)
        else:
            if self._server is not None:
                command = re.sub(rf"(?<=127\.0\.0\.1)(:|%3A){DEFAULT_PORT}\b", rf"\g<1>{self._port}", command)
            output = self._bash(command, block)
        if printed:
            pattern = re.escape(normal("\n".join(printed))).replace(r"\.\.\.", r"[\s\S]*?")
            assert re.fullmatch(rf"\s*{pattern}\s*", normal(output)), f"{block}: {command} prints\n{output}"

    def _bash(self, command: str, block: Block) -> str:
        variables = self.folder / "variables"
        # Exported variables are available to the following commands.
        run = self._process(["bash", "-c", 'eval "$1" && env -0 > "$2"', "bash", command, str(variables)])
        assert run.returncode == 0, f"{block}: {command}\n{run.stdout}{run.stderr}"
        before = self._env
        self._env = dict(pair.split("=", 1) for pair in variables.read_text().split("\0") if pair)
        for name in self._env.keys() - before.keys() | {one for one in before if before[one] != self._env.get(one)}:
            if name.startswith("AIRFLOW_CONN_"):
                self._check_connection(name)
        return run.stdout

    def _check_connection(self, variable: str) -> None:
        """Check that the provider accepts a connection from the documentation."""
        outer = os.environ.get(variable)
        os.environ[variable] = self._env[variable]
        try:
            settings = read_settings(BaseHook.get_connection(variable.removeprefix("AIRFLOW_CONN_").lower()))
            assert settings.endpoint("ice")
        finally:
            if outer is None:
                del os.environ[variable]
            else:
                os.environ[variable] = outer

    def _serve(self, command: str) -> str:
        assert self._server is None, "a page can run only one ims-emulator"
        self._server = subprocess.Popen(
            [*shlex.split(command, comments=True), "--port", "0"],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout is not None
        output = ""
        # The last line that the emulator prints when it starts.
        while "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" not in output:
            line = self._server.stdout.readline()
            assert line, f"{command} ended after this output:\n{output}"
            output += line
        port = re.search(r"http://127\.0\.0\.1:(\d+)", output)
        assert port, output
        self._port = port[1]
        return output

    def _process(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self._env, capture_output=True, text=True, timeout=CEILING, check=False
        )

    # -- json

    def _json(self, block: Block) -> None:
        shown = json.loads(block.text)
        kind, *words = block.info[1:] or ("",)
        assert kind in self.JSON, f"{block}: the word after json must be one of {', '.join(self.JSON)}"
        actual = self.JSON[kind](self, shown, *words)
        assert normal(shown) == normal(actual), (
            f"{block}: the actual value is\n{json.dumps(actual, indent=2, ensure_ascii=False)}"
        )

    def _requested(self, shown: Any, action: str) -> Any:
        return decoded(self.emulator.requests(action)[-1]["parameters"])

    def _returned(self, shown: Any, task_id: str) -> Any:
        return self._results[task_id]

    def _partly_failed(self, shown: Any, task_id: str) -> Any:
        """Run the DAG again with one failing video."""
        self.emulator.fault("SubmitBatchMediaProducingJob", "fail_job", videos=1)
        self._run_dag(f"{self._dag_id}.py")
        return self._results[task_id]["failed"]

    def _marked(self, shown: Any, case: str) -> Any:
        """Submit a job with the block's UserData without the marker, and return the UserData of the request."""
        from support.cases import CASES
        from support.running import run_task

        own = {name: value for name, value in shown.items() if name != "AirflowKey"}
        if "Extend" in own:
            own["Extend"] = {name: value for name, value in own["Extend"].items() if name != "AirflowKey"}
        run_task(CASES[case].task(user_data=own))
        return self._requested(shown, CASES[case].submit)["UserData"]

    def _granted(self, shown: Any, *operators: str) -> Any:
        """Return the RAM policy that the documentation contains for these operators."""
        import ims_tables

        return json.loads("\n".join(ims_tables.ram_policy(*operators).splitlines()[1:-1]))

    def _example(self, shown: Any) -> Any:
        """Return the block itself: only its syntax is checked."""
        return shown

    #: The word after ``json`` -> a function that returns the expected content from the block and the following words.
    JSON: Mapping[str, Callable[..., Any]] = {
        "request": _requested,
        "result": _returned,
        "failed": _partly_failed,
        "user_data": _marked,
        "policy": _granted,
        "example": _example,
    }
