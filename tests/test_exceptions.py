from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.exceptions import AirflowException

from airflow_provider_ims import exceptions
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsJobError,
    ImsJobFailedError,
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsNotSubscribedError,
    ImsPermissionError,
    ImsRequestError,
    ImsResourceNotFoundError,
    ImsThrottledError,
    ImsUnavailableError,
    error_as_dict,
    error_from_dict,
)

CLASSES = [item for item in vars(exceptions).values() if isinstance(item, type) and issubclass(item, Exception)]
COMMON = {"action": "SubmitTextGenerateJob", "code": "Code", "request_id": "r"}
#: The attributes of each class, without the common attributes.
OWN: dict[type[ImsError], dict[str, Any]] = {
    ImsError: {},
    ImsCredentialsError: {},
    ImsRequestError: {"field": "title"},
    ImsResourceNotFoundError: {"field": None},
    ImsPermissionError: {"ram_action": "ice:SubmitTextGenerateJob"},
    ImsNotSubscribedError: {},
    ImsThrottledError: {"retry_after": 1.5},
    ImsUnavailableError: {"accepted": False},
    ImsJobError: {"job_id": "job"},
    ImsJobFailedError: {"job_id": "job", "error_message": "坏了"},
    ImsJobNotFoundError: {"job_id": "job"},
    ImsJobTimeoutError: {"job_id": "job"},
}


def arguments(kind: type[ImsError]) -> dict[str, Any]:
    """Return all arguments of a class. A class without an entry has the arguments of its base class."""
    return next(OWN[base] for base in kind.__mro__ if base in OWN) | COMMON


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_is_restored_from_an_event(kind: type[ImsError]) -> None:
    error = kind("Wrong: 店", **arguments(kind))
    rebuilt = error_from_dict(json.loads(json.dumps(error_as_dict(error))))
    assert type(rebuilt) is kind
    assert vars(rebuilt) == vars(error)
    assert str(rebuilt) == str(error)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_an_ims_error_and_none_is_an_airflow_exception(kind: type[ImsError]) -> None:
    assert issubclass(kind, ImsError)
    assert not issubclass(kind, AirflowException)


def test_the_message_contains_action_code_and_request_id() -> None:
    assert str(ImsError("Wrong", **COMMON)) == "Wrong (action SubmitTextGenerateJob, code Code, request id r)"
    assert str(ImsError("Wrong", code="Code")) == "Wrong (code Code)"
    assert str(ImsError("Wrong")) == "Wrong"


@pytest.mark.parametrize("record", [False, True])
def test_any_other_error_becomes_an_ims_error_that_contains_its_type_and_text(record: bool) -> None:
    error = ValueError("broken")
    if record:
        error.add_note("noted")
    rebuilt = error_from_dict(error_as_dict(error))
    assert type(rebuilt) is ImsError
    assert str(rebuilt) == "ValueError: broken"


def test_an_error_with_a_note_keeps_its_class() -> None:
    error = ImsThrottledError("Throttled", retry_after=3)
    error.add_note("while polling")
    rebuilt = error_from_dict(json.loads(json.dumps(error_as_dict(error))))
    assert isinstance(rebuilt, ImsThrottledError)
    assert rebuilt.retry_after == 3


def test_the_event_does_not_change_with_the_error() -> None:
    error = ImsError("Wrong", code="Before")
    sent = error_as_dict(error)
    error.code = "After"
    assert sent["details"]["code"] == "Before"


@pytest.mark.parametrize(
    "data",
    [
        {"type": "ImsError", "message": "Wrong", "details": {}},
        {"type": "NoSuchError", "message": "Wrong", "details": {}},
        {"type": "ValueError", "message": "Wrong", "details": {}},
        {"type": "ImsJobFailedError", "message": "Wrong", "details": {}},
        {"type": "ImsThrottledError", "message": "Wrong", "details": {"from": "a later version"}},
        {"type": "ImsThrottledError", "message": "Wrong", "details": None},
        {"type": "ImsThrottledError", "message": "Wrong", "details": [1]},
        {"type": "ImsThrottledError", "message": "Wrong"},
        {"type": ["list"], "message": "Wrong", "details": {}},
        {"type": None, "message": "Wrong", "details": {}},
        {"message": "Wrong"},
    ],
)
def test_data_that_matches_no_class_becomes_an_ims_error(data: dict[str, Any]) -> None:
    rebuilt = error_from_dict(data)
    assert type(rebuilt) is ImsError
    assert str(rebuilt) == "Wrong"


def test_a_job_error_requires_its_job_id() -> None:
    for kind in (ImsJobFailedError, ImsJobNotFoundError, ImsJobTimeoutError):
        with pytest.raises(TypeError):
            kind("Wrong")  # type: ignore[call-arg]
        assert kind("Wrong", job_id="job").job_id == "job"
