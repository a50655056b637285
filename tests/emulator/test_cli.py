from __future__ import annotations

import pytest

from airflow_provider_ims.emulator.cli import main


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_other_machines_are_let_in_only_on_demand(capsys, host):
    with pytest.raises(SystemExit) as ended:
        main(["--host", host])
    assert ended.value.code == 2
    assert "--allow-remote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--duration", "ListSmartJobs=1"], "is none of SubmitTextGenerateJob"),
        (["--duration", "SubmitAIImageJob=soon"], "is not ACTION=SECONDS"),
        (["--access-key", "only-an-id"], "ID:SECRET"),
        (["--clock", "sundial"], "invalid choice"),
    ],
)
def test_a_wrong_argument_is_explained(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_without_a_traceback(emulator, capsys, restored_signals):
    assert main(["--port", emulator.endpoint.rpartition(":")[2]]) == 1
    assert "in use" in capsys.readouterr().err


def test_a_state_file_that_is_none_is_told_without_a_traceback(tmp_path, capsys, restored_signals):
    path = tmp_path / "state.db"
    path.write_text("this is no database, and long enough to be told from an empty one" * 20)
    assert main(["--port", "0", "--state", str(path)]) == 1
    assert "not a database" in capsys.readouterr().err


@pytest.fixture
def restored_signals():
    import signal

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
