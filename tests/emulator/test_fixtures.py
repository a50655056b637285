"""The generator of the fixtures reads the examples of a Go SDK."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_ims.emulator.api.operations import ACTIONS

FIXTURES = Path(__file__).parent / "fixtures"
SOURCE = r"""
type GetCakeRequest struct {
	// The cake ID.
	//
	// example:
	//
	// c1
	CakeId *string `json:"CakeId,omitempty" xml:"CakeId,omitempty"`
	Size   *int32  `json:"Size,omitempty" xml:"Size,omitempty"`
}

func (s GetCakeRequest) String() string {
	return dara.Prettify(s)
}

type GetCakeResponseBody struct {
	Cakes []*GetCakeResponseBodyCakes `json:"Cakes,omitempty" xml:"Cakes,omitempty" type:"Repeated"`
	// example:
	//
	// {
	//
	//   "a": 1
	//
	// }
	Extend *string `json:"Extend,omitempty" xml:"Extend,omitempty"`
	// example:
	//
	// {\\"b\\":2}
	Escaped *string                `json:"Escaped,omitempty" xml:"Escaped,omitempty"`
	Free    map[string]interface{} `json:"Free,omitempty" xml:"Free,omitempty"`
}

type GetCakeResponseBodyCakes struct {
	// example:
	//
	// 2
	Weight *float64 `json:"Weight,omitempty" xml:"Weight,omitempty"`
	// example:
	//
	// not a number
	Slices *int64    `json:"Slices,omitempty" xml:"Slices,omitempty"`
	Fresh  *bool     `json:"Fresh,omitempty" xml:"Fresh,omitempty"`
	Names  []*string `json:"Names,omitempty" xml:"Names,omitempty" type:"Repeated"`
}
"""


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", FIXTURES / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The decorator of dataclasses looks up the module.
    monkeypatch.setitem(sys.modules, "generate", module)
    spec.loader.exec_module(module)
    return module


def test_examples_have_the_types_of_their_fields(generate: Any) -> None:
    assert generate.fixture_of(generate.parse_structs(SOURCE), "GetCake") == {
        "request": {"CakeId": "c1"},
        "response": {
            "Cakes": [{"Weight": 2.0, "Slices": 0, "Fresh": False, "Names": [""]}],
            "Extend": '{\n"a": 1\n}',
            "Escaped": '{"b":2}',
            "Free": {},
        },
    }


def test_every_action_has_a_fixture_and_every_fixture_an_action() -> None:
    expected = {f"{action.product.ram_code}/{key.rpartition(':')[2]}.json" for key, action in ACTIONS.items()}
    found = {path.relative_to(FIXTURES).as_posix() for path in FIXTURES.glob("*/*.json")}
    assert found == expected
    for path in sorted(FIXTURES.glob("*/*.json")):
        assert set(json.loads(path.read_text())) == {"request", "response"}
