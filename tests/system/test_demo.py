"""The demo as the commands run it: its exit codes, and that it leaves nothing behind."""

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
    """Give the demo, to be started in a session of its own."""
    command = [sys.executable, "-m", "local_airflow.demo", "--home", str(tmp_path / "demo")]
    command += ["--timeout", str(CEILING)]

    class Demo(Service):
        home = tmp_path / "demo"

        def second(self):
            return subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)

        def children(self):
            """Return what it has started; each works in the folder, and so do the children of that."""
            return [
                process for process in psutil.process_iter(["cwd"]) if str(self.home) in (process.info["cwd"] or "")
            ]

        def interrupt(self):
            self.signal(signal.SIGINT)
            wait_until("end of the demo", lambda: not self.running, timeout=CEILING)

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


def test_it_runs_the_pipeline_stays_up_and_ends_everything(demo):
    demo.start()

    def up():
        demo.check_running()
        return "stays up" in demo.tail()

    wait_until("Airflow that stays up", up, timeout=CEILING)
    assert len(demo.children()) > 5
    second = demo.second()
    assert second.returncode == 1
    assert "another demo runs in" in second.stdout

    demo.interrupt()

    assert demo.exit_code == 0
    assert demo.children() == []
    words = demo.tail(200)
    assert all(f" {task} " in words for task in ("copy", "voice_over", "videos", "covers"))
    table = words[words.index("Jobs") :]
    for kind, what in (
        ("TextGenerate", "texts (3)"),
        ("AudioProduce", "sentences ("),
        ("BatchMediaProducing", "videos (3)"),
        ("AIImage", "images (3)"),
    ):
        assert kind in table
        assert what in table


def test_an_interrupt_while_it_starts_leaves_nothing_behind(demo):
    demo.start()
    wait_until("start of Airflow", (demo.home / "airflow" / "scheduler.log").exists, timeout=CEILING, interval=0.02)
    assert len(demo.children()) > 1

    demo.interrupt()

    assert demo.exit_code == INTERRUPTED
    assert demo.children() == []
    assert "Interrupted" in demo.tail()
