"""The name that a component of the cluster reports to Airflow as its host name."""

from __future__ import annotations

import os
import socket

#: The environment variable with the name of the component. All components run on one host, so their real host names
#: are equal.
VARIABLE = "CLUSTER_COMPONENT"


def hostname() -> str:
    """Return the name of this component. The setting ``[core] hostname_callable`` refers to this function."""
    return os.environ.get(VARIABLE) or socket.gethostname()
