"""Triggers for jobs of ApsaraVideo VOD."""

from __future__ import annotations

from airflow_provider_ims.triggers.base import JobTrigger


class VodJobTrigger(JobTrigger):
    """Wait for jobs of ApsaraVideo VOD; see :class:`~airflow_provider_ims.triggers.base.JobTrigger`."""
