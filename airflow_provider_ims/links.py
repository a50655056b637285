"""The buttons on a task's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context


class JobLink(BaseOperatorLink):
    """A link whose address is known only while the task runs."""

    def push(self, context: Context, address: str) -> None:
        """
        Make the address known now.

        Airflow itself asks for it only when a worker is done with the task, and the job may run for hours.

        :param context: The task's context.
        :param address: The address.
        """
        ti: Any = context.get("ti")
        if ti is not None:
            ti.xcom_push(key=self.xcom_key, value=address)

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return the address that was pushed; empty when there is none.

        :param operator: The task.
        :param ti_key: The task instance.
        """
        from airflow.providers.common.compat.sdk import XCom

        return str(XCom.get_value(ti_key=ti_key, key=self.xcom_key) or "")


class ConsoleLink(JobLink):
    """To the product's console, by the connection's ``console_url``."""

    name = "Alibaba Cloud console"


class OutputLink(JobLink):
    """To the first object that the job has made."""

    name = "Output"
