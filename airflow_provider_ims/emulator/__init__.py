"""
A local IMS and VOD for running and testing DAGs with no cloud account and no bill.

.. code-block:: python

    with ImsEmulator(clock="manual") as emulator:
        os.environ["AIRFLOW_CONN_IMS_DEFAULT"] = emulator.connection_uri

Nothing outside this package imports it, and it imports nothing of the provider: it is built from the
documents of the services alone, so that the two can disagree.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.control import EmulatorControl
    from airflow_provider_ims.emulator.server import ImsEmulator
    from airflow_provider_ims.emulator.settings import StsCredential

__all__ = ["EmulatorControl", "ImsEmulator", "StsCredential"]

# pytest loads the plugin of this package in every run of every project that has it installed: the server
# and its libraries are imported when somebody uses them.
_HOMES = {"EmulatorControl": "control", "ImsEmulator": "server", "StsCredential": "settings"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
