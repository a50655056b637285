from __future__ import annotations

import json

import pytest

from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.notify_address import add_notify_address
from airflow_provider_ims.hooks._actions import VOD

QUEUE = "ice-callback-airflow"
TEXT = kind_of("SubmitTextGenerateJob")


@pytest.mark.parametrize("user_data", [None, "", "{}", '{"a": 1}', '{"Extend": {"NotifyAddress": "x"}}'])
def test_the_queue_is_added_to_an_object(user_data: str | None) -> None:
    merged = add_notify_address(user_data, QUEUE, max_bytes=512)
    assert merged is not None
    assert json.loads(merged) == {**json.loads(user_data or "{}"), "NotifyAddress": QUEUE}


@pytest.mark.parametrize(
    "user_data",
    [
        "text",
        "[]",
        "1",
        "null",
        '{"a": 1e999}',
        "[" * 100_000,
        '{"NotifyAddress": "https://example.com"}',
        '{"NotifyAddress": ""}',
        json.dumps({"a": "x" * 480}),
    ],
)
def test_the_queue_is_not_added_to_other_content(user_data: str) -> None:
    assert add_notify_address(user_data, QUEUE, max_bytes=512) is None
    request = {"UserData": user_data}
    assert TEXT.add_notify_address(request, QUEUE) is request
    assert not TEXT.notifies(request, QUEUE)


def test_a_request_with_the_queue_in_its_user_data_is_unchanged_and_notifies_the_queue() -> None:
    request = {"UserData": json.dumps({"NotifyAddress": QUEUE})}
    assert TEXT.add_notify_address(request, QUEUE) is request
    assert TEXT.notifies(request, QUEUE)
    assert not TEXT.notifies(request, "ice-callback-other")
    assert not TEXT.notifies(request, None)


@pytest.mark.parametrize(
    ("action", "accepts"),
    [
        ("SubmitASRJob", True),
        ("SubmitMediaProducingJob", True),
        ("SubmitSnapshotJob", True),
        # The UserData of uploads has the field MessageCallback instead, and the callback settings of VOD contain its
        # queue.
        ("UploadMediaByURL", False),
        # This job kind has no UserData.
        ("SubmitAvatarTrainingJob", False),
    ],
)
def test_the_queue_is_added_to_jobs_whose_user_data_has_the_field(action: str, accepts: bool) -> None:
    kind = kind_of(action)
    assert kind.notifies(kind.add_notify_address({}, QUEUE), QUEUE) is accepts


def test_no_queue_is_added_if_the_connection_has_none() -> None:
    assert TEXT.add_notify_address({}, None) == {}


def test_the_queue_is_not_added_to_jobs_of_vod() -> None:
    assert kind_of("SubmitAIImageJob", VOD).add_notify_address({}, QUEUE) == {}
