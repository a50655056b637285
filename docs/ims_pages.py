"""
The generated parts of the pages.

A generated part lies between two comments. The first comment names a function of :data:`GENERATORS` and its arguments::

    <!-- generated: job-parameters text -->
    ...
    <!-- end of generated part -->

``make generated`` updates all parts. ``tests/docs/test_generated.py`` fails if a part is not current.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import ims_reference
import ims_tables

DOCS = Path(__file__).parent

_PART = re.compile(r"^<!-- generated: ([^\n]+) -->\n(.*?)^<!-- end of generated part -->$", re.DOTALL | re.MULTILINE)

_TOCTREE = re.compile(r"^```\{toctree\}\n:caption: ([^\n]+)\n:hidden:\n\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def contents() -> str:
    """Return links to all pages, because a Git host does not show the tables of contents of Sphinx."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    lists = [
        f"**{caption}**: " + ", ".join(f"[{title_of(name)}](docs:{name}.md)" for name in names.split())
        for caption, names in _TOCTREE.findall(index)
    ]
    return "\n\n".join(lists)


def title_of(name: str) -> str:
    """Return the title of a page, or of the file that it includes."""
    page = DOCS / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    if included := re.search(r"^```\{include\} (\S+)$", text, re.MULTILINE):
        text = (page.parent / included[1]).read_text(encoding="utf-8")
    return text.partition("\n")[0].removeprefix("# ")


#: The name of a generated part -> the function that returns its Markdown. The following words are its arguments.
GENERATORS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "contents": contents,
        "connection-fields": ims_tables.connection_fields,
        "credential-types": ims_tables.credential_types,
        "ram-policy": ims_tables.ram_policy,
        "ram-actions": ims_tables.ram_actions,
        "job-parameters": ims_tables.job_parameters,
        "job-kinds": ims_tables.job_kinds,
        "recovery-policies": ims_tables.recovery_policies,
        "recovery-searches": ims_tables.recovery_searches,
        "error-class": ims_tables.error_class,
        "error-codes": ims_tables.error_codes,
        "permanent-job-codes": ims_tables.permanent_job_codes,
        "configuration": ims_tables.configuration_options,
        "emulator-options": ims_tables.emulator_options,
        "class": ims_reference.class_section,
        "function": ims_reference.function_section,
        "errors": ims_reference.errors,
    }
)


def parts_of(text: str) -> list[tuple[str, str]]:
    """Return the name with the arguments, and the content, of each generated part of a page."""
    return [(match[1], match[2]) for match in _PART.finditer(text)]


def current(page: Path, text: str) -> str:
    """
    Return the text of a page with current generated parts.

    :param page: The path of the page, to which links are relative.
    :param text: The text with parts that may be outdated.
    """

    def part(match: re.Match[str]) -> str:
        name, *arguments = match[1].split()
        content = _with_relative_links(page, GENERATORS[name](*arguments))
        return f"<!-- generated: {match[1]} -->\n\n{content}\n\n<!-- end of generated part -->"

    return _PART.sub(part, text)


def _with_relative_links(page: Path, content: str) -> str:
    """Replace links that begin with ``docs:``, which are relative to ``docs/``, with links relative to the page."""

    def relative(match: re.Match[str]) -> str:
        path, mark, anchor = match[1].partition("#")
        file = "" if DOCS / path == page else Path(os.path.relpath(DOCS / path, page.parent)).as_posix()
        return f"]({file}{mark}{anchor})"

    return re.sub(r"\]\(docs:([^)]+)\)", relative, content)
