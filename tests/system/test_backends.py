"""Private PostgreSQL and Redis servers, and the errors if they are not installed."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from local_airflow import LocalAirflowError, PostgresService, RedisService, backends
from local_airflow.backends import MissingProgramsError, check_installed, postgres_folder, redis_program


@pytest.fixture
def open_folder():
    """Yield a folder that PostgreSQL's user can access, unlike pytest's temporary folders."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(postgres_folder() is None, reason="PostgreSQL is not installed")
def test_postgres_keeps_its_address_after_a_restart_and_leaves_no_process(open_folder):
    with PostgresService(open_folder / "postgres") as postgres:
        # Each of PostgreSQL's processes has its own session.
        assert len(postgres.service.processes()) > 1
        uri = postgres.uri
        postgres.stop()
        assert not answers(postgres.port)
        assert postgres.service.processes() == []
        postgres.start()
        assert answers(postgres.port)
        assert postgres.uri == uri
    assert postgres.service.processes() == []
    assert not answers(postgres.port)
    # The file with the password was deleted.
    assert not (open_folder / "postgres" / "password").exists()


@pytest.mark.skipif(redis_program() is None, reason="Redis is not installed")
def test_redis_keeps_its_address_after_a_restart_and_requires_a_password(tmp_path):
    with RedisService(tmp_path / "redis") as redis:
        url = redis.url
        redis.stop()
        assert not answers(redis.port)
        redis.start()
        assert redis.url == url
        with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(64).startswith(b"-NOAUTH")
    assert not answers(redis.port)


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(backends, "_POSTGRES_FOLDERS", ())


def test_the_error_names_missing_programs_and_how_to_install_them(nothing_installed):
    with pytest.raises(MissingProgramsError) as raised:
        check_installed()
    message = str(raised.value)
    assert "PostgreSQL and Redis not found" in message
    assert "apt-get install postgresql " in message
    assert "apt-get install redis-server" in message


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("service", [PostgresService, RedisService])
def test_a_service_whose_program_is_missing_raises(service, tmp_path):
    with pytest.raises(LocalAirflowError, match="apt-get install"):
        service(tmp_path / "home")


def test_the_newest_postgres_is_selected(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    for version in ("9.6", "15", "17", "18"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
        if version != "18":
            (folder / "postgres").touch()
    monkeypatch.setattr(backends, "_POSTGRES_FOLDERS", (f"{tmp_path}/*/bin",))
    assert postgres_folder() == tmp_path / "17" / "bin"
