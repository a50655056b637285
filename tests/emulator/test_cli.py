from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.emulated import SignedClient
from support.submits import SUBMITS, encoded
from support.waiting import CEILING

import airflow_provider_ims
from airflow_provider_ims.emulator import EmulatorControl, ImsEmulator, cli
from airflow_provider_ims.emulator.cli import main

COMMAND = [sys.executable, "-m", "airflow_provider_ims.emulator"]
CHECKOUT = Path(airflow_provider_ims.__file__).parents[1]
LIST = "ListSmartJobs"


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[dict[str, str]]:
    """Run the emulator and yield the variables that it prints, and its ``url``, ``endpoint`` and ``protocol``."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        cwd=CHECKOUT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            first, second = process.stdout.readline(), process.stdout.readline()
            url, endpoint = re.search(r"at (\S+)", first), re.search(r"endpoint (\S+), protocol (\w+)", second)
            assert url, first
            assert endpoint, second
            # The fourth variable is the security token of temporary credentials.
            count = 4 if {"--sts-token", "IMS_EMULATOR_STS_TOKEN"} & {*arguments, *environment} else 3
            lines = [process.stdout.readline() for _ in range(count)]
            variables = dict(shlex.split(line)[0].split("=", 1) for line in lines)
            yield {"url": url[1], "endpoint": endpoint[1], "protocol": endpoint[2], **variables}
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=CEILING) == 0
        finally:
            process.kill()


@pytest.mark.slow
def test_the_module_prints_the_endpoint_and_a_credential_that_it_accepts() -> None:
    with running() as printed:
        assert printed["url"] == f"{printed['protocol']}://{printed['endpoint']}"
        assert printed["protocol"] == "http"
        key_id, secret = printed["ALIBABA_CLOUD_ACCESS_KEY_ID"], printed["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
        assert printed["AIRFLOW_CONN_IMS_DEFAULT"].startswith(f"alibabacloud-ims://{key_id}:{secret}@/?region_id=")
        assert SignedClient(printed["endpoint"], key_id, secret)(LIST)[0] == 200
        assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in printed


@pytest.mark.slow
def test_the_command_line_overrides_the_environment() -> None:
    environment = {
        "IMS_EMULATOR_REGION": "cn-hangzhou",
        "IMS_EMULATOR_ACCESS_KEY": "not:used",
        "IMS_EMULATOR_STS_TOKEN": "STS.id:it's-secret:token",
        "IMS_EMULATOR_BEARER_TOKEN": "bearer",
        "IMS_EMULATOR_CLOCK": "manual",
        "IMS_EMULATOR_PORT": "1",
    }
    with running("--region", "cn-beijing", "--access-key", "id:secret", **environment) as printed:
        assert "id:secret@/?region_id=cn-beijing&" in printed["AIRFLOW_CONN_IMS_DEFAULT"]
        assert {name: value for name, value in printed.items() if name.startswith("ALIBABA_CLOUD_")} == {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.id",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "it's-secret",
            "ALIBABA_CLOUD_SECURITY_TOKEN": "token",
        }
        send = SignedClient(printed["endpoint"], "id", "secret")
        assert send(LIST)[0] == 200
        assert send(LIST, key_id="not", secret="used")[1]["Code"] == "InvalidAccessKeyId.NotFound"
        assert send(LIST, key_id="STS.id", secret="it's-secret", token="token")[0] == 200
        assert send(LIST, {"SignatureType": "BEARERTOKEN"}, headers={"x-acs-bearer-token": "bearer"})[0] == 200
        control = EmulatorControl(printed["url"])
        assert control.advance(0) == control.health()["time"]


@pytest.mark.slow
def test_the_module_prints_its_version() -> None:
    run = subprocess.run([*COMMAND, "--version"], cwd=CHECKOUT, capture_output=True, text=True, timeout=CEILING)
    assert run.stdout == f"ims-emulator {airflow_provider_ims.__version__}\n"


def test_the_error_for_an_invalid_variable_contains_its_name_and_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMS_EMULATOR_PORT", "http")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "environment variable IMS_EMULATOR_PORT: 'http' is not a port" in capsys.readouterr().err


def test_a_host_from_the_environment_is_also_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMS_EMULATOR_HOST", "0.0.0.0")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "--allow-remote" in capsys.readouterr().err


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
        (["--duration", "SubmitAIImageJob=soon"], "does not have the format ACTION=SECONDS"),
        (["--duration", "SubmitAIImageJob=inf"], "inf is not between 0 and"),
        (["--port", "65536"], "'65536' is not a port"),
        (["--access-key", "only-an-id"], "ID:SECRET"),
        (["--sts-token", "id:secret"], "ID:SECRET:TOKEN"),
        (["--clock", "sundial"], "'sundial' is not one of auto, manual"),
    ],
)
def test_the_error_for_an_invalid_argument_contains_the_reason(
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


def test_undocumented_keys_are_rejected_with_strict() -> None:
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
