"""The base class of the operators that call any action of an API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims._jobs.payload import normalize
from airflow_provider_ims._submission.client_token import client_token
from airflow_provider_ims.exceptions import ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import Action, Product, unknown_action
from airflow_provider_ims.hooks._registry import hook_class_of
from airflow_provider_ims.operators._api_parameters import as_parameters, encode_parameters

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

CLIENT_TOKEN = "ClientToken"


class ApiOperator(BaseOperator):
    """
    Call any action of an API, except those that submit a job.

    An action that only reads is retried. Any other action is sent once. If its response is lost, the action may have
    taken effect: the task then fails without a retry, unless the action has a ``ClientToken``, with which a retry
    cannot take effect twice.

    :param action: The API action, such as ``RegisterMediaInfo``. (templated)
    :param parameters: The parameters of the action, with their API names as keys. A dict or a list is sent as JSON. A
        ``ClientToken`` is added if the action has one. (templated)
    :param ims_conn_id: The connection id. (templated) Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``. (templated)
    :param kwargs: Arguments of ``BaseOperator``.
    """

    product: ClassVar[Product]
    #: The operator that submits jobs of the product.
    job_operator: ClassVar[str]

    template_fields: Sequence[str] = ("action", "parameters", "ims_conn_id", "region_id")
    template_fields_renderers = {"parameters": "json"}
    ui_color = "#ffe8d6"

    def __init__(
        self,
        *,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        ims_conn_id: str = "ims_default",
        region_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.parameters = parameters
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Call the action.

        :param context: The task's context.
        :return: The response, with the API's names in snake_case.
        :raises ImsRequestError: when the action or a parameter is invalid (no request is sent), or when the service
            rejects a value.
        :raises AirflowFailException: when the response was lost, and the action may have taken effect.
        :raises ImsError: when the service rejected the request or was unavailable.
        """
        action = self._known_action()
        parameters = encode_parameters(action, as_parameters(self.parameters))
        if CLIENT_TOKEN in action.parameters and not action.reads:
            parameters.setdefault(CLIENT_TOKEN, client_token(action.name, context))
        hook = hook_class_of(self.product)(ims_conn_id=self.ims_conn_id, region_id=self.region_id)
        try:
            response = hook.call(action.name, parameters)
        except ImsUnavailableError as error:
            if action.reads or error.accepted is False:
                raise
            if CLIENT_TOKEN in parameters:
                error.message += "; a retry sends the same ClientToken, so the action cannot take effect twice"
                raise
            error.message += (
                "; the action may have taken effect, and sending it again may repeat the effect. Check this before you "
                "clear the task"
            )
            raise AirflowFailException(str(error)) from error
        self.log.info("%s succeeded (request id %s)", action.name, response.get("RequestId"))
        result: dict[str, Any] = normalize(response, parse=False)
        return result

    def _known_action(self) -> Action:
        name = self.action
        if not isinstance(name, str) or name not in self.product.actions:
            raise ImsRequestError(f"action: {unknown_action(self.product, str(name))}", field="action")
        if any(kind.submit_action == name and kind.family.product is self.product for kind in KINDS):
            raise ImsRequestError(
                f"action: {name} submits a billed job. Use {self.job_operator}(job={name!r}), which submits only one "
                "job and waits for it",
                field="action",
            )
        return self.product.action(name)
