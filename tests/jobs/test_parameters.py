from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims._jobs.smart import TEXT_GENERATE
from airflow_provider_ims.exceptions import ImsRequestError

TEXT = Parameter("Title", max_bytes=10)
NEEDED = Parameter("VideoId", required=True)
CHOICE = Parameter("Type", choices=("One", "Two"))
FLAG = Parameter("Overwrite", is_flag=True)
JSON = Parameter(
    "Config",
    is_json=True,
    max_bytes=100,
    schema={
        "type": "object",
        "properties": {
            "whole": {"type": "integer", "minimum": 1, "maximum": 10},
            "real": {"type": "number"},
            "text": {"type": "string", "maxLength": 3},
            "list": {"type": "array", "maxItems": 2, "items": {"type": "integer"}},
            "word": {"enum": ["A", "B"]},
            "inner": {"type": "object", "properties": {"whole": {"type": "integer"}}, "required": ["whole"]},
        },
    },
    check=lambda content: iter([(".whole", "must not be 7")] if content.get("whole") == 7 else []),
)


def rejection(parameter: Parameter, value: Any) -> ImsRequestError:
    with pytest.raises(ImsRequestError) as refused:
        parameter.encode(value)
    assert refused.value.field is not None
    assert str(refused.value).startswith(refused.value.field)
    return refused.value


@pytest.mark.parametrize("nothing", [None, "", " ", "\n\t"])
def test_an_empty_argument_is_omitted_unless_it_is_required(nothing: str | None) -> None:
    for parameter in (TEXT, CHOICE, FLAG, JSON):
        assert parameter.encode(nothing) is None
    assert str(rejection(NEEDED, nothing)) == "video_id is required"


@pytest.mark.parametrize("text", ["0123456789", "新店开", "é" * 5, " a "])
def test_a_text_is_sent_unchanged(text: str) -> None:
    assert TEXT.encode(text) == text


@pytest.mark.parametrize(("text", "size"), [("0123456789a", 11), ("新店开业", 12), ("🎂🎂🎂", 12)])
def test_a_limit_is_in_bytes_of_utf_8(text: str, size: int) -> None:
    assert str(rejection(TEXT, text)) == f"title: {size} bytes in UTF-8; the limit is 10"


@pytest.mark.parametrize(
    ("value", "sent"),
    [(7, "7"), (1.5, "1.5"), (1.0, "1.0"), (2**33, "8589934592"), (20260101, "20260101"), (-1, "-1")],
)
def test_a_number_is_sent_as_text(value: float, sent: str) -> None:
    assert TEXT.encode(value) == sent


@pytest.mark.parametrize("value", [True, float("nan"), 10**400, b"bytes", {"a": 1}, ["a"], object()])
def test_a_text_must_be_a_string_or_a_number(value: Any) -> None:
    assert "must be a string, not " in str(rejection(TEXT, value))


@pytest.mark.parametrize("value", ["one", "Three", "One "])
def test_a_choice_must_be_a_documented_value(value: str) -> None:
    assert CHOICE.encode("Two") == "Two"
    assert str(rejection(CHOICE, value)) == f"type: {value!r} is not one of One, Two"


@pytest.mark.parametrize(
    ("value", "sent"),
    [(True, "true"), (False, "false"), ("True", "true"), ("false", "false"), (" TRUE ", "true")],
)
def test_a_flag_is_sent_as_true_or_false(value: Any, sent: str) -> None:
    assert FLAG.encode(value) == sent


@pytest.mark.parametrize("value", [0, 1, "yes", [], {}])
def test_a_flag_must_be_true_or_false(value: Any) -> None:
    assert "is neither true nor false" in str(rejection(FLAG, value))


@pytest.mark.parametrize(
    "written",
    ['{"text":"新店"}', '{ "text" : "a",\n "more": null }', '{"whole": 5, "whole": 6}', '{"text": "\\ud800"}'],
)
def test_a_json_string_is_sent_unchanged(written: str) -> None:
    assert JSON.encode(written) == written


def test_a_dict_is_encoded_as_compact_json_without_escapes() -> None:
    assert JSON.encode({"text": "新店", "list": [1, 2], "more": None}) == '{"text":"新店","list":[1,2],"more":null}'


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"whole": "5"}, {"whole": 5}),
        ({"whole": " 5 "}, {"whole": 5}),
        ({"real": "2.5"}, {"real": 2.5}),
        ({"list": ["1", 2]}, {"list": [1, 2]}),
        ({"inner": {"whole": "5"}}, {"inner": {"whole": 5}}),
        ({"text": 5}, {"text": "5"}),
        # A value is converted only if the schema requires another type.
        ({"text": "5", "more": "5"}, {"text": "5", "more": "5"}),
    ],
)
def test_numbers_and_strings_are_converted_to_the_type_in_the_schema(
    given: dict[str, Any], sent: dict[str, Any], as_text: bool
) -> None:
    assert json.loads(JSON.encode(json.dumps(given) if as_text else given) or "") == sent


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"whole": 0}, "config.whole: 0 is below 1"),
        ({"whole": 11}, "config.whole: 11 is above 10"),
        ({"whole": "11"}, "config.whole: 11 is above 10"),
        ({"whole": 1.5}, "config.whole: must be of JSON type integer, not float"),
        ({"whole": True}, "config.whole: must be of JSON type integer, not bool"),
        ({"whole": "many"}, "config.whole: must be of JSON type integer, not str"),
        ({"whole": None}, "config.whole: must be of JSON type integer, not NoneType"),
        ({"whole": 7}, "config.whole: must not be 7"),
        ({"whole": "7"}, "config.whole: must not be 7"),
        ({"text": "abcd"}, "config.text: 4 characters; the limit is 3"),
        ({"text": True}, "config.text: must be of JSON type string, not bool"),
        ({"list": [1, 2, 3]}, "config.list: 3 entries; the limit is 2"),
        ({"list": [1, "x"]}, "config.list[1]: must be of JSON type integer, not str"),
        ({"word": "C"}, "config.word: 'C' is not one of A, B"),
        ({"inner": {}}, "config.inner: requires whole"),
        ([], "config: must be of JSON type object, not list"),
        ({"more": "x" * 100}, "config: 111 bytes in UTF-8; the limit is 100"),
    ],
)
def test_the_error_for_a_violation_contains_its_path_and_limit(given: Any, expected: str, as_text: bool) -> None:
    if as_text and "more" in given:
        given = json.dumps(given, separators=(",", ":"))
    assert str(rejection(JSON, json.dumps(given) if as_text and not isinstance(given, str) else given)) == expected


