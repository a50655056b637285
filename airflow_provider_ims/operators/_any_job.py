"""The base class of the operators that submit a job of any kind. They accept parameters with API names as keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.objects import OssObject, oss_objects
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims.hooks._actions import Product
from airflow_provider_ims.operators._api_parameters import as_parameters, unknown_parameter
from airflow_provider_ims.operators._files import ReadsParameterFiles
from airflow_provider_ims.operators.base import JobOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class AnyJobOperator(ReadsParameterFiles, JobOperator):
    """
    Submit a job of any kind.

    :param job: The submit action, such as ``SubmitASRJob``. (templated)
    :param parameters: The parameters of the action, with their API names as keys. Where the API requires a JSON
        string, a dict, a list or the name of a ``.json`` file is also accepted. (templated)
    :param fail_on_partial_failure: Fail the task if any part of the job failed, such as an output of a transcoding job.
        Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
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
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.parameters = parameters
        self.fail_on_partial_failure = fail_on_partial_failure

    def execute(self, context: Context) -> dict[str, Any]:
        """Resolve the job kind from the rendered ``job``, and execute the task."""
        self.kind = accepting(kind_of(self.job, self.product), self.arguments())
        return super().execute(context)

    def execute_complete(
        self, context: Context, event: Any = None, submit_result: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """
        Resume the task with the trigger's event, and return the result of the job.

        A resumed task has a new operator instance, so the job kind is resolved again.
        """
        self.kind = kind_of(self.job, self.product)
        return super().execute_complete(context, event, submit_result)

    def arguments(self) -> Mapping[str, Any]:
        """
        Return the parameters, with their API names as keys.

        :raises ImsRequestError: if they are not a dict with strings as keys.
        """
        return as_parameters(self.parameters)

    def input_objects(self) -> Iterable[OssObject]:
        """Return the OSS objects that the parameters refer to, except outputs. The job kind need not be resolved."""
        return oss_objects(self.parameters, without="output")


def accepting(kind: JobKind, given: Mapping[str, Any]) -> JobKind:
    """
    Return a copy of a kind in which each argument has the API name of its parameter.

    The copy also accepts the given parameters that the SDK defines but the kind does not.

    :raises ImsRequestError: If neither the kind nor the SDK defines a parameter.
    """
    known = [parameter.name for parameter in kind.parameters]
    defined = kind.family.product.action(kind.submit_action).parameters
    unknown = [name for name in given if name not in known]
    for name in unknown:
        if name not in defined:
            raise unknown_parameter(kind.submit_action, name, known)
    more = (Parameter(name, is_json=isinstance(given[name], (dict, list))) for name in unknown)
    # The name of the argument appears in error messages.
    return replace(kind, parameters=tuple(replace(one, argument=one.name) for one in (*kind.parameters, *more)))
