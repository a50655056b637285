"""Submitting a job for a task run: at most one that is billed, whatever crashes."""

from __future__ import annotations

from airflow_provider_ims.submission.clear import OnClear
from airflow_provider_ims.submission.submitter import OnUncertain, Submission, Submitter

__all__ = ["OnClear", "OnUncertain", "Submission", "Submitter"]
