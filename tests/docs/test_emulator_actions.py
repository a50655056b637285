"""The page on the emulated actions is generated from the emulator."""

from __future__ import annotations

import os
from pathlib import Path

from support.api_families import API_FAMILIES, family_of

from airflow_provider_ims.emulator.api.known_actions import KNOWN_ACTIONS
from airflow_provider_ims.emulator.api.model import PRODUCTS
from airflow_provider_ims.emulator.api.operations import ACTIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "emulator-actions.md"
UPDATE = "UPDATE_DOCS=1 pytest tests/docs/test_emulator_actions.py"
NAMES = {"ice": "IMS", "vod": "VOD"}
INTRODUCTION = """# Emulated actions

This page lists the actions of the two products by topic, and shows which of them the emulator implements. For an
action in the column *not emulated*, the emulator returns the error code `EmulatorNotImplemented`.
[Testing](../testing.md#resources) describes how the emulator stores resources such as media assets and templates, and
[which actions of SMQ](../testing.md#queues) it implements.
"""


def page() -> str:
    emulated = {(action.product.version, key.rpartition(":")[2]) for key, action in ACTIONS.items()}
    lines = [INTRODUCTION]
    for version, product in PRODUCTS.items():
        code, known = product.ram_code, sorted(KNOWN_ACTIONS[version])
        number = sum((version, action) in emulated for action in known)
        lines.append(
            f"## {NAMES[code]}\n\n"
            f"The emulator implements {number} of the {len(known)} actions in version {version} of the API.\n"
        )
        lines.append("| topic | emulated | not emulated |\n|---|---|---|")
        for family in sorted(API_FAMILIES[code], key=str.lower):
            actions = [action for action in known if family_of(code, action) == family]
            groups = [
                [action for action in actions if ((version, action) in emulated) is wanted] for wanted in (True, False)
            ]
            cells = (" ".join(f"`{action}`" for action in group) or "-" for group in groups)
            lines.append(f"| {family} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def test_the_page_lists_the_emulated_actions() -> None:
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), UPDATE
