"""The reference of classes, as Markdown that is generated from their docstrings (reST) and signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from airflow_provider_ims import exceptions
from airflow_provider_ims.exceptions import ImsError

DOCS = Path(__file__).parent
#: The page that :func:`errors` generates. It has a section for each error class.
ERRORS_PAGE = "reference/exceptions.md"

#: ``:param kwargs: Arguments of :class:`~the.other.Class`.`` refers to the class that describes these arguments.
_INHERITED = re.compile(r"(?:Arguments of|See) :class:`~?(?:\w+\.)*(\w+)`")
_ROLE = re.compile(r":(\w+):`~?([\w.]+)`")
_LINK = re.compile(r"`([^`<]+) <([^`>]+)>`_+")
_CODE = re.compile(r"``(.+?)``", re.DOTALL)
_SEE_ALSO = re.compile(r"^\.\. seealso:: (\S+)$", re.MULTILINE)


class Field(NamedTuple):
    """
    A field of a docstring, such as ``:param name: The description.``

    :param kind: ``param``, ``return`` or ``raises``.
    :param name: The name of the argument or of the exception; empty for a returned value.
    :param text: The description in one line of reST.
    """

    kind: str
    name: str
    text: str


def load(path: str) -> Any:
    """Return the object with a dotted name."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@cache
