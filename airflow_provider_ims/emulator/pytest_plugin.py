"""The pytest fixture ``ims_emulator``, for tests of DAGs that use the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.server import ImsEmulator

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "ims_emulator(**options): options of ImsEmulator for the fixture ims_emulator")


@pytest.fixture
def ims_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImsEmulator]:
    """
    Run a fresh emulator for one test, with the connection ``ims_default`` leading to it.

    Its jobs end at once, so that a DAG under test need not wait. The marker ``ims_emulator`` takes other
    options of :class:`~airflow_provider_ims.emulator.ImsEmulator`:

    .. code-block:: python

        @pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
        def test_waits(ims_emulator): ...

    A connection of another name leads to it through ``AIRFLOW_CONN_<NAME>`` and
    :attr:`~airflow_provider_ims.emulator.ImsEmulator.connection_uri`.
    """
    from airflow_provider_ims.emulator.actions import KINDS
    from airflow_provider_ims.emulator.server import ImsEmulator

    options: dict[str, Any] = {"durations": dict.fromkeys(KINDS, 0.0)}
    marker = request.node.get_closest_marker("ims_emulator")
    if marker is not None:
        options.update(marker.kwargs)
    with ImsEmulator(**options) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        # The SDK sends even what is meant for this machine through a proxy that the environment names.
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
        yield emulator
