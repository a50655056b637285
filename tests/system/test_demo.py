"""The demo as a command: its exit codes and its clean-up."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest
from support.waiting import CEILING

from local_airflow import stop_services, wait_until
from local_airflow.demo import CHECKOUT
from local_airflow.server import service_environment
from local_airflow.service import Service

pytestmark = pytest.mark.slow

INTERRUPTED = 130


@pytest.fixture
def demo(tmp_path):
    """Yield the demo as a service that is not yet started."""
    command = [sys.executable, "-m", "local_airflow.demo", "--home", str(tmp_path / "demo")]
    command += ["--timeout", str(CEILING)]

    class Demo(Service):
        home = tmp_path / "demo"

        def second(self):
            return subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)

        def children(self):
            """Return the processes that the demo started, all of which have their working directory in its folder."""
            return [
                process for process in psutil.process_iter(["cwd"]) if str(self.home) in (process.info["cwd"] or "")
            ]

        def interrupt(self):
            self.signal(signal.SIGINT)
            wait_until("exit of the demo", lambda: not self.running, timeout=CEILING)

    demo = Demo(
        "demo",
        [*command, "--stay"],
        env=service_environment(tmp_path),
        log=tmp_path / "demo.log",
        cwd=CHECKOUT,
    )
    yield demo
    if demo.running:
        demo.interrupt()
    stop_services([demo])


def test_the_demo_runs_the_pipeline_keeps_airflow_running_and_stops_everything(demo):
    demo.start()

    def up():
        demo.check_running()
        return "keeps running" in demo.tail()

    wait_until("end of the pipeline", up, timeout=CEILING)
    assert len(demo.children()) > 5
    second = demo.second()
    assert second.returncode == 1
    assert "another demo is running in" in second.stdout

    demo.interrupt()

    assert demo.exit_code == 0
    assert demo.children() == []
    output = demo.tail(200)
    assert all(f" {task} " in output for task in ("copy", "voice_over", "videos", "covers"))
    table = output[output.index("Jobs") :]
    for kind, result in (
        ("TextGenerate", "texts (3)"),
        ("AudioProduce", "sentences ("),
        ("BatchMediaProducing", "videos (3)"),
        ("AIImage", "images (3)"),
    ):
        assert kind in table
        assert result in table


def test_an_interrupt_during_the_start_leaves_no_process(demo):
    demo.start()
    wait_until("start of Airflow", (demo.home / "airflow" / "scheduler.log").exists, timeout=CEILING, interval=0.02)
    assert len(demo.children()) > 1

    demo.interrupt()

    assert demo.exit_code == INTERRUPTED
    assert demo.children() == []
    assert "Interrupted" in demo.tail()
