"""Triggers for jobs of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.triggers.base import JobTrigger


class ImsJobTrigger(JobTrigger):
    """Wait for jobs of Intelligent Media Services; see :class:`~airflow_provider_ims.triggers.base.JobTrigger`."""