@pytest.mark.parametrize(
    "written", ["{", "text", "{'a': 1}", '{"a": NaN}', '{"a": -Infinity}', '{"a": 1,}', "\ufeff{}"]
)
def test_a_string_that_is_not_json_is_rejected(written: str) -> None:
    assert str(rejection(JSON, written)).startswith("config: is not valid JSON: ")


@pytest.mark.parametrize("value", [7, 1.5, True, b"{}", (1, 2), {1, 2}, object()])
def test_a_json_parameter_is_a_dict_a_list_or_a_string(value: Any) -> None:
    assert "must be a dict, a list or a JSON string, not " in str(rejection(JSON, value))


@pytest.mark.parametrize("inner", [b"bytes", {1, 2}, object(), float("nan"), float("inf"), 1j])
def test_a_value_that_json_cannot_represent_is_rejected(inner: Any) -> None:
    for given in ({"more": inner}, {"real": inner}, {"whole": inner}, {"more": [{"a": inner}]}):
        rejection(JSON, given)
    rejection(JSON, {(1, 2): "a"})


@pytest.mark.parametrize("name", ["whole", "real", "more", "text", "word"])
def test_a_number_with_too_many_digits_is_rejected(name: str) -> None:
    rejection(JSON, {name: 10**5000})
    rejection(JSON, f'{{"{name}": 1{"0" * 5000}}}')


def test_names_that_are_not_strings_are_encoded_as_strings() -> None:
    assert JSON.encode({1: "a", None: "b", 2.5: "c"}) == '{"1":"a","null":"b","2.5":"c"}'


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (TEXT, "\ud800"),
        (CHOICE, "\udfff"),
        (JSON, {"text": "\ud800"}),
        (JSON, {"\ud800": 1}),
        (JSON, '{"text":"\ud800"}'),
    ],
)
def test_a_text_that_utf_8_cannot_encode_is_rejected(parameter: Parameter, value: Any) -> None:
    assert "cannot be encoded as UTF-8" in str(rejection(parameter, value))


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_too_deep_nesting_is_rejected(depth: int) -> None:
    nested: Any = []
    for _ in range(depth):
        nested = [nested]
    unlimited = Parameter("Config", is_json=True, schema={"type": "object"})
    assert "nested too deeply" in str(rejection(unlimited, {"a": nested}))
    assert "nested too deeply" in str(rejection(unlimited, '{"a":' + "[" * depth + "]" * depth + "}"))


def test_a_circular_reference_is_rejected() -> None:
    endless: dict[str, Any] = {}
    endless["more"] = endless
    rejection(JSON, endless)


def test_the_argument_is_not_modified() -> None:
    given = {"whole": "5", "list": ["1"]}
    JSON.encode(given)
    assert given == {"whole": "5", "list": ["1"]}


def kind_with(*parameters: Parameter) -> JobKind:
    return replace(TEXT_GENERATE, parameters=parameters)


def test_all_parameters_of_an_action_are_encoded() -> None:
    arguments = {"title": "t", "type": None, "overwrite": False, "config": {"whole": 1}, "stranger": 1}
    assert kind_with(TEXT, CHOICE, FLAG, JSON).encode(arguments) == {
        "Title": "t",
        "Overwrite": "false",
        "Config": '{"whole":1}',
    }
    with pytest.raises(ImsRequestError, match="video_id is required"):
        kind_with(TEXT, NEEDED).encode({"title": "t"})


def test_parameters_without_limits_are_declared_by_name() -> None:
    assert declare("Name", "DBId*", "Input*:json", "Overwrite:flag", "Level:number", TEXT) == (
        Parameter("Name"),
        Parameter("DBId", required=True),
        Parameter("Input", required=True, is_json=True),
        Parameter("Overwrite", is_flag=True),
        Parameter("Level", is_number=True),
        TEXT,
    )
    assert [parameter.argument for parameter in declare("DBId*", "Input:json")] == ["db_id", "input"]


@pytest.mark.parametrize(("given", "sent"), [(7, "7"), ("7", "7"), (" 7 ", "7"), (0, "0"), (-1, "-1")])
def test_a_number_parameter_accepts_integers_and_their_texts(given: Any, sent: str) -> None:
    assert Parameter("Level", is_number=True).encode(given) == sent


@pytest.mark.parametrize("given", ["many", 1.5, "1.5", True, float("nan"), [1]])
def test_a_value_that_is_not_an_integer_is_rejected(given: Any) -> None:
    with pytest.raises(ImsRequestError, match=r"level: .* is not an integer"):
        Parameter("Level", is_number=True).encode(given)
