"""Services: their start, their output, and the stop of all of their processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest
from support.waiting import CEILING

from local_airflow import LocalAirflowError, Service, stop_services, wait_until
from local_airflow.server import service_environment

# Forks a child that leaves the process group, as Airflow's tasks do, and ignores SIGTERM. Both processes write their
# line with one system call, because the parts of unbuffered print() calls could be interleaved.
STUBBORN = """
import os, signal, sys, time
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, b"child %d\\n" % os.getpid())
    time.sleep(3600)
os.write(1, b"parent %d\\n" % os.getpid())
if sys.argv[1] == "stay":
    time.sleep(3600)
"""


@pytest.fixture
def make_service(tmp_path):
    services = []

    def make(*argv):
        service = Service(
            "thing",
            [sys.executable, "-c", *argv],
            env=service_environment(tmp_path),
            log=tmp_path / "thing.log",
            cwd=tmp_path,
        )
        services.append(service)
        return service

    yield make
    stop_services(services, grace=0)


@pytest.fixture
def sigint_handler():
    """Restore the handler of SIGINT after the test."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def _pids(service):
    def both():
        return {"child", "parent"} <= set(service.tail().split())

    wait_until("both processes", both, timeout=CEILING, interval=0.02)
    words = service.tail().split()
    return {name: int(pid) for name, pid in zip(words[::2], words[1::2], strict=True)}


def test_a_child_in_another_process_group_is_stopped(make_service):
    service = make_service(STUBBORN, "stay")
    service.start()
    pids = _pids(service)
    assert {process.pid for process in service.processes()} == set(pids.values())
    assert os.getpgid(pids["child"]) != os.getpgid(pids["parent"])

    stop_services([service], grace=0.2)

    assert service.processes() == []
    assert not any(psutil.pid_exists(pid) and _alive(pid) for pid in pids.values())
    assert not service.running


def test_a_child_in_another_session_is_stopped(make_service):
    """PostgreSQL starts each of its processes in a new session."""
    service = make_service(STUBBORN.replace("os.setpgid(0, 0)", "os.setsid()"), "stay")
    service.start()
    pids = _pids(service)
    assert os.getsid(pids["child"]) != os.getsid(pids["parent"])
    assert {process.pid for process in service.processes()} == set(pids.values())

    stop_services([service], grace=0)

    assert not any(_alive(pid) for pid in pids.values())


def test_orphans_are_killed_before_a_restart(make_service):
    service = make_service(STUBBORN, "leave")
    service.start()
    first = _pids(service)
    wait_until("exit of the parent", lambda: not service.running, timeout=CEILING, interval=0.02)
    assert [process.pid for process in service.processes()] == [first["child"]]
    service.log.unlink()

    service.start()

    assert not _alive(first["child"])
    assert _pids(service)["child"] != first["child"]


def test_kill_sends_no_sigterm(make_service):
    service = make_service(
        "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: print('clean', flush=True));"
        "os.write(1, b'up\\n'); time.sleep(3600)"
    )
    service.start()
    wait_until("output", lambda: "up" in service.tail(), timeout=CEILING, interval=0.02)

    service.kill()

    assert service.tail() == "up"
    assert not service.running


def test_stopping_sends_sigterm_before_sigkill(make_service):
    service = make_service(
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit('clean'));"
        "os.write(1, b'up\\n'); time.sleep(3600)"
    )
    service.start()
    wait_until("output", lambda: "up" in service.tail(), timeout=CEILING, interval=0.02)

    stop_services([service], grace=CEILING)

    assert service.tail() == "up\nclean"


def test_a_service_can_have_a_different_stop_signal(tmp_path):
    service = Service(
        "thing",
        [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"],
        env=service_environment(tmp_path),
        log=tmp_path / "thing.log",
        cwd=tmp_path,
        stop_signal=signal.SIGINT,
    )
    service.start()
    wait_until("output", lambda: "up" in service.tail(), timeout=20, interval=0.02)
    stop_services([service], grace=20)
    assert "KeyboardInterrupt" in service.tail()


def test_run_to_completion_raises_if_the_program_fails_or_times_out(make_service):
    make_service("print('done')").run_to_completion(timeout=20)
    with pytest.raises(LocalAirflowError, match=r"thing failed:\n(?s:.*)out of luck"):
        make_service("import sys; sys.exit('out of luck')").run_to_completion(timeout=20)
    late = make_service("import time; time.sleep(600)")
    with pytest.raises(LocalAirflowError, match="waiting for the exit of thing"):
        late.run_to_completion(timeout=0.1)
    assert not late.running


def test_output_since_start_excludes_earlier_output(make_service):
    service = make_service("print('up', flush=True)")
    service.run_to_completion(timeout=20)
    assert service.output_since_start() == "up\n"
    service.run_to_completion(timeout=20)
    assert service.tail() == "up\nup"
    assert service.output_since_start() == "up\n"


def test_the_cpu_time_of_exited_children_is_included(make_service):
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    service = make_service(
        f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]);"
        "print('up', flush=True); time.sleep(600)"
    )
    assert service.cpu_seconds() == 0
    service.start()
    wait_until("output", lambda: "up" in service.tail(), timeout=60, interval=0.02)
    assert len(service.processes()) == 1
    assert service.cpu_seconds() >= 0.5


def test_the_error_for_an_exited_program_contains_its_output(make_service):
    service = make_service("import sys; sys.exit('out of luck')")
    service.start()
    wait_until("exit of the program", lambda: not service.running, timeout=CEILING, interval=0.02)
    with pytest.raises(LocalAirflowError, match="thing exited with code 1:\nout of luck"):
        service.check_running()


def test_a_process_is_not_lost_if_an_interrupt_arrives_while_it_is_started(make_service, monkeypatch, sigint_handler):
    service = make_service("import time; time.sleep(3600)")
    # In a background job of a shell without job control, SIGINT is ignored and Python installs no handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("local_airflow.service.subprocess.Popen", Popen)
    with pytest.raises(KeyboardInterrupt):
        service.start()
    (process,) = service.processes()

    stop_services([service], grace=0)

    assert not _alive(process.pid)


def test_wait_until_raises_on_a_timeout():
    with pytest.raises(LocalAirflowError, match=r"timed out after 0\.01 s waiting for rain"):
        wait_until("rain", lambda: False, timeout=0.01, interval=0.001)


def test_a_service_inherits_no_credentials_proxies_or_settings(monkeypatch, tmp_path):
    for name in (
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW_CONN_X",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "HTTPS_PROXY",
        "DEBUG",
    ):
        monkeypatch.setenv(name, "leak")
    environment = service_environment(tmp_path)
    assert "leak" not in environment.values()
    assert environment["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] == "true"
    assert environment["HOME"] == str(tmp_path)


def _alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_exit_code_shows_the_signal(make_service):
    service = make_service("import os, time; os.write(1, b'up\\n'); time.sleep(3600)")
    service.start()
    wait_until("output", lambda: "up" in service.tail(), timeout=CEILING, interval=0.02)
    service.signal(signal.SIGTERM)
    wait_until("exit of the program", lambda: not service.running, timeout=CEILING, interval=0.02)
    assert service.exit_code == -signal.SIGTERM
