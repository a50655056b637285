"""Any value of an argument is encoded as a string that the API accepts, or rejected with the argument's name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims._jobs.ai_image import AI_IMAGE_JOB
from airflow_provider_ims._jobs.batch import BATCH_MEDIA_PRODUCING
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims._jobs.smart import AUDIO_PRODUCE, TEXT_GENERATE
from airflow_provider_ims.exceptions import ImsRequestError

pytestmark = pytest.mark.slow

KINDS = [TEXT_GENERATE, AUDIO_PRODUCE, BATCH_MEDIA_PRODUCING, AI_IMAGE_JOB]
PARAMETERS = [
    pytest.param(parameter, id=f"{kind.submit_action}-{parameter.argument}")
    for kind in KINDS
    for parameter in kind.parameters
]

characters = st.characters() | st.characters(categories=["Cs"])
texts = st.text(characters) | st.sampled_from(["x" * 2000, "店" * 400, "1" * 5000, "1e999", "NaN", "true", "{index}"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary() | st.complex_numbers()
leaves |= st.sampled_from([10**400, object(), frozenset({1}), (1, 2)])
keys = texts | st.none() | st.booleans() | st.integers() | st.floats() | st.tuples(st.integers())
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
)


def written(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)


@st.composite
def matching(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """Build values that match a schema, with arbitrary values in some places."""
    if draw(st.integers(0, 7)) == 7:
        return draw(anything)
    match schema.get("type"):
        case "object":
            named = {name: matching(inner) for name, inner in schema.get("properties", {}).items()}
            required = {name: anything for name in ("MediaSearchInput", "Extend") if draw(st.booleans())}
            return draw(st.fixed_dictionaries(required, optional=named))
        case "array":
            return draw(st.lists(matching(schema.get("items", {})), max_size=4))
        case "integer" | "number":
            return draw(st.integers(-501, 1001).flatmap(lambda number: st.sampled_from([number, str(number)])))
        case "string":
            return draw(texts)
    return draw(st.sampled_from(schema["enum"]) if "enum" in schema else anything)


def any_argument(parameter: Parameter) -> st.SearchStrategy[Any]:
    if not parameter.is_json:
        return anything | st.sampled_from([*parameter.choices, True, "false"])
    fitting = matching(dict(parameter.schema or {}))
    return fitting | fitting.map(written) | anything | anything.map(written)


@pytest.mark.parametrize("parameter", PARAMETERS)
@given(data=st.data())
def test_an_argument_is_encoded_or_rejected_with_its_name(parameter: Parameter, data: st.DataObject) -> None:
    value = data.draw(any_argument(parameter))
    try:
        sent = parameter.encode(value)
    except ImsRequestError as error:
        rejected = error
    else:
        check_sent(parameter, value, sent)
        return
    assert re.split(r"[.\[]", rejected.field or "")[0] == parameter.argument
    assert str(rejected).startswith(rejected.field or "-")
    # The message is written to logs and, by a trigger, to an event.
    assert json.loads(json.dumps(str(rejected))) == str(rejected)


def check_sent(parameter: Parameter, value: Any, sent: str | None) -> None:
    if sent is None:
        assert value is None or not value.strip()
        assert not parameter.required
        return
    assert len(sent.encode()) <= (parameter.max_bytes or float("inf"))
    assert not parameter.choices or sent in parameter.choices
    if parameter.is_json:
        # By default, Python's parser accepts NaN and Infinity.
        json.loads(sent, parse_constant=pytest.fail)
    elif parameter.is_flag:
        assert sent in ("true", "false")
    else:
        assert sent == str(value)
