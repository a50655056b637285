"""
An emulator of IMS and VOD for running and testing DAGs locally, without a cloud account or charges.

.. code-block:: python

    with ImsEmulator(clock="manual") as emulator:
        os.environ["AIRFLOW_CONN_IMS_DEFAULT"] = emulator.connection_uri

The emulator shares no code with the rest of the provider and follows the documentation of the services. Therefore,
tests with the emulator can reveal wrong assumptions in the provider.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.control.client import EmulatorControl
    from airflow_provider_ims.emulator.server.emulator import ImsEmulator
    from airflow_provider_ims.emulator.settings import StsCredential

__all__ = ["EmulatorControl", "ImsEmulator", "StsCredential"]

# pytest loads the plugin in this package wherever the package is installed. To keep this fast, the server and its
# libraries are imported on first use.
_MODULES = {"EmulatorControl": "control.client", "ImsEmulator": "server.emulator", "StsCredential": "settings"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
