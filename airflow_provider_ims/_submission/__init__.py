"""
Submits the jobs of a task run, and recovers from crashes and lost responses.

A retry joins the job of an earlier try: it finds this job and waits for it, instead of submitting another job. A lost
job is a job whose id is unknown, because the response to its submit request was lost.
"""

from __future__ import annotations

from airflow_provider_ims._submission.recovery import OnUncertain
from airflow_provider_ims._submission.reuse import EarlierJobs, Reuse
from airflow_provider_ims._submission.submitter import OnClear, Submission, Submitter

__all__ = ["EarlierJobs", "OnClear", "OnUncertain", "Reuse", "Submission", "Submitter"]
