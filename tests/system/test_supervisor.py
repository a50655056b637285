"""The supervisor restarts services that exit, unless it is suspended for them."""

from __future__ import annotations

import sys
import time

import pytest

from local_airflow import Service, Supervisor, stop_services, wait_until
from local_airflow import supervisor as supervisor_module
from local_airflow.server import service_environment

#: A program that exits as soon as the given file exists.
ENDS = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)\nsys.exit(7)"
TIMEOUT = 20


@pytest.fixture
def service(tmp_path):
    service = Service(
        "thing",
        [sys.executable, "-c", ENDS, str(tmp_path / "end")],
        env=service_environment(tmp_path),
        log=tmp_path / "thing.log",
        cwd=tmp_path,
    )
    service.start()
    yield service
    stop_services([service], grace=0)


class Clock:
    """
    The clock of a supervisor, which reads it whenever it finds that a service is not running.

    :param now: The time in seconds, which only the test changes.
    """

    now = 1000.0
    reads = 0

    def monotonic(self):
        self.reads += 1
        return self.now

    time = staticmethod(time.time)


def test_a_service_that_exits_is_restarted_after_the_delay(service, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(supervisor_module, "time", clock)

    def wait_until_checked():
        before = clock.reads
        # The supervisor reads the clock twice for each check.
        wait_until("checks", lambda: supervisor.restarts or clock.reads >= before + 4, TIMEOUT, interval=0.02)

    with Supervisor({"thing": service}, delay=30) as supervisor:
        (tmp_path / "end").touch()
        wait_until("exit of the service", lambda: not service.running, TIMEOUT, interval=0.02)
        (tmp_path / "end").unlink()
        wait_until_checked()
        clock.now += 29
        wait_until_checked()
        assert supervisor.restarts == []
        clock.now += 1
        wait_until("restart", lambda: bool(supervisor.restarts), TIMEOUT, interval=0.02)
        assert service.running
    (restart,) = supervisor.restarts
    assert (restart.service, restart.exit_code) == ("thing", 7)
    assert service.running


def test_a_killed_service_is_restarted_with_a_new_process(service):
    (before,) = service.processes()
    with Supervisor({"thing": service}, delay=0) as supervisor:
        before.kill()
        wait_until("restart", lambda: bool(supervisor.restarts), TIMEOUT, interval=0.02)
        (after,) = service.processes()
    assert after.pid != before.pid


def test_a_service_is_not_restarted_while_its_supervision_is_suspended(service):
    with Supervisor({"thing": service}, delay=0) as supervisor:
        with supervisor.suspended("thing"):
            service.kill()
            with pytest.raises(Exception, match="waiting for restart"):
                wait_until("restart", lambda: bool(supervisor.restarts), timeout=1)
            assert not service.running
        wait_until("restart", lambda: service.running, TIMEOUT, interval=0.02)


def test_nothing_is_restarted_after_the_end_of_the_supervisor(service):
    with Supervisor({"thing": service}, delay=0):
        pass
    service.kill()
    with pytest.raises(Exception, match="waiting for restart"):
        wait_until("restart", lambda: service.running, timeout=1)
