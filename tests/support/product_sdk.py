"""Reads the actions of both APIs from the source code of the product SDKs, because importing these takes seconds."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Product code -> the package of its client.
PACKAGES = {"ice": "alibabacloud_ice20201109", "vod": "alibabacloud_vod20170321"}
#: The type of an attribute in a request model -> the type in the data.
TYPES = {"str": "string", "int": "integer", "bool": "boolean"}
#: A parameter that is sent as JSON: the attribute of the model, and its name.
AS_JSON = re.compile(r"array_to_string_with_specified_style\(tmp_req\.(\w+), '(\w+)', 'json'\)")
#: The comment line that marks a required parameter. Other comments with this word apply only to certain values.
REQUIRED = re.compile(r"^ +# This parameter is required\.$", re.MULTILINE)
#: An assignment of a model's attribute to the query or the body of the request.
SENT = re.compile(r"^ +(query|body)\['(\w+)'\] = request\.(\w+)$", re.MULTILINE)
#: An assignment of an attribute in the request model, from which all parameters of a ``GET`` request are taken.
IN_MODEL = re.compile(r"result\['(\w+)'\] = (?:self\.(\w+)|\[\]\s+if self\.(\w+) is not None)")


@cache
def actions_of(product: str) -> dict[str, dict[str, Any]]:
    """Return, for each action, how it is sent and its parameters, in the format of ``hooks/api/*.json``."""
    spec = find_spec(PACKAGES[product])
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    (client,) = [one for one in _parsed(folder / "client.py").body if isinstance(one, ast.ClassDef)]
    models = _models(folder / "models")
    methods = [one for one in client.body if isinstance(one, ast.FunctionDef) and one.name.endswith("with_options")]
    found = dict(_action(method, models) for method in methods)
    return dict(sorted(found.items()))


def as_json(actions: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the actions as JSON with one action on each line, so that a change of an action is a change of a line."""
    lines = (f"{json.dumps(name)}:{json.dumps(action, separators=(',', ':'))}" for name, action in actions.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _models(folder: Path) -> dict[str, str]:
    """Return {class: source code} of all request models."""
    found = {}
    for path in folder.glob("_*request.py"):
        for part in re.split(r"^(?=class )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            found[part.removeprefix("class ").partition("(")[0]] = part
    return found


def _action(method: ast.FunctionDef, models: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    source = ast.unparse(method)
    options = dict(re.findall(r"(\w+)='([^']*)'", source.partition("Params(")[2]))
    action: dict[str, Any] = {}
    if options["method"] != "POST":
        action["method"] = options["method"]
    if options["auth_type"] == "Anonymous":
        action["anonymous"] = True
    annotation = method.args.args[1].annotation
    # The methods of actions without parameters have no request.
    if isinstance(annotation, ast.Attribute) and method.args.args[1].arg != "runtime":
        action |= _parameters(source, models[annotation.attr])
    return options["action"], action


def _parameters(source: str, model: str) -> dict[str, Any]:
    init = model.partition("def __init__")[2].partition("def ")[0]
    types = dict(re.findall(r"^        (\w+): (.+?) = None,$", init, re.MULTILINE))
    required = {
        attribute
        for comments, attribute in re.findall(r"((?: +#.*\n)*) +self\.(\w+) = ", init)
        if REQUIRED.search(comments)
    }
    as_json = {attribute for attribute, _ in AS_JSON.findall(source)}
    sent = [(name, attribute.removesuffix("_shrink"), place) for place, name, attribute in SENT.findall(source)]
    if "Utils.query(request.to_map())" in source:
        sent = [(name, attribute or items, "query") for name, attribute, items in IN_MODEL.findall(model)]
    # The SDK itself sets the parameters of the signature.
    sent = [one for one in sent if not one[0].startswith("Signature")]
    found = {
        "parameters": {name: _type(types[attribute], attribute in as_json) for name, attribute, _ in sent},
        "required": [name for name, attribute, _ in sent if attribute in required],
        "body": [name for name, _, place in sent if place == "body"],
    }
    return {key: value for key, value in found.items() if value}


def _type(annotation: str, as_json: bool) -> str:
    if annotation in TYPES and not as_json:
        return TYPES[annotation]
    if not as_json:
        assert annotation.startswith("List["), annotation
        return "repeated"
    return "array" if annotation.startswith("List[") else "object"
