"""The actions of the services. The emulator implements some of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

#: The actions of the SDK. tests/emulator/test_known_actions.py writes the file.
KNOWN_ACTIONS_FILE = Path(__file__).with_name("known_actions.json")

#: Version of the API -> its actions.
KNOWN_ACTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {version: frozenset(actions) for version, actions in json.loads(KNOWN_ACTIONS_FILE.read_bytes()).items()}
)
