from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ims._jobs.kind import USER_DATA
from airflow_provider_ims._jobs.marker import MAX_USER_DATA, SubmissionKey, add_marker, key_in
from airflow_provider_ims.exceptions import ImsRequestError

KEY = SubmissionKey("0123456789abcdef0123456789abcdef", 2)
TEXT = "0123456789abcdef0123456789abcdef-2"


def test_a_key_is_parsed_from_its_text() -> None:
    assert str(KEY) == TEXT
    assert SubmissionKey.parse(TEXT) == KEY
    assert SubmissionKey.parse("a-b-10") == SubmissionKey("a-b", 10)


@pytest.mark.parametrize("text", ["", "-", "a", "a-", "-1", "a-x", "a-1.5", "a-１", "a- 1", "a-" + "1" * 5000])
def test_any_other_text_is_not_a_key(text: str) -> None:
    assert SubmissionKey.parse(text) is None


@pytest.mark.parametrize(
    ("user_data", "under", "merged"),
    [
        (None, None, {"AirflowKey": TEXT}),
        ('{"NotifyAddress":"https://店"}', None, {"NotifyAddress": "https://店", "AirflowKey": TEXT}),
        ('{"AirflowKey":"mine"}', None, {"AirflowKey": TEXT}),
        # The marker was copied with the data of another job.
        ('{"AirflowKey":"other-1","a":1}', "Extend", {"a": 1, "Extend": {"AirflowKey": TEXT}}),
        ('{"Extend":{"AirflowKey":"other-1"}}', None, {"Extend": {}, "AirflowKey": TEXT}),
        (None, "Extend", {"Extend": {"AirflowKey": TEXT}}),
        ('{"Extend":{"a":1}}', "Extend", {"Extend": {"a": 1, "AirflowKey": TEXT}}),
        ('{"MessageCallback":{}}', "Extend", {"MessageCallback": {}, "Extend": {"AirflowKey": TEXT}}),
        # An object inside a string stays inside a string.
        ('{"Extend":"{\\"a\\":1}"}', "Extend", {"Extend": f'{{"a":1,"AirflowKey":"{TEXT}"}}'}),
        ('{"Extend":"{\\"AirflowKey\\":\\"other-1\\"}"}', "Extend", {"Extend": f'{{"AirflowKey":"{TEXT}"}}'}),
        ('{"Extend":"{\\"AirflowKey\\":\\"other-1\\"}"}', None, {"Extend": "{}", "AirflowKey": TEXT}),
        ('{"Extend":"text"}', None, {"Extend": "text", "AirflowKey": TEXT}),
        ('{"Extend":null}', "Extend", {"Extend": {"AirflowKey": TEXT}}),
        # There is no object to which the marker can be added.
        ('{"Extend":"[]"}', "Extend", None),
        ('{"Extend":7}', "Extend", None),
        ('{"Extend":"text"}', "Extend", None),
        ("[]", None, None),
        ("[]", "Extend", None),
        # Values that JSON cannot represent.
        ('{"a":1e999}', None, None),
        ('{"a":"\\ud800"}', None, None),
    ],
)
def test_the_marker_is_added_to_the_users_own_data(
    user_data: str | None, under: str | None, merged: dict[str, Any] | None
) -> None:
    text = add_marker(user_data, KEY, under=under)
    assert (None if text is None else json.loads(text)) == merged
    if text:
        assert key_in(text) == key_in(json.loads(text)) == KEY


def test_no_marker_is_added_to_data_that_would_be_too_long() -> None:
    room = MAX_USER_DATA - len(add_marker('{"a":""}', KEY, under=None) or "")
    fits = json.dumps({"a": "x" * room})
    assert len((add_marker(fits, KEY, under=None) or "").encode()) == MAX_USER_DATA
    assert add_marker(json.dumps({"a": "x" * (room + 1)}), KEY, under=None) is None


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
def test_data_without_a_marker_has_no_key(user_data: Any) -> None:
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
def test_a_valid_marker_or_no_marker_is_added_to_any_user_data(user_data: Any, under: str | None) -> None:
    key_in(user_data)
    try:
        taken = USER_DATA.encode(user_data)
    except ImsRequestError:
        return
    merged = add_marker(taken, KEY, under=under)
    if merged is not None:
        assert USER_DATA.encode(merged) == merged
        assert key_in(merged) == KEY
