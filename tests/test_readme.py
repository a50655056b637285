"""The README. Its code blocks run in tests/docs/test_examples.py."""

from __future__ import annotations

import re

from support.pages import ROOT, blocks_of

README = ROOT / "README.md"


def test_the_first_dag_is_short() -> None:
    dag = next(block.text for block in blocks_of(README) if block.language == "python")
    assert len(dag.splitlines()) <= 26


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (ROOT / target).exists(), target
