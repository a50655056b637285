"""The data about all actions of both products equals that of the product SDKs, and is read only when it is needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from support.product_sdk import actions_of, as_json
from support.waiting import CEILING

from airflow_provider_ims.hooks._actions import ICE, VOD, Product, unknown_action

UPDATE = "the data differs from the installed product SDKs; run: UPDATE_API=1 pytest tests/hooks/test_api_data.py"
every_product = pytest.mark.parametrize("product", [ICE, VOD], ids=lambda product: product.code)


@pytest.mark.newest_sdk
@every_product
def test_the_data_equals_that_of_the_product_sdk(product: Product) -> None:
    expected = as_json(actions_of(product.code))
    if os.environ.get("UPDATE_API"):
        product.data_file.write_text(expected, encoding="utf-8")
    assert product.data_file.read_text(encoding="utf-8") == expected, UPDATE


def test_the_data_contains_all_actions() -> None:
    assert (len(ICE.actions), len(VOD.actions)) == (400, 188)


@every_product
def test_only_query_parameters_are_repeated(product: Product) -> None:
    for action in product.actions.values():
        repeated = {name for name, type_name in action.parameters.items() if type_name == "repeated"}
        assert not repeated & action.body


@every_product
def test_required_and_body_parameters_are_parameters(product: Product) -> None:
    for action in product.actions.values():
        assert action.required | action.body <= set(action.parameters)
        assert set(action.parameters.values()) <= {"string", "integer", "boolean", "object", "array", "repeated"}


#: The first words of the names of actions that only read. An action with a new first word fails the test, so that a
#: developer decides whether it only reads.
READS = {"BatchGet", "Describe", "Get", "List", "Query", "Search"}
WRITES = {
    *("Active", "Add", "Alter", "Attach", "BatchCreate", "BatchSet", "BatchStart", "BatchStop", "Cancel", "Change"),
    *("Clear", "Close", "Create", "Delete", "Detach", "Detect", "Drop", "Forbid", "Forward", "Generate", "Insert"),
    *("Move", "Open", "Preload", "Produce", "Refresh", "Register", "Restore", "Resume", "Send", "Set", "Start", "Stop"),
    *("Sub", "Submit", "Takeover", "Update", "Upload", "Verify"),
}
#: Actions whose first word does not show whether they only read -> whether they do.
EXCEPTIONS = {"DecryptKMSDataKey": True, "PrecheckYikeAIAppJob": True, "SearchIndexJobRerun": False}


@every_product
def test_exactly_the_actions_that_only_read_are_safe_to_repeat(product: Product) -> None:
    for name, action in product.actions.items():
        (word,) = re.findall(r"^(?:Batch)?[A-Z][a-z]+", name)
        assert name in EXCEPTIONS or word in READS | WRITES
        assert action.reads is EXCEPTIONS.get(name, word in READS), name


def test_an_unknown_action_is_sent_like_most_actions() -> None:
    action = ICE.action("CreateSomethingNew")
    assert (action.method, action.parameters, action.body) == ("POST", {}, frozenset())
    assert not action.reads
    assert ICE.action("ListSomethingNew").reads


@pytest.mark.parametrize(
    ("product", "name", "problem"),
    [
        (ICE, "RegisterMediaInf", "unknown action 'RegisterMediaInf' of ice. Did you mean RegisterMediaInfo"),
        (ICE, "registermediainfo", "unknown action 'registermediainfo' of ice. Did you mean RegisterMediaInfo"),
        (ICE, "RegisterMedia", "RegisterMedia is an action of vod, not of ice"),
        (VOD, "RegisterMediaInfo", "RegisterMediaInfo is an action of ice, not of vod"),
        (VOD, "x", "unknown action 'x' of vod. See the API reference: https://api.aliyun.com/document/vod/2017"),
    ],
)
def test_the_error_for_an_unknown_action_suggests_similar_names(product: Product, name: str, problem: str) -> None:
    assert problem in unknown_action(product, name)


def test_no_data_is_read_before_it_is_needed() -> None:
    code = "from airflow_provider_ims.hooks import _actions as a; print(a._read.cache_info().misses)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=CEILING)
    assert run.stdout == "0\n"