def pages_of_classes() -> Mapping[str, str]:
    """Return the page, relative to ``docs/``, on which each class is described."""
    pages = {error.__name__: ERRORS_PAGE for error in error_classes()}
    for page in DOCS.rglob("*.md"):
        for path in re.findall(r"^<!-- generated: class ([\w.]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            pages[path.rpartition(".")[2]] = page.relative_to(DOCS).as_posix()
    return MappingProxyType(pages)


def link(name: str) -> str:
    """Return the name of a class as code, with a link if the reference describes it. The link begins with ``docs:``."""
    page = pages_of_classes().get(name)
    return f"[`{name}`](docs:{page}#{name.lower()})" if page else f"`{name}`"


def markdown(text: str) -> str:
    """Convert reST to Markdown: roles, links, code, and references to the API documentation."""
    if unknown := re.search(r"^\s*\.\. (?!seealso::).*|::$", text, re.MULTILINE):
        raise ValueError(f"the reference does not support this reST: {unknown[0].strip()}")
    text = _SEE_ALSO.sub(r"API documentation: <\1>", text)
    text = _ROLE.sub(lambda match: _reference(match[1], match[2].rpartition(".")[2]), text)
    return _CODE.sub(r"`\1`", _LINK.sub(r"[\1](\2)", text))


def _reference(role: str, name: str) -> str:
    return link(name) if role == "class" else f"`{name}`"


def parts_of(documented: Any) -> tuple[str, list[Field]]:
    """Return the text of a docstring and its fields."""
    text, *found = re.split(r"^:(\w+)(?: ([\w.]+))?:", inspect.getdoc(documented) or "", flags=re.MULTILINE)
    groups = zip(found[::3], found[1::3], found[2::3], strict=True)
    return text.strip(), [Field(kind, name or "", " ".join(body.split())) for kind, name, body in groups]


def class_section(path: str, *members: str) -> str:
    """
    Return the description of a class: its purpose, its arguments and its methods.

    :param path: The dotted name of the class.
    :param members: Names of its methods and properties; ``*`` for all public ones.
    """
    described = load(path)
    text, _ = parts_of(described)
    blocks = [f"### {described.__name__}", f"`{path}`", markdown(text), *_arguments(described)]
    names = _public_members(described) if members == ("*",) else members
    return "\n\n".join([*blocks, *(_member(described, name) for name in names)])


def function_section(path: str) -> str:
    """
    Return the description of a function.

    :param path: The dotted name of the function.
    """
    function = load(path)
    return f"### {function.__name__}\n\n`{path}`\n\n{_callable(function.__name__, function)}"


def _arguments(described: type) -> list[str]:
    """Return the list of a class's arguments, and the names of those that a base class in the reference describes."""
    own: dict[str, str] = {}
    common: dict[str, list[str]] = {}
    _collect_arguments(described, described, own, common)
    blocks = ["\n".join(own.values())] if own else []
    names = [f"{', '.join(f'`{name}`' for name in found)} ({link(base)})" for base, found in common.items()]
    return [*blocks, f"Common arguments: {'; '.join(names)}."] if names else blocks


def _collect_arguments(described: type, base: type, own: dict[str, str], common: dict[str, list[str]]) -> None:
    """Add the arguments that a class or one of its base classes describes."""
    is_own = base is described or base.__name__ not in pages_of_classes()
    for field in parts_of(base)[1]:
        if field.name == "kwargs" and (reference := _INHERITED.match(field.text)):
            (parent,) = [one for one in inspect.getmro(described) if one.__name__ == reference[1]]
            _collect_arguments(described, parent, own, common)
        elif field.name in own:
            continue  # The subclass describes the argument.
        elif not is_own:
            common.setdefault(base.__name__, []).append(field.name)
        elif field.kind == "param":
            own[field.name] = f"- **{field.name}**{_type_of(described, field.name)}: {markdown(field.text)}"
        else:
            own[field.name] = _outcome(field)


def _type_of(described: type, argument: str) -> str:
    """Return the type of an argument, and whether it is required."""
    for one in inspect.getmro(described):
        parameter = inspect.signature(one.__init__).parameters.get(argument)  # type: ignore[misc]
        if parameter is not None and parameter.annotation is not parameter.empty:
            required = ", required" if parameter.default is parameter.empty else ""
            return f" (`{parameter.annotation}`{required})"
    return ""


def _public_members(described: type) -> list[str]:
    """Return the public members of a class and of its base classes, in the order of their definition."""
    classes = inspect.getmro(described)[:-1]
    names = dict.fromkeys(name for one in reversed(classes) for name in vars(one) if not name.startswith("_"))
    return [name for name in names if inspect.getdoc(getattr(described, name))]


def _member(described: type, name: str) -> str:
    """Return the description of a method or a property."""
    if isinstance(member := inspect.getattr_static(described, name), property):
        return f"#### {name}\n\n{markdown(inspect.getdoc(member) or '')}"
    return f"#### {name}\n\n{_callable(name, getattr(described, name))}"


def _callable(name: str, function: Any) -> str:
    """Return the call, the purpose, the arguments and the result of a function."""
    signature = inspect.signature(function)
    shown = [one.replace(annotation=one.empty) for one in signature.parameters.values() if one.name != "self"]
    call = str(signature.replace(parameters=shown, return_annotation=signature.empty))
    text, fields = parts_of(function)
    blocks = [f"`{name}{call}`", markdown(text)]
    lines = [f"- **{one.name}**: {markdown(one.text)}" if one.kind == "param" else _outcome(one) for one in fields]
    return "\n\n".join([*blocks, "\n".join(lines)] if lines else blocks)


def _outcome(field: Field) -> str:
    """Return the description of a returned value or of an error."""
    if field.kind == "raises":
        return f"- Raises {link(field.name)}: {markdown(field.text)}"
    return f"- Returns: {markdown(field.text)}"


# -- errors


def error_classes() -> list[type[ImsError]]:
    """Return the error classes in the order of their definition."""
    return [one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, ImsError)]


def errors() -> str:
    """Return the description of each error: its base class, its meaning and its attributes."""
    return "\n\n".join(_error(error) for error in error_classes())


def _error(error: type[ImsError]) -> str:
    text, _ = parts_of(error)
    blocks = [f"### {error.__name__}"]
    if error is not ImsError:
        blocks.append(f"Subclass of {link(error.__bases__[0].__name__)}.")
    return "\n\n".join([*blocks, markdown(text), *_arguments(error)])
