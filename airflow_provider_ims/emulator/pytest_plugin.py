"""The pytest fixture ``ims_emulator``, for tests of DAGs that use the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.server import ImsEmulator

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture
def ims_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImsEmulator]:
    """
    Run a fresh emulator for one test, with the connection ``ims_default`` leading to it.

    Jobs end at once: a DAG under test need not wait. Hold one with ``ims_emulator.fault("*", ...)``, or run an
    :class:`~airflow_provider_ims.emulator.ImsEmulator` of your own to set durations or a manual clock.
    """
    from airflow_provider_ims.emulator.actions import KINDS
    from airflow_provider_ims.emulator.server import ImsEmulator

    with ImsEmulator(durations=dict.fromkeys(KINDS, 0.0)) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        # The SDK sends even what is meant for this machine through a proxy that the environment names.
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
        yield emulator
