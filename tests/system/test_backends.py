"""PostgreSQL and Redis of our own, where they are installed, and what is said where they are not."""

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
    """Give a folder that PostgreSQL's user can enter, too: pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(postgres_folder() is None, reason="PostgreSQL is not installed")
def test_postgres_keeps_its_data_over_a_restart_and_ends_to_the_last_process(open_folder):
    with PostgresService(open_folder / "postgres") as postgres:
        # Each of PostgreSQL's processes has a session of its own.
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
    # The password is in nobody's sight.
    assert not (open_folder / "postgres" / "password").exists()


@pytest.mark.skipif(redis_program() is None, reason="Redis is not installed")
def test_redis_keeps_its_address_over_a_restart_and_asks_for_a_password(tmp_path):
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


def test_what_is_missing_is_named_with_the_way_to_install_it(nothing_installed):
    with pytest.raises(MissingProgramsError) as raised:
        check_installed()
    said = str(raised.value)
    assert "PostgreSQL and Redis not found" in said
    assert "apt-get install postgresql " in said
    assert "apt-get install redis-server" in said


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("service", [PostgresService, RedisService])
def test_a_service_whose_program_is_missing_says_so(service, tmp_path):
    with pytest.raises(LocalAirflowError, match="apt-get install"):
        service(tmp_path / "home")


def test_the_newest_postgres_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    for version in ("9.6", "15", "17", "18"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
        if version != "18":
            (folder / "postgres").touch()
    monkeypatch.setattr(backends, "_POSTGRES_FOLDERS", (f"{tmp_path}/*/bin",))
    assert postgres_folder() == tmp_path / "17" / "bin"
