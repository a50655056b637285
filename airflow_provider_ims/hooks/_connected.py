"""The base class of all hooks: reads the connection."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_ims.exceptions import ImsError, ImsUnavailableError
from airflow_provider_ims.hooks._settings import Settings, read_settings


class ConnectedHook(BaseHook):
    """
    Base class of all hooks of this package, which use the same type of connection.

    :param ims_conn_id: The id of the Airflow connection; ``None`` for the SDK's default credential chain. In this
        case, ``region_id`` is required. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``.
    """

    conn_name_attr = "ims_conn_id"
    default_conn_name = "ims_default"
    conn_type = "alibabacloud_ims"
    hook_name = "Alibaba Cloud IMS"

    def __init__(
        self, ims_conn_id: str | None = default_conn_name, region_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id

    @cached_property
    def settings(self) -> Settings:
        """The settings of the connection, which is read when this property is first used."""
        if self.ims_conn_id is None:
            from airflow.providers.common.compat.sdk import Connection

            return read_settings(Connection(conn_id="", conn_type=self.conn_type), self.region_id)
        return read_settings(self.get_connection(self.ims_conn_id), self.region_id)

    def connect(self) -> None:
        """
        Read the connection and create the client, without sending a request.

        :raises ImsError: if the connection is incomplete or invalid.
        """
        raise NotImplementedError

    def reconnect(self) -> None:
        """
        Connect as :meth:`connect` does, but mark all errors as transient. Used while a task waits for a submitted job.

        :raises ImsUnavailableError: if Airflow cannot read the connection. This error is transient, because Airflow
            also reports a connection as not defined while the secrets backend is unavailable.
        :raises ImsError: if the connection is incomplete or invalid. The error is marked as transient.
        """
        try:
            self.connect()
        except ImsError as error:
            error.transient = True
            raise
        except Exception as error:
            raise ImsUnavailableError(
                f"Connection {self.ims_conn_id} could not be resolved: {type(error).__name__}: {error}", accepted=False
            ) from error
