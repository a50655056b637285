"""Hook of Intelligent Media Services (product code ICE)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_ims.hooks.actions import ICE, Product
from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client


class ImsHook(AlibabaCloudMediaHook):
    """
    Calls Intelligent Media Services (ICE 2020-11-09).

    :param ims_conn_id: The Airflow connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's, such as ``cn-shanghai``.
    """

    product: ClassVar[Product] = ICE
    probe = ("ListSmartJobs", {"MaxResults": "1"})

    def get_conn(self) -> Client:
        """
        Return the official product client, with this connection's credentials and endpoint.

        Importing it takes one to two seconds; :meth:`call` does without.

        :return: ``alibabacloud_ice20201109.client.Client``.
        """
        from alibabacloud_ice20201109.client import Client

        return Client(self._client_config())
