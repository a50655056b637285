"""A kind of job: what a submit action takes, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.marker import MAX_USER_DATA, SubmissionKey, marked
from airflow_provider_ims.jobs.parameters import Parameter
from airflow_provider_ims.jobs.payload import walk_path

#: Parameters that several actions take with the same limits.
TITLE = Parameter("Title", max_bytes=128)
USER_DATA = Parameter("UserData", is_json=True, max_bytes=MAX_USER_DATA, schema={"type": "object"})
CLIENT_TOKEN = Parameter("ClientToken", max_bytes=64)


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    A kind of job that can be submitted.

    :param title: What it is called in logs.
    :param submit_action: The API action that submits it.
    :param family: How its jobs are asked for.
    :param parameters: What the action takes.
    :param job_id: The path to the job's id in the action's answer.
    :param search_proves: Whether a job that a search does not show, after its lag, was surely not accepted.
    :param marker_under: The field of UserData that takes the marker; ``None`` for the top.
    :param dedup_parameter: The parameter by which the service refuses a submit that repeats one it has accepted.
    """

    title: str
    submit_action: str
    family: JobFamily
    parameters: tuple[Parameter, ...]
    job_id: str = "JobId"
    search_proves: bool = False
    marker_under: str | None = None
    dedup_parameter: str | None = None

    def _parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    @property
    def takes_client_token(self) -> bool:
        """Whether the service answers a submit that it knows by its ClientToken with the job it already has."""
        return self._parameter("ClientToken") is not None

    @property
    def token(self) -> str | None:
        """The parameter that makes several submits one job, where there is one."""
        return "ClientToken" if self.takes_client_token else self.dedup_parameter

    @property
    def takes_marker(self) -> bool:
        """Whether a job whose id was lost can be found by a marker in its UserData."""
        return self.family.search is not None and self._parameter("UserData") is not None

    @property
    def ram_actions(self) -> tuple[str, ...]:
        """The RAM actions of submitting, asking, searching, listing and stopping, such as ``ice:SubmitASRJob``."""
        listings = [of.action for of in (self.family.search, self.family.listing) if of]
        actions = dict.fromkeys((self.submit_action, self.family.query_action, *listings, self.family.cancel_action))
        return tuple(f"{self.family.product.code}:{action}" for action in actions if action)

    def job_id_in(self, answer: Mapping[str, Any]) -> str | None:
        """Return the job's id from the submit action's answer; ``None`` when it has none."""
        return next((found for found in walk_path(answer, self.job_id) if isinstance(found, str) and found), None)

    def marked(self, user_data: str | None, key: SubmissionKey) -> str | None:
        """
        Return UserData with the marker in it, by which the job can be found.

        :param user_data: The user's own, or ``None``.
        :param key: The submission.
        :return: The merged JSON; ``None`` when a job of this kind cannot be found by it, or it has no room there.
        """
        parameter = self._parameter("UserData")
        if parameter is None or self.family.search is None:
            return None
        return marked(user_data, key, under=self.marker_under, most=parameter.max_bytes or MAX_USER_DATA)
