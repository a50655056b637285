"""Hook of Intelligent Media Services (product code ICE)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_ims.hooks import _connection_form as connection_form
from airflow_provider_ims.hooks._actions import ICE, Product
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client


class ImsHook(AlibabaCloudMediaHook):
    """
    Calls Intelligent Media Services (ICE 2020-11-09).

    :param ims_conn_id: The id of the Airflow connection; ``None`` for the SDK's default credential chain. In this
        case, ``region_id`` is required. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``.
    """

    product: ClassVar[Product] = ICE
    console = "ims"
    probe = ("ListSmartJobs", {"MaxResults": "1"})

    # Airflow 3.1 calls these functions; later versions read the provider's metadata.
    get_connection_form_widgets = staticmethod(connection_form.connection_form_widgets)
    get_ui_field_behaviour = staticmethod(connection_form.ui_field_behaviour)

    def get_conn(self) -> Client:
        """
        Return the official product client, with this connection's credentials and endpoint.

        Importing the client takes up to two seconds. :meth:`call` does not use this client.

        :return: ``alibabacloud_ice20201109.client.Client``.
        """
        from alibabacloud_ice20201109.client import Client

        return Client(self._client_config())
