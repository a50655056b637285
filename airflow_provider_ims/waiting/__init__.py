"""Waiting in a triggerer: one poller asks for all the jobs of a connection, a region and a family."""

from __future__ import annotations

from airflow_provider_ims.waiting.triggerer import poller_for, watch_job

__all__ = ["poller_for", "watch_job"]
