"""The Airflow plugin. Airflow finds it by its entry point and imports it into all its processes."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_ims.subtitles import to_srt, to_webvtt

#: The path under which the API server mounts the media pages.
MOUNTED_AT = "/ims"
#: The classes whose tasks have a tab with the media page.
OPERATORS = ("ImsSubmitAudioProduceJobOperator",)


class MediaApp:
    """The application with the media pages, which is created at the first request: only the API server needs it."""

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
    fastapi_apps = [{"app": MediaApp(), "url_prefix": MOUNTED_AT, "name": "Media of Alibaba Cloud IMS"}]
