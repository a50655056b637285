"""The emulated IMS as a process of its own, as it runs beside an Airflow."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from airflow_provider_ims.emulator import EmulatorControl
from local_airflow.server import service_environment
from local_airflow.service import Service, end, free_port, until

_CONNECTION = re.compile(r"^(AIRFLOW_CONN_\w+)='(.+)'$", re.MULTILINE)


class EmulatorService:
    """
    ``ims-emulator`` with its state in a file, so that it can be killed and started again.

    :param home: Folder for its state and its log.
    :param options: More options of the command.
    """

    def __init__(self, home: Path, *options: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        # Chosen here, so that it keeps its address when it is started again.
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.control = EmulatorControl(self.url)
        command = Path(sysconfig.get_path("scripts")) / "ims-emulator"
        self.service = Service(
            "ims-emulator",
            [str(command), "--port", str(port), "--state", str(home / "state.sqlite"), *options],
            env=service_environment(home),
            log=home / "emulator.log",
            cwd=home,
        )

    @property
    def airflow_env(self) -> dict[str, str]:
        """The connection to it, as the command prints it."""
        return dict(_CONNECTION.findall(self.service.log.read_text()))

    def start(self) -> None:
        """
        Start it and wait until it answers.

        :raises LocalAirflowError: If it ends instead.
        """
        self.service.start()

        def answers() -> bool:
            self.service.check_running()
            try:
                self.control.health()
            except OSError:
                return False
            return bool(self.airflow_env)

        until("answer of the emulator", answers, timeout=600, interval=0.05)

    def __enter__(self) -> EmulatorService:
        """Start it."""
        try:
            self.start()
        except BaseException:
            end([self.service], grace=0)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        end([self.service])
