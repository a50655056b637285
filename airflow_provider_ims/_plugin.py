"""The Airflow plugin with the macros for templates. Airflow finds it by its entry point."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_ims.subtitles import to_srt, to_webvtt


class ImsPlugin(AirflowPlugin):
    """Adds the macros ``macros.ims.to_srt`` and ``macros.ims.to_webvtt``."""

    name = "ims"
    macros = [to_srt, to_webvtt]
