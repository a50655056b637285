"""The links on the page of a task instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, conf

from airflow_provider_ims._config import MEDIA_PAGES

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context


#: The key of the XCom with the data that the media page needs to open the files of a task, such as the connection id.
RECORD_KEY = "ims_media"
#: The key of the XCom with the result of a failed task, for the media page. Airflow stores no return value for a
#: failed task.
FAILED_RESULT_KEY = "ims_media_failed"


class JobLink(BaseOperatorLink):
    """A link whose URL is known only at runtime."""

    def push(self, context: Context, url: str) -> None:
        """Push the URL immediately: Airflow would push it only when the task ends or defers, perhaps hours later."""
        ti: Any = context.get("ti")
        if ti is not None:
            ti.xcom_push(key=self.xcom_key, value=url)

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL that was pushed, or an empty string if there is none."""
        from airflow.providers.common.compat.sdk import XCom

        return str(XCom.get_value(ti_key=ti_key, key=self.xcom_key) or "")


class ConsoleLink(JobLink):
    """Links to the job in the product's console. The connection's ``console_url`` is the template of the URL."""

    name = "Alibaba Cloud console"


class OutputLink(JobLink):
    """Links to the first output of the job."""

    name = "Output"


class MediaLink(JobLink):
    """Links to the media page, which shows the texts, audio, videos and images that the jobs have produced."""

    name = "Media"

    def record(self, context: Context, record: dict[str, Any]) -> None:
        """
        Push the data that the page needs to open the files, and the URL of the page unless the pages are disabled.

        :param record: The product code, the connection id, the region, the id of the task's first job, and the
            submission time of this job in epoch seconds.
        """
        ti: Any = context.get("ti")
        if ti is not None:
            ti.xcom_push(key=RECORD_KEY, value=record)
            if MEDIA_PAGES.get():
                self.push(context, _media_url(ti))

    def record_failure(self, context: Context, result: Any) -> None:
        """Push the result of a failed task, with the errors of its jobs, unless the result is ``None``."""
        ti: Any = context.get("ti")
        if ti is not None and result is not None:
            ti.xcom_push(key=FAILED_RESULT_KEY, value=result)


def _media_url(ti: Any) -> str:
    # The URL contains no host, because workers and browsers may reach the API server under different host names.
    base = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    query = {"run_id": ti.run_id, "task_id": ti.task_id}
    if (ti.map_index if ti.map_index is not None else -1) >= 0:
        query["map_index"] = ti.map_index
    return f"{base}/ims/media/dags/{quote(ti.dag_id, safe='')}/task?{urlencode(query)}"
