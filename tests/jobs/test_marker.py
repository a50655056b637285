from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.jobs.kind import USER_DATA
from airflow_provider_ims.jobs.marker import MAX_USER_DATA, SubmissionKey, key_in, marked

KEY = SubmissionKey("0123456789abcdef0123456789abcdef", 2)
TEXT = "0123456789abcdef0123456789abcdef-2"


def test_a_key_is_read_back() -> None:
    assert str(KEY) == TEXT
    assert SubmissionKey.parse(TEXT) == KEY
    assert SubmissionKey.parse("a-b-10") == SubmissionKey("a-b", 10)


@pytest.mark.parametrize("text", ["", "-", "a", "a-", "-1", "a-x", "a-1.5", "a-１", "a- 1", "a-" + "1" * 5000])
def test_other_texts_are_no_key(text: str) -> None:
    assert SubmissionKey.parse(text) is None


@pytest.mark.parametrize(
    ("user_data", "under", "merged"),
    [
        (None, None, {"AirflowKey": TEXT}),
        ('{"NotifyAddress":"https://店"}', None, {"NotifyAddress": "https://店", "AirflowKey": TEXT}),
        ('{"AirflowKey":"mine"}', None, {"AirflowKey": TEXT}),
        # Copied along with the data of another job.
        ('{"AirflowKey":"other-1","a":1}', "Extend", {"a": 1, "Extend": {"AirflowKey": TEXT}}),
        ('{"Extend":{"AirflowKey":"other-1"}}', None, {"Extend": {}, "AirflowKey": TEXT}),
        (None, "Extend", {"Extend": {"AirflowKey": TEXT}}),
        ('{"Extend":{"a":1}}', "Extend", {"Extend": {"a": 1, "AirflowKey": TEXT}}),
        ('{"MessageCallback":{}}', "Extend", {"MessageCallback": {}, "Extend": {"AirflowKey": TEXT}}),
        # No place for it: the user's own goes as it is.
        ('{"Extend":"text"}', "Extend", None),
        ("[]", None, None),
        ("[]", "Extend", None),
        # What cannot be written again without changing it.
        ('{"a":1e999}', None, None),
        ('{"a":"\\ud800"}', None, None),
    ],
)
def test_the_marker_joins_the_users_own_data(
    user_data: str | None, under: str | None, merged: dict[str, Any] | None
) -> None:
    text = marked(user_data, KEY, under=under)
    assert (None if text is None else json.loads(text)) == merged
    if text:
        assert key_in(text) == key_in(json.loads(text)) == KEY


def test_data_that_would_become_too_long_is_not_marked() -> None:
    room = MAX_USER_DATA - len(marked('{"a":""}', KEY, under=None) or "")
    fits = json.dumps({"a": "x" * room})
    assert len((marked(fits, KEY, under=None) or "").encode()) == MAX_USER_DATA
    assert marked(json.dumps({"a": "x" * (room + 1)}), KEY, under=None) is None


@pytest.mark.parametrize(
    "user_data",
    [
        None,
        "",
        "text",
        "[]",
        "7",
        "{}",
        7,
        [],
        ["AirflowKey"],
        '{"AirflowKey":7}',
        '{"AirflowKey":"x"}',
        "[" * 100_000,
        {"Extend": "text"},
        {"Extend": {"AirflowKey": ["a-1"]}},
        '{"Other":{"AirflowKey":"a-1"}}',
    ],
)
def test_data_without_a_marker(user_data: Any) -> None:
    assert key_in(user_data) is None


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters() | st.characters(categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["AirflowKey", "Extend", "a"]), inner),
)


@given(user_data=anything.map(json.dumps) | anything, under=st.sampled_from([None, "Extend"]))
@example(user_data='{"AirflowKey":"a-' + "1" * 5000 + '"}', under=None)
def test_whatever_a_user_may_send_is_marked_or_left(user_data: Any, under: str | None) -> None:
    key_in(user_data)
    try:
        taken = USER_DATA.encode(user_data)
    except ImsRequestError:
        return
    merged = marked(taken, KEY, under=under)
    if merged is not None:
        assert USER_DATA.encode(merged) == merged
        assert key_in(merged) == KEY
