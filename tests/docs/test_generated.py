"""The generated parts of the pages are current, and readable without Sphinx."""

from __future__ import annotations

import os
import re
from pathlib import Path

import ims_pages
import ims_reference
import pytest
from support.pages import PAGES, ROOT

UPDATE = "make generated"
GENERATED = [page for page in (ROOT / "docs").rglob("*.md") if "\n<!-- generated: " in page.read_text(encoding="utf-8")]
every_page = pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.relative_to(ROOT).as_posix())


@every_page
def test_the_generated_parts_of_a_page_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    expected = ims_pages.current(page, text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(expected, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == expected, f"update the page with: {UPDATE}"


@every_page
def test_every_part_has_an_end(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    begins, ends = text.count("<!-- generated: "), text.count("<!-- end of generated part -->")
    assert len(ims_pages.parts_of(text)) == begins == ends


def test_every_generator_is_used() -> None:
    used = {name.split()[0] for page in GENERATED for name, _ in ims_pages.parts_of(page.read_text())}
    assert used == set(ims_pages.GENERATORS)


def test_an_outdated_part_is_detected_and_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    outdated = "# Page\n\n<!-- generated: credential-types -->\n\nold\n\n<!-- end of generated part -->\n\nText.\n"
    text = ims_pages.current(page, outdated)
    assert text.startswith("# Page\n\n<!-- generated: credential-types -->\n\n| `credential_type` |")
    assert text.endswith("|\n\n<!-- end of generated part -->\n\nText.\n")
    assert ims_pages.current(page, text) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_is_readable_as_markdown(page: Path) -> None:
    """Git hosts display the directives and roles of Sphinx as plain text."""
    text = page.read_text(encoding="utf-8")
    directives = set(re.findall(r"^```\{(\w+)", text, re.MULTILINE))
    assert directives <= {"toctree", "include"}
    assert re.findall(r"(?:^|[\s(])\{[\w:]+\}`", text) == []
    assert "](docs:" not in text


def test_the_list_of_all_pages_contains_every_page() -> None:
    listed = re.findall(r"\]\(docs:([\w/-]+\.md)\)", ims_pages.contents())
    docs = ROOT / "docs"
    assert sorted(listed) == sorted({page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} - {"index.md"})


DOCSTRINGS = {
    "Calls ``it``, see :class:`~airflow_provider_ims.exceptions.ImsError` and :meth:`call`.": (
        "Calls `it`, see [`ImsError`](docs:reference/exceptions.md#imserror) and `call`."
    ),
    "See `the page <https://example.com/>`_.": "See [the page](https://example.com/).",
    ".. seealso:: https://example.com/": "API documentation: <https://example.com/>",
    "- one\n  line\n- ``two``": "- one\n  line\n- `two`",
}


@pytest.mark.parametrize(("text", "expected"), DOCSTRINGS.items())
def test_a_docstring_is_converted_to_markdown(text: str, expected: str) -> None:
    assert ims_reference.markdown(text) == expected


@pytest.mark.parametrize("text", [".. note:: this", "An example::", "Text\n\n.. code-block:: python"])
def test_unsupported_reST_is_an_error(text: str) -> None:  # noqa: N802
    with pytest.raises(ValueError, match="does not support"):
        ims_reference.markdown(text)


def test_a_class_lists_the_arguments_of_its_private_bases_as_its_own() -> None:
    section = ims_reference.class_section("airflow_provider_ims.operators.vod.VodSubmitJobsOperator")
    own, _, common = section.partition("\n\nCommon arguments: ")
    assert re.findall(r"^- \*\*(\w+)\*\* \(`[^`]+`", own, re.MULTILINE)[:2] == ["job", "requests"]
    assert common.endswith("([`SubmitOperator`](docs:reference/operators.md#submitoperator)).")
