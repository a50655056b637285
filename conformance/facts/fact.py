"""Facts, the evidence that their checks use, and their results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.jobs import Inputs, JobRun
from conformance.service import Response, Service


class Outcome(StrEnum):
    """The outcome of the check of a fact, as in the report."""

    AS_DOCUMENTED = "as documented"
    DIFFERS = "differs"
    UNDOCUMENTED = "undocumented"
    NOT_TESTED = "not tested"


class NotTestedError(Exception):
    """Raised if a fact cannot be tested. The message contains the reason."""


@dataclass(frozen=True)
class Observed:
    """
    The observation of a check.

    :param text: A description of the observation, for the report.
    :param holds: Whether the observed behaviour is as documented; ignored for undocumented facts.
    """

    text: str
    holds: bool = True


@dataclass(frozen=True)
class Evidence:
    """
    The evidence that the checks of a run use.

    :param service: The service under test. Checks send only requests that are free of charge.
    :param jobs: Name of the job -> job.
    """

    service: Service
    inputs: Inputs
    jobs: Mapping[str, JobRun]

    def accepted(self, name: str) -> JobRun:
        """
        Return a job that the service accepted.

        :raises NotTestedError: If it was not submitted or not accepted.
        """
        job = self.jobs.get(name)
        if job is None or not job.job_id:
            raise NotTestedError(job.problem if job and job.problem else "the job was not submitted")
        return job

    def polled(self, name: str) -> JobRun:
        """
        Return a job that at least one query has returned.

        :raises NotTestedError: If the job was not accepted, or no query has returned it.
        """
        job = self.accepted(name)
        if not job.last:
            raise NotTestedError("no query returned the job")
        return job

    def ended(self, name: str) -> JobRun:
        """
        Return a job that has ended.

        :raises NotTestedError: If it has not ended.
        """
        job = self.polled(name)
        if job.ended is None:
            raise NotTestedError(job.problem or "the job did not end")
        return job

    def finished(self, name: str) -> JobRun:
        """
        Return a job that has ended successfully.

        :raises NotTestedError: If it has failed or has not ended.
        """
        job = self.ended(name)
        if job.states[-1] != job.plan.states[1][0]:
            raise NotTestedError(f"the job ended as {job.states[-1]}: {_error_of(job.last)}")
        return job

    def listed(self, name: str) -> JobRun:
        """
        Return a job that its listing contains.

        :raises NotTestedError: If the listing does not contain it.
        """
        job = self.accepted(name)
        if job.listed is None:
            raise NotTestedError("the job was not listed")
        return job


@dataclass(frozen=True, kw_only=True)
class Fact:
    """
    A fact about the services.

    :param name: Its name.
    :param statement: The documented behaviour in one sentence; for an undocumented fact, a question.
    :param documented: The documented values or behaviour; empty for an undocumented fact.
    :param source: The URL of the documentation.
    :param check: A function that returns the observation.
    """

    name: str
    statement: str
    check: Callable[[Evidence], Observed]
    documented: str = ""
    source: str = ""


@dataclass(frozen=True)
class Result:
    """The result of a fact: the observation, or the reason why it was not tested."""

    outcome: Outcome
    text: str


def check(fact: Fact, evidence: Evidence) -> Result:
    """Check a fact and return the result."""
    try:
        observed = fact.check(evidence)
    except NotTestedError as reason:
        return Result(Outcome.NOT_TESTED, str(reason))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The response does not have the format that the check reads.
        observed = Observed(f"unexpected response: {type(error).__name__}: {error}", holds=False)
    if not fact.documented:
        return Result(Outcome.UNDOCUMENTED, observed.text)
    return Result(Outcome.AS_DOCUMENTED if observed.holds else Outcome.DIFFERS, observed.text)


def api_page(product: str, action: str) -> str:
    """Return the URL of the documentation of an action."""
    path = {"ice": "ICE/2020-11-09", "vod": "vod/2017-03-21"}[product]
    return f"https://api.aliyun.com/document/{path}/{action}"


def require_accepted(response: Response) -> Response:
    """
    Return a successful response.

    :raises NotTestedError: If the request was rejected.
    """
    if not response.ok:
        raise NotTestedError(f"{response.action} failed: {response.error}")
    return response


def require_response(response: Response) -> Response:
    """
    Return a response that is successful or contains an error that depends on the parameters.

    :raises NotTestedError: If the account is not allowed to send the request, or the error is transient.
    """
    if response.is_transient or response.is_denied:
        raise NotTestedError(f"{response.action} failed: {response.error}")
    return response


def field_problems(content: Any, fields: Mapping[str, type | tuple[type, ...]]) -> list[str]:
    """
    Return a description of each field that is missing or has another type.

    :param fields: Path -> type. ``[]`` after a name stands for all items of a list, which must not be empty.
    """
    problems = []
    for path, expected in fields.items():
        values = list(_values(content, path.split(".")))
        if not values or any(value is None for value in values):
            problems.append(f"no {path}")
        problems += [
            f"{path} is {type(value).__name__}"
            for value in values
            if value is not None and (not isinstance(value, expected) or isinstance(value, bool))
        ]
    return list(dict.fromkeys(problems))


def _values(content: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield content
        return
    name, is_list = path[0].removesuffix("[]"), path[0].endswith("[]")
    found = content.get(name) if isinstance(content, dict) else None
    for one in found if is_list and isinstance(found, list) else [found]:
        yield from _values(one, path[1:])


def _error_of(job: Mapping[str, Any]) -> str:
    # The error of a batch is in the field Extend, as JSON.
    extend = json.loads(job.get("Extend") or "{}")
    found = (job.get(name) or extend.get(name) for name in ("ErrorCode", "ErrorMessage", "Code", "Message"))
    return " ".join(str(one) for one in found if one) or "no error is given"
