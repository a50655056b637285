"""
The Airflow plugin, which Airflow finds by its entry point.

Airflow imports it in several components, such as the API server, the DAG processor and the workers.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from airflow import __version__
from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_ims._config import MEDIA_PAGES
from airflow_provider_ims.subtitles import to_srt, to_webvtt

#: The path under which the API server mounts the media pages.
PREFIX = "/ims"
_TASK_PAGE = f"{PREFIX}/media/dags/{{DAG_ID}}/task?run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}"


class MediaApp:
    """
    The media pages as an ASGI application.

    The application is created at the first request, because only the API server needs it.
    """

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond to a request."""
        if self._app is None:
            self._app = await asyncio.to_thread(_create_app)
        await self._app(scope, receive, send)


def _create_app() -> Any:
    from airflow_provider_ims.media._routes import create_app

    return create_app()


class ImsPlugin(AirflowPlugin):
    """Adds the media pages, and the macros ``macros.ims.to_srt`` and ``macros.ims.to_webvtt``."""

    name = "ims"
    macros = [to_srt, to_webvtt]
    fastapi_apps = [{"app": MediaApp(), "url_prefix": PREFIX, "name": "Media of Alibaba Cloud IMS"}]

    @property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]  # only the API server reads it
        """The tab that shows the media page of a task, if the pages are enabled."""
        return tabs(__version__) if MEDIA_PAGES.get() else []


def tabs(version: str) -> list[dict[str, Any]]:
    """
    Return the tabs for the tasks of this provider; none before Airflow 3.4.

    Earlier versions of Airflow would show the tabs for the tasks of all providers.

    :param version: The version of Airflow.
    """
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < (3, 4):
        return []
    return [
        {
            "name": "Media",
            "href": _TASK_PAGE,
            "destination": "task_instance",
            "url_route": "ims-media",
            "applies_to": {"operators": _task_classes()},
        }
    ]


def _task_classes() -> list[str]:
    from airflow_provider_ims._tasks import JobTask
    from airflow_provider_ims.operators import ims, vod
    from airflow_provider_ims.sensors import ims as ims_sensors
    from airflow_provider_ims.sensors import vod as vod_sensors

    modules = (ims, vod, ims_sensors, vod_sensors)
    classes = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    public = {one for one in classes if issubclass(one, JobTask) and one.__name__.startswith(("Ims", "Vod"))}
    return sorted(one.__name__ for one in public)
