"""The message queue provider with the scheme ``smq``."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_ims.triggers.smq import SmqEventTrigger

try:
    from airflow.providers.common.messaging.providers.base_provider import BaseMessageQueueProvider
except ImportError as error:
    # Airflow imports this module whenever it lists the queues of all providers, and does not treat this exception as an
    # error.
    raise AirflowOptionalProviderFeatureException(
        'The scheme "smq" requires apache-airflow-providers-common-messaging: pip install "airflow-provider-ims[smq]"'
    ) from error


class SmqMessageQueueProvider(BaseMessageQueueProvider):
    """
    Selects ``SmqEventTrigger`` as the trigger of ``MessageQueueTrigger(scheme="smq", ...)``.

    The other arguments of ``MessageQueueTrigger`` are those of
    :class:`~airflow_provider_ims.triggers.smq.SmqEventTrigger`.
    """

    scheme = "smq"

    def trigger_class(self) -> type[SmqEventTrigger]:
        """Return the trigger's class."""
        return SmqEventTrigger
