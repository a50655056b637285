from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated import SignedClient
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator import ImsEmulator, cli
from airflow_provider_ims.emulator.cli import main


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_other_machines_are_allowed_only_explicitly(capsys: pytest.CaptureFixture[str], host: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--host", host])
    assert ended.value.code == 2
    assert "--allow-remote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--duration", "ListSmartJobs=1"], "is not one of SubmitTextGenerateJob"),
        (["--duration", "SubmitAIImageJob=soon"], "is not ACTION=SECONDS"),
        (["--access-key", "only-an-id"], "ID:SECRET"),
        (["--clock", "sundial"], "invalid choice"),
    ],
)
def test_an_invalid_argument_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_used_port_is_reported_without_a_traceback(
    emulator: ImsEmulator, capsys: pytest.CaptureFixture[str], restored_signals: None
) -> None:
    assert main(["--port", emulator.endpoint.rpartition(":")[2]]) == 1
    assert "in use" in capsys.readouterr().err


def test_an_invalid_state_file_is_reported_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], restored_signals: None
) -> None:
    path = tmp_path / "state.db"
    path.write_text("This is not a database, and it is longer than an empty one." * 20)
    assert main(["--port", "0", "--state", str(path)]) == 1
    assert "not a database" in capsys.readouterr().err


def test_callback_hosts_are_options_of_the_emulator(monkeypatch: pytest.MonkeyPatch, restored_signals: None) -> None:
    options: dict[str, Any] = {}

    def emulator(**given: Any) -> None:
        options.update(given)
        raise ValueError("not started")

    monkeypatch.setattr(cli, "ImsEmulator", emulator)
    assert main(["--callback-host", "receiver.test", "--callback-host", "*"]) == 1
    assert options["callback_hosts"] == ["receiver.test", "*"]


@pytest.fixture
def restored_signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_undocumented_keys_are_refused_with_strict() -> None:
    code = "import sys; from airflow_provider_ims.emulator.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--port", "0", "--strict"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[4].removeprefix("http://")
            request = {**encoded(SUBMITS["ice", "SubmitAudioProduceJob"]), "EditingConfig": '{"voise":"Siqi"}'}
            status, body = SignedClient(address)("SubmitAudioProduceJob", request)
        finally:
            process.terminate()
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert "EditingConfig.voise" in body["Message"]
    assert process.returncode == 0
