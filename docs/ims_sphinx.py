"""The Sphinx extension of the site: the tables of :mod:`ims_tables`, and the arguments that classes inherit."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar

import ims_tables
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

#: ``:param kwargs: Arguments of :class:`~the.other.Class`: ...`` refers to the class that describes these arguments.
_INHERITED = re.compile(r":param \w+: Arguments of :class:`~?([\w.]+)`")


class Generated(SphinxDirective):
    """A directive whose content is generated from the code."""

    optional_arguments = 1
    final_argument_whitespace = True
    make: ClassVar[Any]

    def run(self) -> list[nodes.Node]:
        """Parse the generated Markdown as part of the page."""
        words = self.arguments[0].split() if self.arguments else []
        return self.parse_text_to_nodes(type(self).make(*words))


def fields_of(lines: list[str]) -> list[list[str]]:
    """Return the ``:param:`` fields of a docstring, each with its lines."""
    fields: list[list[str]] = []
    for line in lines:
        if line.startswith(":"):
            fields.append([line])
        elif fields and line.startswith(" "):
            fields[-1].append(line)
    return [field for field in fields if field[0].startswith(":param ")]


def show_inherited_arguments(
    app: Sphinx, what: str, name: str, documented: Any, options: Any, lines: list[str]
) -> None:
    """Replace a reference to a base class with the descriptions of its arguments."""
    if what != "class":
        return
    for field in fields_of(lines):
        if reference := _INHERITED.match(field[0]):
            named = reference[1].rpartition(".")[2]
            (base,) = [parent for parent in inspect.getmro(documented) if parent.__name__ == named]
            start = lines.index(field[0])
            known = {argument(one) for one in fields_of(lines)} - {argument(field)}
            inherited: list[str] = []
            base_lines = (inspect.getdoc(base) or "").splitlines()
            # The base class may refer to its own base class.
            show_inherited_arguments(app, "class", "", base, options, base_lines)
            for one in fields_of(base_lines):
                if argument(one) not in known:
                    inherited += one
            lines[start : start + len(field)] = inherited


def argument(field: list[str]) -> str:
    """Return the name of the argument that a field describes."""
    return field[0].split(":")[1].removeprefix("param ").strip()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    for name, make in ims_tables.DIRECTIVES.items():
        # A static method, because the function takes the words of the directive and no self.
        app.add_directive(name, type(name, (Generated,), {"make": staticmethod(make)}))
    app.connect("autodoc-process-docstring", show_inherited_arguments)
    # Rebuild all pages, because Sphinx does not detect changes of the code.
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: sorted(env.found_docs))
    return {"parallel_read_safe": True}
