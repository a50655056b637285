"""Submits a job for a task run: at most one billed job, even after a crash."""

from __future__ import annotations

from airflow_provider_ims._submission.submitter import OnClear, OnUncertain, Submission, Submitter

__all__ = ["OnClear", "OnUncertain", "Submission", "Submitter"]
