"""
The retry policy of this provider.

Retry policies require Airflow 3.3. In earlier versions, the import of this module raises ``ImportError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from airflow_provider_ims.exceptions import (
    SUSPENDED,
    ImsError,
    ImsJobFailedError,
    ImsNotSubscribedError,
    ImsThrottledError,
    ImsUnavailableError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The delay of a retry while the service is suspended for overdue payment.
SUSPENDED_DELAY = timedelta(hours=1)


@dataclass(frozen=True)
class ImsRetryPolicy(RetryPolicy):
    """
    Do not retry a task after a permanent error of this provider; retry it after any other error.

    - A permanent error (:attr:`~airflow_provider_ims.exceptions.ImsError.is_permanent`) fails the task. Examples are an
      invalid request, a missing permission or subscription, and a job that failed because of its request or content.
    - If a payment is overdue, the task is retried after an hour.
    - After any other error, the task is retried after its ``retry_delay``, as without a policy.

    The policy cannot add retries: a task without ``retries`` is not retried. All operators and sensors of this provider
    have this policy by default. Requires Airflow 3.3.

    :param retry_failed_jobs: Retry a task whose job failed, unless the error is permanent. The retry of an operator
        submits a new job, which is also billed. Default: true. The default policy of the sensors sets it to false,
        because a retry of a sensor finds the same failed job.
    """

    retry_failed_jobs: bool = True

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide whether Airflow retries a failed task.

        :param exception: The error of the task.
        :param try_number: The number of the try. Not used.
        :param max_tries: The maximum number of tries. Not used.
        :param context: The task's context. Not used.
        :return: The decision, with its reason.
        """
        if not isinstance(exception, ImsError):
            return RetryDecision.default()
        name = type(exception).__name__
        if exception.is_permanent:
            return RetryDecision.fail(f"{name}: a retry would fail too")
        if isinstance(exception, ImsJobFailedError) and not self.retry_failed_jobs:
            return RetryDecision.fail(f"{name}: retry_failed_jobs is false")
        if isinstance(exception, ImsNotSubscribedError) and exception.code == SUSPENDED:
            return RetryDecision.retry(SUSPENDED_DELAY, f"{name}: the service is suspended for overdue payment")
        if isinstance(exception, ImsThrottledError | ImsUnavailableError):
            return RetryDecision.retry(reason=f"{name}: a later try may succeed")
        return RetryDecision.default()
