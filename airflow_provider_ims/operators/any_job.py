"""What the operators of every kind of job share: the kind is named, the parameters are the API's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks.actions import Product
from airflow_provider_ims.hooks.registry import hook_class_of
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

    product: Product
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
        kind = kind_of(self.job, self.product)
        known = [parameter.name for parameter in kind.parameters]
        unknown = [name for name in self.arguments() if name not in known]
        # A newer product SDK may know what the catalogue does not; loading it takes a second or two.
        in_sdk = hook_class_of(self.product).sdk_parameters(self.job) if unknown else ()
        for name in unknown:
            if name not in in_sdk:
                near = get_close_matches(name, [*known, *in_sdk], n=3, cutoff=0.4) or known
                raise ImsRequestError(
                    f"parameters: {self.job} takes no {name!r}; near it are {', '.join(dict.fromkeys(near))}",
                    field=f"parameters.{name}",
                )
        # What is not in the catalogue is sent as JSON where it is a dict or a list.
        more = (Parameter(name, is_json=isinstance(self.arguments()[name], (dict, list))) for name in unknown)
        # Errors are to speak of a parameter by the name that it was given under.
        return replace(kind, parameters=tuple(replace(one, argument=one.name) for one in (*kind.parameters, *more)))

    def arguments(self) -> Mapping[str, Any]:
        """Return the parameters, by the API's names."""
        given = self.parameters or {}
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise ImsRequestError(
                "parameters: must be a dict whose keys are names of the action's parameters", field="parameters"
            )
        return given
