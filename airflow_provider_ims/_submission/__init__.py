"""Submits the jobs of a task run, joins existing jobs, and recovers from crashes and lost responses."""

from __future__ import annotations

from airflow_provider_ims._submission.recovery import OnUncertain
from airflow_provider_ims._submission.reuse import EarlierJobs, Reuse
from airflow_provider_ims._submission.submitter import OnClear, Submission, Submitter

__all__ = ["EarlierJobs", "OnClear", "OnUncertain", "Reuse", "Submission", "Submitter"]
