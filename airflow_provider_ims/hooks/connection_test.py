"""What the Test button of the Connections page says."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from airflow_provider_ims.exceptions import ImsError, ImsResourceNotFoundError

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.hooks.settings import Settings


def run_connection_test(hook: AlibabaCloudMediaHook, now: Callable[[], float] = time.time) -> tuple[bool, str]:
    """
    Make one cheap signed call.

    :param hook: The hook of the connection.
    :param now: This machine's clock, in epoch seconds.
    :return: Whether it worked, and a sentence that says what is wrong and what to do; never a secret.
    """
    action, parameters = hook.probe
    endpoint = ""
    try:
        endpoint = hook.settings.endpoint(hook.product.code)
        hook.call(action, parameters, attempts=2, throttle_timeout=2.0)
    except ImsResourceNotFoundError:
        pass  # The service looked: the way there, the credentials and the permission are good.
    except ImsError as error:
        told = str(error)
        if (error.code or "").startswith("InvalidTimeStamp"):
            told += _clock(hook.settings, endpoint, now())
        return False, told if not endpoint or endpoint in told else f"{told}; asked: {endpoint}"
    return True, f"{action} answered at {endpoint}"


def _clock(settings: Settings, endpoint: str, now: float) -> str:
    """Say by how much the clock is off, by the date of an unsigned answer; nothing where there is none."""
    import requests

    try:
        answer = requests.head(
            f"{settings.protocol}://{endpoint}/",
            timeout=(settings.connect_timeout, settings.read_timeout),
            proxies={"https": settings.https_proxy} if settings.https_proxy else None,
            verify=settings.ca or True,
        )
        ahead = now - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (requests.RequestException, LookupError, ValueError, TypeError):
        return ""
    return f"; the clock is {abs(ahead) / 60:.0f} minutes {'ahead' if ahead > 0 else 'behind'}"
