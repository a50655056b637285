"""A result as a tree of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: The maximum number of nodes of a tree.
MAX_NODES = 500
#: The maximum number of characters of a value.
MAX_VALUE = 500


@dataclass(slots=True)
class Node:
    """
    A field of a result, or an item of a list.

    :param name: The name of the field, or the position of the item.
    :param value: Its value as a string; ``None`` if it has fields or items.
    :param children: Its fields or items.
    :param omitted: The number of fields or items that are not shown.
    """

    name: str
    value: str | None = None
    children: list[Node] = field(default_factory=list)
    omitted: int = 0


def tree(value: dict[str, Any], limit: int = MAX_NODES) -> list[Node]:
    """Return the fields of a result that are not null, with at most ``limit`` nodes in total."""
    return _children({name: inner for name, inner in value.items() if inner is not None}, iter(range(limit))).children


def _children(value: Any, budget: Iterator[int], name: str = "") -> Node:
    if isinstance(value, dict):
        pairs = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        return Node(name, _text(value))
    node = Node(name)
    for position, (key, inner) in enumerate(pairs):
        if next(budget, None) is None:
            node.omitted = len(pairs) - position
            break
        node.children.append(_children(inner, budget, key))
    if not pairs:
        node.value = json.dumps(value)
    return node


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}... ({len(text):,} characters)"
