"""The pytest fixture ``ims_emulator``, for tests of DAGs that use the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ims.emulator import ImsEmulator


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``ims_emulator``."""
    config.addinivalue_line("markers", "ims_emulator(**options): options of ImsEmulator for the fixture ims_emulator")


@pytest.fixture
def ims_emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImsEmulator]:
    """
    Run a new emulator for one test and point the connection ``ims_default`` at it.

    By default, jobs end immediately, so that a DAG under test does not wait. Set options of
    :class:`~airflow_provider_ims.emulator.ImsEmulator` with the marker ``ims_emulator``:

    .. code-block:: python

        @pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
        def test_waits(ims_emulator): ...

    If you set ``durations``, the jobs of all other submit actions have their default durations, which are not 0.

    To use a connection with another name, set ``AIRFLOW_CONN_<NAME>`` to
    :attr:`~airflow_provider_ims.emulator.ImsEmulator.connection_uri`.
    """
    from airflow_provider_ims.emulator import ImsEmulator
    from airflow_provider_ims.emulator.api.table import JOB_KINDS

    options: dict[str, Any] = {"durations": dict.fromkeys(JOB_KINDS, 0.0)}
    marker = request.node.get_closest_marker("ims_emulator")
    if marker is not None:
        options.update(marker.kwargs)
    with ImsEmulator(**options) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        # The SDK uses a proxy from the environment even for requests to the local machine.
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield emulator
