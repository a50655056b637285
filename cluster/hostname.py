"""The host name that a component of the cluster reports to Airflow."""

from __future__ import annotations

import os
import socket

#: Set to a different value for each component, because all components run on one host.
VARIABLE = "CLUSTER_COMPONENT"


def hostname() -> str:
    """Return the name of this component; Airflow calls this as ``[core] hostname_callable``."""
    return os.environ.get(VARIABLE) or socket.gethostname()
