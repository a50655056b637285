"""Hook of ApsaraVideo VOD."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_ims.hooks._actions import VOD, Product
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from alibabacloud_vod20170321.client import Client


class VodHook(AlibabaCloudMediaHook):
    """
    Calls ApsaraVideo VOD (2017-03-21), with the same connection as IMS.

    :param ims_conn_id: The id of the Airflow connection; ``None`` for the SDK's default credential chain. In this
        case, ``region_id`` is required. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``.
    """

    product: ClassVar[Product] = VOD
    console = "vod"
    # No job has this id. The response to an unknown id also proves that the connection works.
    probe = ("GetAIImageJobs", {"JobIds": "0" * 32})

    def get_conn(self) -> Client:
        """
        Return the official product client, with this connection's credentials and endpoint.

        Importing the client takes up to two seconds. :meth:`call` does not use this client.

        :return: ``alibabacloud_vod20170321.client.Client``.
        """
        from alibabacloud_vod20170321.client import Client

        return Client(self._client_config())
