"""The length of the first DAG and the links in the README; tests/docs/test_examples.py runs its code blocks."""

from __future__ import annotations

import re

from support.pages import ROOT, blocks_of

README = ROOT / "README.md"


def test_the_first_dag_has_at_most_26_lines() -> None:
    dag = next(block.text for block in blocks_of(README) if block.language == "python")
    assert len(dag.splitlines()) <= 26


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (ROOT / target).exists(), target
