"""Measures the difference between this machine's clock and the service's, for messages about rejected timestamps."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from airflow_provider_ims.hooks._settings import Settings


def clock_difference(settings: Settings, endpoint: str) -> str | None:
    """
    Compare this machine's clock with the Date header of the response to an unsigned request.

    :param settings: The settings of the connection.
    :param endpoint: The ``host[:port]`` of the service.
    :return: The difference, such as ``20 minutes ahead``; ``None`` if no response with a date was received.
    """
    import requests

    try:
        response = requests.head(
            f"{settings.protocol}://{endpoint}/",
            timeout=(settings.connect_timeout, settings.read_timeout),
            proxies={"https": settings.https_proxy} if settings.https_proxy else None,
            verify=settings.ca or True,
        )
        ahead = time.time() - parsedate_to_datetime(response.headers["date"]).timestamp()
    except (requests.RequestException, LookupError, ValueError, TypeError):
        return None
    return f"{abs(ahead) / 60:.0f} minutes {'ahead' if ahead > 0 else 'behind'}"
