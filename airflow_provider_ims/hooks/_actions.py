"""The API actions of both products: how each is sent, which parameters it has, and whether it is read-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: The prefixes of read-only action names.
_READ_PREFIXES = ("BatchGet", "Describe", "Get", "List", "Query", "Search")
#: Read-only actions with other names: the first returns the plaintext of a key, the second validates parameters.
_OTHER_READS = frozenset({"DecryptKMSDataKey", "PrecheckYikeAIAppJob"})
#: Actions that are not read-only although their names have one of the prefixes. SearchIndexJobRerun runs jobs again.
_WRITES = frozenset({"SearchIndexJobRerun"})


@dataclass(frozen=True, slots=True)
class Action:
    """
    How one API action, such as ``GetSmartHandleJob``, is sent.

    :param method: The HTTP method.
    :param anonymous: Whether the product client sends the request without a signature.
    :param parameters: Name of a parameter -> ``string``, ``integer`` or ``boolean``; ``object`` or ``array`` if it is
        sent as JSON; ``repeated`` if the items of a list are sent as ``Name.1``, ``Name.2`` and so on.
    :param required: The parameters that the SDK documents as required.
    :param body: The parameters that are sent in the form body; all others are sent in the query.
    """

    name: str
    version: str
    method: str = "POST"
    anonymous: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    body: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        """Whether the action is read-only and therefore safe to repeat."""
        named = self.name.startswith(_READ_PREFIXES) or self.name in _OTHER_READS
        return named and self.name not in _WRITES


@dataclass(frozen=True, slots=True)
class Product:
    """
    The API of a product.

    :param code: The product code, which is also the prefix of the product's RAM actions and endpoints.
    :param version: The API version.
    :param portal: The product's name in the URL of the API reference.
    """

    code: str
    version: str
    portal: str

    @property
    def reference(self) -> str:
        """The URL of the API reference."""
        return f"https://api.aliyun.com/document/{self.portal}/{self.version}"

    @property
    def data_file(self) -> Path:
        """The file with the actions, generated with ``UPDATE_API=1 pytest tests/hooks/test_api_data.py``."""
        return Path(__file__).parent / "api" / f"{self.code}.json"

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions of the product SDK from which the data file was generated. The service may have newer actions."""
        return _read(self)

    def action(self, name: str) -> Action:
        """Return an action. An unknown action is sent by ``POST``, with all parameters in the query."""
        return self.actions.get(name) or Action(name, self.version)


ICE = Product("ice", "2020-11-09", "ICE")
VOD = Product("vod", "2017-03-21", "vod")


@cache
def _read(product: Product) -> Mapping[str, Action]:
    data: dict[str, dict[str, Any]] = json.loads(product.data_file.read_bytes())
    return MappingProxyType({name: _read_action(name, product.version, found) for name, found in data.items()})


def _read_action(name: str, version: str, found: dict[str, Any]) -> Action:
    required, body = (frozenset(found.pop(key, ())) for key in ("required", "body"))
    return Action(name, version, required=required, body=body, **found)


def unknown_action(product: Product, name: str) -> str:
    """Return the error message for an action that is not in the product's SDK."""
    for other in (ICE, VOD):
        if name in other.actions:
            return f"{name} is an action of {other.code}, not of {product.code}"
    by_lower = {known.lower(): known for known in product.actions}
    near = [by_lower[one] for one in get_close_matches(name.lower(), by_lower, n=3)]
    hint = f"Did you mean {', '.join(near)}?" if near else f"See the API reference: {product.reference}/overview"
    return f"unknown action {name!r} of {product.code}. {hint}"
