"""A job kind: a submit action, its parameters, and the family of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.marker import MAX_USER_DATA, SubmissionKey, add_marker
from airflow_provider_ims._jobs.notify_address import add_notify_address, notify_address_in
from airflow_provider_ims._jobs.parameters import NOTHING, Parameter
from airflow_provider_ims._jobs.payload import snake_case, walk_path
from airflow_provider_ims.exceptions import ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import ICE
from airflow_provider_ims.hooks._settings import Settings

#: Parameters that several actions accept with the same limits.
TITLE = Parameter("Title", max_bytes=128)
USER_DATA = Parameter("UserData", is_json=True, max_bytes=MAX_USER_DATA, schema={"type": "object"})
CLIENT_TOKEN = Parameter("ClientToken", max_bytes=64)


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    A kind of job that can be submitted.

    :param title: The name of the kind in logs.
    :param submit_action: The API action that submits a job of this kind.
    :param family: The family of the jobs, which defines how they are queried.
    :param parameters: The parameters of the submit action.
    :param job_id: The path to the job's id in the response of the submit action.
    :param submit_result: The fields of the submit response that are added to the result, because queries do not return
        them.
    :param search_is_conclusive: Whether a search that finds no job proves that no job exists. Not used if the action
        accepts a ClientToken.
    :param marker_under: The field of UserData that holds the marker; ``None`` for the top level.
    :param reusable: Whether each job has its own id, so that a later task run can query the job and return its result.
    :param dedup_parameter: The parameter for an id of the request; the service rejects a request with the id of an
        earlier request. ``None`` if there is no such parameter.
    :param one_of: The parameters of which at least one is required.
    :param regions: The regions in which the action is available; empty if the documentation does not restrict them.
    """

    title: str
    submit_action: str
    family: JobFamily
    parameters: tuple[Parameter, ...]
    job_id: str = "JobId"
    submit_result: tuple[str, ...] = ()
    search_is_conclusive: bool = False
    marker_under: str | None = None
    reusable: bool = True
    dedup_parameter: str | None = None
    one_of: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def _parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    @property
    def takes_client_token(self) -> bool:
        """Whether the action accepts a ClientToken. If a token is sent again, the service returns the same job."""
        return self._parameter("ClientToken") is not None

    @property
    def token_parameter(self) -> str | None:
        """The parameter with which the service recognises a repeated submit request; ``None`` if there is none."""
        return "ClientToken" if self.takes_client_token else self.dedup_parameter

    @property
    def takes_marker(self) -> bool:
        """Whether a search can find a job by a marker in its UserData."""
        return self.family.search is not None and self._parameter("UserData") is not None

    @property
    def ram_actions(self) -> tuple[str, ...]:
        """The RAM actions to submit, query, search, list and cancel such jobs, for example ``ice:SubmitASRJob``."""
        listings = [of.action for of in (self.family.search, self.family.listing) if of]
        actions = dict.fromkeys((self.submit_action, self.family.query_action, *listings, self.family.cancel_action))
        return tuple(f"{self.family.product.code}:{action}" for action in actions if action)

    def encode(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Return the action's parameters for a task's arguments; an invalid argument raises ``ImsRequestError``."""
        encoded = {parameter.name: parameter.encode(arguments.get(parameter.argument)) for parameter in self.parameters}
        if self.one_of and all(NOTHING.fullmatch((encoded[name] or "").strip("[]{}")) for name in self.one_of):
            names = [parameter.argument for parameter in self.parameters if parameter.name in self.one_of]
            raise ImsRequestError(f"{self.title} requires at least one of {', '.join(names)}", field=names[0])
        return {name: value for name, value in encoded.items() if value is not None}

    def check_region(self, settings: Settings) -> None:
        """
        Check that the action is available in the region of the connection.

        The check is skipped if the connection contains an endpoint for the product.

        :raises ImsRequestError: if the action is not available in the region.
        """
        has_endpoint = self.family.product.code in settings.endpoints
        if self.regions and settings.region_id not in self.regions and not has_endpoint:
            problem = f"is available only in {' and '.join(self.regions)}, not in {settings.region_id}"
            raise ImsRequestError(f"region_id: {self.submit_action} {problem}", field="region_id")

    def job_id_in(self, response: Mapping[str, Any]) -> str | None:
        """Return the job's id from the submit action's response; ``None`` if the response contains no id."""
        return next((found for found in walk_path(response, self.job_id) if isinstance(found, str) and found), None)

    def result_in(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of the job's result that only the submit action's response contains."""
        return {snake_case(name): response[name] for name in self.submit_result if response.get(name)}

    def accepted_job_id(self, response: Mapping[str, Any]) -> str:
        """
        Return the job's id from the submit action's response.

        :raises ImsUnavailableError: if the response contains no job id, although the service accepted the request.
        """
        job_id = self.job_id_in(response)
        if job_id is None:
            raise ImsUnavailableError(
                "The response has no job id",
                accepted=True,
                action=self.submit_action,
                request_id=str(response.get("RequestId") or "") or None,
            )
        return job_id

    def add_marker(self, user_data: str | None, key: SubmissionKey) -> str | None:
        """Return UserData with the marker; ``None`` if the marker cannot be added, or no search can find such jobs."""
        parameter = self._parameter("UserData")
        if parameter is None or not self.takes_marker:
            return None
        return add_marker(user_data, key, under=self.marker_under, max_bytes=parameter.max_bytes or MAX_USER_DATA)

    @property
    def takes_notify_address(self) -> bool:
        """Whether UserData may contain the name of the queue to which the service sends a message when the job ends."""
        # For uploads from URLs and for VOD, a different field of UserData sets the callback.
        return self.family.product is ICE and self.marker_under is None and self._parameter("UserData") is not None

    def add_notify_address(self, request: Mapping[str, str], queue: str | None) -> Mapping[str, str]:
        """Return the request with the name of the queue in its UserData, or unchanged if that is not possible."""
        parameter = self._parameter("UserData")
        if queue is None or parameter is None or not self.takes_notify_address:
            return request
        limit = parameter.max_bytes or MAX_USER_DATA
        user_data = add_notify_address(request.get("UserData"), queue, max_bytes=limit)
        return request if user_data is None else {**request, "UserData": user_data}

    def notifies(self, request: Mapping[str, str], queue: str | None) -> bool:
        """Return whether the UserData of a request contains the given queue as the address for notifications."""
        return queue is not None and self.takes_notify_address and notify_address_in(request.get("UserData")) == queue
