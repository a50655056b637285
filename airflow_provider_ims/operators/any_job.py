"""What the operators of every kind of job share: the kind is named, the parameters are the API's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.kinds import kind_of
from airflow_provider_ims.jobs.parameters import Parameter
from airflow_provider_ims.operators.base import JobOperator


class AnyJobOperator(JobOperator):
    """
    Submit a job of the kind that is named.

    :param job: The submit action, such as ``SubmitASRJob``. (templated)
    :param parameters: The action's parameters under their own names; where the action takes a JSON string, a dict or
        a list will do. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things. Default:
        false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    template_fields: Sequence[str] = ("job", "parameters", *JobOperator.template_fields)
    template_fields_renderers = {"parameters": "json"}

    def __init__(
        self,
        *,
        job: str,
        parameters: Mapping[str, Any] | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.parameters = parameters
        self.fail_on_partial_failure = fail_on_partial_failure

    @property
    def kind(self) -> JobKind:  # type: ignore[override]  # an attribute of the class where there is one kind
        """The kind of job; known once the templates are rendered, and not kept, since a task may run again."""
        kind = kind_of(self.job, self.trigger_class.hook_class.product)
        known = [parameter.name for parameter in kind.parameters]
        unknown = [name for name in self._given() if name not in known]
        if not unknown:
            return kind
        # A newer product SDK may know what the catalogue does not; loading it takes a second or two.
        in_sdk = self.trigger_class.hook_class.sdk_parameters(self.job)
        for name in unknown:
            if name not in in_sdk:
                near = get_close_matches(name, [*known, *in_sdk], n=3, cutoff=0.4) or known
                raise ImsRequestError(
                    f"parameters: {self.job} takes no {name!r}; near it are {', '.join(dict.fromkeys(near))}",
                    field=f"parameters.{name}",
                )
        # What is not in the catalogue is sent as JSON where it is a dict or a list.
        more = tuple(
            Parameter(name, is_json=isinstance(value, (dict, list)))
            for name, value in self._given().items()
            if name in unknown
        )
        return replace(kind, parameters=(*kind.parameters, *more))

    def arguments(self) -> Mapping[str, Any]:
        """Return the parameters, by their names in snake_case."""
        given = self._given()
        return {parameter.argument: given.get(parameter.name) for parameter in self.kind.parameters}

    def _given(self) -> Mapping[str, Any]:
        given = self.parameters or {}
        if not isinstance(given, Mapping):
            raise ImsRequestError(
                f"parameters: {type(given).__name__} is no dict of the action's parameters", field="parameters"
            )
        return given
