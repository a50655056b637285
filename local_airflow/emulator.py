"""Runs the emulator in a separate process."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from airflow_provider_ims.emulator import EmulatorControl
from local_airflow.server import service_environment
from local_airflow.service import Service, StartStopContext, free_port, stop_services, wait_until

_CONNECTION = re.compile(r"^(AIRFLOW_CONN_\w+)='(.+)'$", re.MULTILINE)


class EmulatorService(StartStopContext):
    """
    The emulator, started with the command ``ims-emulator``. It keeps its state in a file, so that it can be restarted.

    :param home: Folder for its state and its log.
    :param options: Additional command-line options.
    """

    def __init__(self, home: Path, *options: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        # The port is selected only once, so that the URL stays the same after a restart.
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
        """The environment variables for the connection to the emulator, as printed by the command."""
        return dict(_CONNECTION.findall(self.service.log.read_text()))

    def start(self) -> None:
        """
        Start the emulator and wait until it serves requests.

        :raises LocalAirflowError: If the emulator exits or does not start in time.
        """
        self.service.start()

        def ready() -> bool:
            self.service.check_running()
            try:
                self.control.health()
            except OSError:
                return False
            return bool(self.airflow_env)

        wait_until("the emulator", ready, timeout=600, interval=0.05)

    def stop(self) -> None:
        """Stop the emulator."""
        stop_services([self.service])
