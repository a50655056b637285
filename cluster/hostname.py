"""The host name under which a component of the cluster reports itself to Airflow."""

from __future__ import annotations

import os
import socket

#: Set for each component, since all of them run on one host.
VARIABLE = "CLUSTER_COMPONENT"


def hostname() -> str:
    """Return the name of this component, as ``[core] hostname_callable``."""
    return os.environ.get(VARIABLE) or socket.gethostname()
