"""The names of all actions of the services, including those that the emulator does not implement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

#: The file with the actions in the SDK of each service. To generate it, run tests/emulator/test_known_actions.py with
#: the environment variable UPDATE_DOCS=1.
KNOWN_ACTIONS_FILE = Path(__file__).with_name("known_actions.json")

#: API version of a service -> the actions of the service.
KNOWN_ACTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {version: frozenset(actions) for version, actions in json.loads(KNOWN_ACTIONS_FILE.read_bytes()).items()}
)
