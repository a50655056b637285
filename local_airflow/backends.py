"""Private PostgreSQL and Redis servers that listen on the loopback address and keep their data in one folder."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from local_airflow.server import service_environment
from local_airflow.service import LocalAirflowError, Service, StartStopContext, free_port, stop_services, wait_until

_START_TIMEOUT = 60
#: Folders of PostgreSQL's server programs on systems that do not add them to the PATH.
_POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
#: The user that Debian's package creates. The server runs as this user if the current user is root.
_POSTGRES_USER = "postgres"
HOW_TO_INSTALL = {
    "PostgreSQL": "apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora), "
    "brew install postgresql (macOS)",
    "Redis": "apt-get install redis-server (Debian, Ubuntu), dnf install redis (Fedora), brew install redis (macOS)",
}


class MissingProgramsError(LocalAirflowError):
    """A required program is not installed."""


def postgres_folder() -> Path | None:
    """
    Return the folder of PostgreSQL's server programs; None if PostgreSQL is not installed.

    Programs on the PATH take precedence. Otherwise, the newest installed version is used.
    """
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [folder for pattern in _POSTGRES_FOLDERS for folder in Path("/").glob(pattern[1:])]
    installed = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    return max(installed, key=_version, default=None)


def redis_program() -> Path | None:
    """Return the path of the program of Redis or of a compatible server; None if neither is installed."""
    # /usr/sbin is not on every user's PATH.
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin", "/usr/local/bin"))
    found = shutil.which("redis-server", path=path) or shutil.which("valkey-server", path=path)
    return None if found is None else Path(found)


def check_installed() -> None:
    """
    Check that PostgreSQL and Redis are installed.

    :raises MissingProgramsError: If a program is missing; the message contains the commands that install it.
    """
    found = {"PostgreSQL": postgres_folder(), "Redis": redis_program()}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        lines = [f"  {name}: {HOW_TO_INSTALL[name]}" for name in missing]
        raise MissingProgramsError(
            "\n".join(
                (
                    f"{' and '.join(missing)} not found. To install:",
                    *lines,
                    "Only the programs are needed. If the package starts a server, you can stop it.",
                )
            )
        )


class PostgresService(StartStopContext):
    """
    A PostgreSQL server.

    :param home: Folder for its data and its log; created if it does not exist.
    """

    def __init__(self, home: Path) -> None:
        programs = postgres_folder()
        if programs is None:
            raise MissingProgramsError(f"PostgreSQL not found. To install: {HOW_TO_INSTALL['PostgreSQL']}")
        self.port = free_port()
        self._home = home.resolve()
        self._data = self._home / "data"
        self._password = secrets.token_urlsafe(16)
        self._programs = programs
        self._as_user: list[str] = []
        self._home.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._use_postgres_account()
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        self.service = self._program(
            "postgres",
            ["-D", str(self._data), "-p", str(self.port), *(f"--{name}={value}" for name, value in options.items())],
            # SIGINT closes the client sessions; SIGTERM would wait until the clients disconnect.
            stop_signal=signal.SIGINT,
        )

    @property
    def uri(self) -> str:
        """The SQLAlchemy URI of the database."""
        return f"postgresql+psycopg2://airflow:{quote(self._password)}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """
        Create the database if it does not exist, start the server and wait until it accepts connections.

        :raises LocalAirflowError: If the server fails or does not start in time.
        """
        if not self._data.exists():
            password = self._home / "password"
            password.write_text(self._password)
            self._change_owner(password)
            try:
                options = ["-D", str(self._data), "-U", "airflow", "-A", "scram-sha-256", "-E", "UTF8"]
                self._program("initdb", [*options, "--locale", "C", "--pwfile", str(password)]).run_to_completion(
                    _START_TIMEOUT
                )
            finally:
                password.unlink()
        self.service.start()
        wait_until("PostgreSQL", self._ready, _START_TIMEOUT)

    def _ready(self) -> bool:
        self.service.check_running()
        command = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def stop(self) -> None:
        """Stop the server and close the client sessions."""
        stop_services([self.service], grace=30)

    def _program(self, name: str, options: list[str], stop_signal: signal.Signals = signal.SIGTERM) -> Service:
        return Service(
            name,
            [*self._as_user, str(self._programs / name), *options],
            env=service_environment(self._home) | {"PGTZ": "UTC"},
            log=self._home / f"{name}.log",
            cwd=self._home,
            stop_signal=stop_signal,
        )

    def _use_postgres_account(self) -> None:
        """Run as another user, because PostgreSQL refuses to run as root."""
        with suppress(KeyError):
            pwd.getpwnam(_POSTGRES_USER)
            self._change_owner(self._home)
            self._as_user = ["setpriv", f"--reuid={_POSTGRES_USER}", f"--regid={_POSTGRES_USER}", "--init-groups", "--"]
            is_writable = [*self._as_user, "test", "-w", str(self._home)]
            if subprocess.run(is_writable, check=False, capture_output=True).returncode != 0:
                raise LocalAirflowError(
                    f"PostgreSQL refuses to run as root, and user {_POSTGRES_USER} cannot write to {self._home}. "
                    "Use a folder that this user can access (--home), or run the command as another user."
                )
            return
        raise LocalAirflowError(
            f"PostgreSQL refuses to run as root, and there is no user {_POSTGRES_USER}. "
            "Run the command as another user."
        )

    def _change_owner(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, _POSTGRES_USER, _POSTGRES_USER)
            path.chmod(0o700 if path.is_dir() else 0o600)


class RedisService(StartStopContext):
    """
    A Redis server without persistence: all messages are lost on a restart.

    :param home: Folder for its configuration and its log; created if it does not exist.
    """

    def __init__(self, home: Path) -> None:
        program = redis_program()
        if program is None:
            raise MissingProgramsError(f"Redis not found. To install: {HOW_TO_INSTALL['Redis']}")
        home = home.resolve()
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._password = secrets.token_urlsafe(16)
        config = home / "redis.conf"
        config.touch(mode=0o600)
        # All users of the machine can read the command line, so the password is in a file.
        config.write_text(
            f'bind 127.0.0.1\nport {self.port}\nsave ""\nappendonly no\ndir {home}\nrequirepass {self._password}\n'
        )
        self.service = Service(
            "redis",
            [str(program), str(config)],
            env=service_environment(home),
            log=home / "redis.log",
            cwd=home,
        )

    @property
    def url(self) -> str:
        """The URL of the broker."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """
        Start the server and wait until it accepts connections.

        :raises LocalAirflowError: If the server exits or does not start in time.
        """
        self.service.start()

        def ready() -> bool:
            self.service.check_running()
            return "Ready to accept connections" in self.service.output_since_start()

        wait_until("Redis", ready, _START_TIMEOUT)

    def stop(self) -> None:
        """Stop the server; its messages are lost."""
        stop_services([self.service], grace=10)


def _version(folder: Path) -> float:
    """Return the version in the path of a folder such as ``/usr/lib/postgresql/15/bin``."""
    digits = "".join(letter for letter in folder.parent.name if letter.isdigit() or letter == ".")
    with suppress(ValueError):
        return float(digits)
    return 0.0
