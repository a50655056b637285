"""The links on the page of a task instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context


class JobLink(BaseOperatorLink):
    """A link whose URL is known only at runtime."""

    def push(self, context: Context, url: str) -> None:
        """Push the URL immediately: Airflow would push it only when the task ends, perhaps hours later."""
        ti: Any = context.get("ti")
        if ti is not None:
            ti.xcom_push(key=self.xcom_key, value=url)

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL that was pushed, or an empty string if there is none."""
        from airflow.providers.common.compat.sdk import XCom

        return str(XCom.get_value(ti_key=ti_key, key=self.xcom_key) or "")


class ConsoleLink(JobLink):
    """Links to the product's console, as configured by the connection's ``console_url``."""

    name = "Alibaba Cloud console"


class OutputLink(JobLink):
    """Links to the first output of the job."""

    name = "Output"
