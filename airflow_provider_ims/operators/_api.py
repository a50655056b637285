"""The base class of the operators that call any action of an API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, BaseOperator

from airflow_provider_ims._arguments import TaskArguments
from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims._jobs.payload import normalize
from airflow_provider_ims._submission.write_record import WriteRecord
from airflow_provider_ims._tasks import OPERATOR_RETRY_POLICY, retry_arguments
from airflow_provider_ims.exceptions import ImsError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import Action, Product, unknown_action
from airflow_provider_ims.hooks._registry import hook_class_of
from airflow_provider_ims.operators._api_parameters import as_parameters, encode_parameters

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.sdk.definitions.retry_policy import RetryPolicy

    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

CLIENT_TOKEN = "ClientToken"
_UNCERTAIN = (
    "the action may have taken effect, and sending it again may repeat the effect. Check whether the action has taken "
    "effect before you clear the task"
)


class ApiOperator(BaseOperator):
    """
    Call any action of an API, except the actions that submit a job of a supported kind.

    After a temporary error, a read-only action is sent again. Any other action is sent again only if the service
    certainly did not process it. If the response to an action that is not read-only is lost, the action may have taken
    effect: the task then fails without a retry, unless the action has a ``ClientToken``, which prevents the action from
    taking effect twice.

    :param action: The API action, such as ``RegisterMediaInfo``. (templated)
    :param parameters: The parameters of the action, with their API names as keys. Where the API requires a JSON
        string, a dict or a list is also accepted. A ``ClientToken`` is added if the action has one. (templated)
    :param ims_conn_id: The connection id; ``None`` for the default credential chain of the Alibaba Cloud SDK.
        (templated) Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``. (templated)
    :param multiple_outputs: Also push each key of the result as an XCom, so that ``task.output["request_id"]`` works.
        Default: true, whereas Airflow's default is false.
    :param retry_policy: Decides, depending on the error, whether a failed task is retried. Requires Airflow 3.3.
        ``None`` retries after every error except ``AirflowFailException``. Default:
        :class:`~airflow_provider_ims.policies.retry.ImsRetryPolicy`.
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
        ims_conn_id: str | None = "ims_default",
        region_id: str | None = None,
        multiple_outputs: bool = True,
        retry_policy: RetryPolicy | None = OPERATOR_RETRY_POLICY,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **retry_arguments(retry_policy), **kwargs)
        self.action = action
        self.parameters = parameters
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Call the action.

        :param context: The task's context.
        :return: The response, with its keys in snake_case.
        :raises ImsRequestError: when the action or a parameter is invalid (no request is sent), or when the service
            rejects a value.
        :raises AirflowFailException: when sending the action again could repeat its effect, because the response was
            lost in this or an earlier try, or because an earlier try failed after the response.
        :raises ImsError: when the service rejected the request or was unavailable.
        """
        action = self._known_action()
        parameters = encode_parameters(action, as_parameters(self.parameters))
        hook = hook_class_of(self.product)(ims_conn_id=self.ims_conn_id, region_id=self.region_id)
        if action.reads:
            response = hook.call(action.name, parameters)
        else:
            record = WriteRecord.read(action.name, context)
            if CLIENT_TOKEN in action.parameters:
                parameters[CLIENT_TOKEN] = record.client_token(parameters.get(CLIENT_TOKEN))
            response = _write(hook, action.name, parameters, record)
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


def _write(
    hook: AlibabaCloudMediaHook, action: str, parameters: Mapping[str, Any], record: WriteRecord
) -> dict[str, Any]:
    """
    Send an action that is not read-only.

    On Airflow 3.3 and later, the request is recorded, so that a retry does not repeat the effect of the action.
    """
    token = parameters.get(CLIENT_TOKEN)
    if record.sent_at is not None and token is None:
        sent_at = datetime.fromtimestamp(record.sent_at, UTC).isoformat(timespec="seconds")
        outcome = f"received no response; {_UNCERTAIN}"
        if record.answered:
            outcome = "received a response, but the task failed afterwards. Clear the task to repeat the action"
        raise AirflowFailException(f"An earlier try sent the request at {sent_at} and {outcome} (action {action})")
    # An invalid connection raises an error here, before the request is recorded. Otherwise, a retry would find the
    # record and fail, although no request was sent.
    hook.connect()
    record.begin(token)
    try:
        response = hook.call(action, parameters)
    except ImsError as error:
        if not isinstance(error, ImsUnavailableError) or error.accepted is False:
            record.reject()
            raise
        if token is not None:
            error.message += "; a retry sends the same ClientToken, so the action cannot take effect twice"
            raise
        error.message += f"; {_UNCERTAIN}"
        raise AirflowFailException(str(error)) from error
    except AirflowTaskTimeout as error:
        # Before Airflow 3.3, there is no record that prevents a retry from sending the action again.
        if token is not None:
            raise
        raise AirflowFailException(
            f"The execution_timeout ended the task before the response arrived; {_UNCERTAIN} (action {action})"
        ) from error
    record.succeed(token)
    return response
