"""Recovery policies for a submit request whose response was lost, so that the job id is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.search import Search
from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState
from airflow_provider_ims.exceptions import ImsError, ImsRequestError, ImsUnavailableError, ImsUncertainSubmitError

OnUncertain: TypeAlias = Literal["submit", "fail"]
#: The maximum number of attempts to submit one job in one try.
MAX_SUBMITS = 5
#: How the service handles a second submit request if it accepted the first request: it returns the first job, rejects
#: the second request, or creates a second job. ``excluded`` means that a second request is sent only after the search
#: has proved that the service did not accept the first request.
Resubmit: TypeAlias = Literal["returns job", "rejected", "excluded", "creates job"]


@dataclass(frozen=True, slots=True)
class RecoveryPolicy:
    """
    How a job is recovered if the response to its submit request was lost.

    ``resubmit_log`` and ``advice`` may contain ``{token}`` (the name of the token parameter), ``{key}`` (the value of
    the marker), ``{lag}`` (the search time in seconds) and ``{time}`` (the time of the latest submit request).

    :param name: The name in the documentation.
    :param resubmit: How the service handles a second submit request if it accepted the first request.
    :param resubmit_log: The log message before a second submit request.
    :param advice: What the user can do if the task fails.
    """

    name: str
    resubmit: Resubmit
    resubmit_log: str
    advice: str


_SEARCH_ADVICE = "search the UserData of the jobs for {key} in the console. A retry searches again"
_TWO_JOBS = "submitting again. If the service accepted the first submit request, there will be two jobs"

IDEMPOTENCY_TOKEN = RecoveryPolicy(
    "idempotency token",
    "returns job",
    resubmit_log="Submitting again with the same {token}: the service returns the job if it exists, even if it failed",
    advice="a retry submits again with the same {token}, which cannot create a second job",
)
REJECTED_DUPLICATE = RecoveryPolicy(
    "rejected duplicate",
    "rejected",
    resubmit_log="Submitting again with the same {token}, which the service rejects if the job exists",
    advice="a retry sends the same {token}, so it creates no second job. If you clear the task, there may be two jobs",
)
CONCLUSIVE_SEARCH = RecoveryPolicy(
    "conclusive search",
    "excluded",
    resubmit_log="No job with the marker {key} is listed, so none was accepted: submitting again",
    advice=_SEARCH_ADVICE,
)
INCONCLUSIVE_SEARCH = RecoveryPolicy(
    "inconclusive search",
    "creates job",
    resubmit_log=f"No job with the marker {{key}} was found within {{lag}} s: {_TWO_JOBS}",
    advice=_SEARCH_ADVICE,
)
NOT_RECOVERABLE = RecoveryPolicy(
    "not recoverable",
    "creates job",
    resubmit_log=f"The job cannot be searched for: {_TWO_JOBS}",
    advice="such a job cannot be searched for. Check the console for a job created at {time}. Clearing the task "
    "submits a new job, which is billed even if the first job exists",
)

POLICIES = (IDEMPOTENCY_TOKEN, REJECTED_DUPLICATE, CONCLUSIVE_SEARCH, INCONCLUSIVE_SEARCH, NOT_RECOVERABLE)


def policy_of(kind: JobKind, *, has_marker: bool = True, has_token: bool = True) -> RecoveryPolicy:
    """Return the policy of a job kind, depending on whether its requests contain the marker and the token."""
    if kind.takes_client_token:
        return IDEMPOTENCY_TOKEN
    if kind.dedup_parameter and has_token:
        return REJECTED_DUPLICATE
    if kind.takes_marker and has_marker:
        return CONCLUSIVE_SEARCH if kind.search_is_conclusive else INCONCLUSIVE_SEARCH
    return NOT_RECOVERABLE


@dataclass(frozen=True, slots=True)
class Recovery:
    """
    How one submission is recovered if its response is lost.

    :param policy: The policy that applies.
    :param request: The parameters of the submit request, with the token and the marker if they can be added.
    :param search: The search for the job; ``None`` if the request contains no marker.
    :param queue: The queue that the UserData of the request should contain; ``None`` if there is none.
    """

    kind: JobKind
    record: SubmissionRecord
    policy: RecoveryPolicy
    request: Mapping[str, str]
    search: Search | None
    queue: str | None = None

    @property
    def token(self) -> str | None:
        """The token in the request; ``None`` if there is none."""
        return self.request.get(self.kind.token_parameter or "")

    @property
    def search_time(self) -> float:
        """Seconds for which to search for the job; 0 for a single search."""
        # If a second submit request returns the first job, there is no need to wait until the listing is up to date.
        single = self.policy.resubmit == "returns job" and self.record.state is not SubmissionState.ACCEPTED
        return 0 if single else self.kind.family.search_lag

    def was_accepted(self, error: ImsError) -> bool | None:
        """Return whether the service accepted this request or an earlier one with this token; ``None`` if unknown."""
        if isinstance(error, ImsUnavailableError):
            # A response without a job id needs no search if a second submit request returns the job.
            return None if error.accepted and self.policy.resubmit == "returns job" else error.accepted
        # The error code means that the service has received the generated token with other parameters, so it accepted
        # an earlier request.
        return error.code == "IdempotentParameterMismatch" and self.token == str(self.record.key)

    def is_duplicate(self, error: ImsError) -> bool:
        """Return whether the service may have rejected a second submit request as a duplicate of an accepted one."""
        second = self.record.state is not SubmissionState.NEW
        # The error code of a duplicate is not documented, so any request that was rejected as invalid may be one.
        return self.policy.resubmit == "rejected" and second and type(error) is ImsRequestError

    @property
    def is_safe(self) -> bool:
        """Whether a second submit request cannot create a second job."""
        return self.policy.resubmit != "creates job"

    def objection(self, on_uncertain: OnUncertain, submits: int, max_unsafe: int) -> ImsUncertainSubmitError | None:
        """
        Return an error if no further submit request may be sent for a job that was not found, otherwise ``None``.

        :param submits: The number of submit requests in this try.
        :param max_unsafe: The maximum number of requests without a response, across all tries, if a repeated request
            could create a second job.
        """
        unanswered = self.record.unanswered_submits
        if self.record.state is SubmissionState.ACCEPTED:
            return self.uncertain("the service accepted a submit request")
        if not self.is_safe and on_uncertain == "fail":
            return self.uncertain("on_uncertain is 'fail'")
        if submits >= MAX_SUBMITS or (not self.is_safe and unanswered >= max_unsafe):
            return self.uncertain(f"{unanswered} submit requests received no response")
        return None

    def uncertain(self, reason: str) -> ImsUncertainSubmitError:
        """
        Return the error for a job that may exist but was not found.

        :param reason: Why no further submit request is sent.
        """
        policy = self.policy
        if self.record.state is SubmissionState.ACCEPTED:
            # No further submit request follows, so the token does not help.
            policy = INCONCLUSIVE_SEARCH if self.search else NOT_RECOVERABLE
        return ImsUncertainSubmitError(
            f"The {self.kind.title} job may exist, but it was not found ({reason}); {self.format(policy.advice)}",
            key=str(self.record.key),
            action=self.kind.submit_action,
        )

    def format(self, text: str) -> str:
        """Return a text of a policy with its placeholders replaced."""
        return text.format(
            token=self.kind.token_parameter,
            key=self.record.key,
            lag=f"{self.kind.family.search_lag:g}",
            time=datetime.fromtimestamp(self.record.submitted_at, UTC).isoformat(timespec="seconds"),
        )


def recovery_of(
    kind: JobKind,
    parameters: Mapping[str, str],
    record: SubmissionRecord,
    *,
    recorded: bool,
    queue: str | None = None,
) -> Recovery:
    """
    Return the recovery of one submission.

    :param recorded: Whether the record is stored. The key of a record is unique only if the record is stored.
    :param queue: The queue to which the service should send a message when the job ends.
    """
    if recorded and record.state is not SubmissionState.NEW:
        # A second request with the same token must have the same parameters, even if the connection has changed.
        queue = record.queue
    request = parameters
    token = kind.token_parameter
    # A SessionId (a dedup_parameter) is generated only from a unique key. Any other key recurs after a failed job or in
    # a recreated DAG run, and the service would reject the repeated SessionId.
    if token and (token in parameters or recorded or kind.takes_client_token):
        # The token of the first try is kept: a token that renders differently in each try cannot identify the job.
        request = {**request, token: record.token or parameters.get(token) or str(record.key)}
    # With the user's own ClientToken, UserData is not changed, because the service returns the same job only for
    # identical parameters.
    user_data = None if "ClientToken" in parameters else kind.add_marker(parameters.get("UserData"), record.key)
    if user_data is not None:
        request = {**request, "UserData": user_data}
    if "ClientToken" not in parameters:
        request = kind.add_notify_address(request, queue)
    policy = policy_of(kind, has_marker=user_data is not None, has_token=record.token is not None)
    return Recovery(kind, record, policy, request, kind.family.search if user_data is not None else None, queue)
