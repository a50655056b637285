"""Submitting a job for a task run: at most one that is billed, whatever crashes."""

from __future__ import annotations

from airflow_provider_ims._submission.submitter import OnClear, OnUncertain, Submission, Submitter

__all__ = ["OnClear", "OnUncertain", "Submission", "Submitter"]
