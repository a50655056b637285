"""
What the pages show out of the code: each function returns Markdown, and is a directive of the pages.

A fact that the code holds as data is written once, there. A new table is a function here and an entry in
:data:`DIRECTIVES`.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from airflow_provider_ims import exceptions
from airflow_provider_ims.emulator.errors import CODES
from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.get_provider_info import CREDENTIAL_TYPES, get_provider_info
from airflow_provider_ims.hooks.errors import ERRORS_BY_CODE
from airflow_provider_ims.hooks.settings import CREDENTIAL_FIELDS
from airflow_provider_ims.jobs.kinds import catalogue_rows
from airflow_provider_ims.jobs.parameters import Parameter
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator, VodSubmitJobOperator

#: The operators, under the words by which the pages ask for them.
OPERATORS: Mapping[str, type[JobOperator]] = MappingProxyType(
    {
        "text": ImsSubmitTextGenerateJobOperator,
        "audio": ImsSubmitAudioProduceJobOperator,
        "batch": ImsSubmitBatchMediaProducingJobOperator,
        "image": VodSubmitAIImageJobOperator,
    }
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def code(*words: str) -> str:
    """Return words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


# -- the connection


def connection_fields() -> str:
    """Return the fields of the connection form, in its order."""
    (connection,) = get_provider_info()["connection-types"]
    labels = connection["ui-field-behaviour"]["relabeling"]
    rows = [[labels[name], f"`{name}`", ""] for name in ("login", "password")]
    for name, field in connection["conn-fields"].items():
        choices = [choice for choice in field["schema"].get("enum", ()) if choice is not None]
        one_of = f" One of {code(*choices)}." if choices else ""
        rows.append([field["label"], f"extra `{name}`", field["description"] + one_of])
    return table(["field of the form", "in the connection", "meaning"], rows)


def credential_types() -> str:
    """Return what each credential type needs, and what it takes besides."""
    rows = [
        [f"`{kind}`", ", ".join(needs.values()) or "nothing", ", ".join(CREDENTIAL_TYPES[kind][1])]
        for kind, needs in CREDENTIAL_FIELDS.items()
    ]
    return table(["`credential_type`", "needs", "takes besides, as extras"], rows)


# -- RAM


class _Asked:
    """Stands where a hook is wanted, notes which actions are called, and knows of no job."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    def call(self, action: str, params: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.actions.append(action)
        return {}


def ram_actions(operator: type[JobOperator]) -> list[str]:
    """
    Return the RAM actions that an operator's jobs need: to submit, to ask, and to find what was lost.

    :param operator: The operator.
    """
    kind, asked = operator.kind, _Asked()
    if search := kind.family.search:
        with suppress(ImsError):  # An empty answer is no listing; which action was called is known by then.
            list(search(asked, dict.fromkeys((one.name for one in kind.parameters), ""), 0))
    sweeps = [kind.family.listing.action] if kind.family.listing else []
    product = operator.trigger_class.hook_class.product.code
    actions = [kind.submit_action, kind.family.query_action, *asked.actions, *sweeps]
    return [f"{product}:{action}" for action in dict.fromkeys(actions)]


def ram_policy(*names: str) -> str:
    """
    Return the least policy for some kinds of jobs, a statement for each.

    :param names: Of :data:`OPERATORS`.
    """
    statements = [{"Effect": "Allow", "Action": ram_actions(OPERATORS[name]), "Resource": "*"} for name in names]
    return f"```json\n{json.dumps({'Version': '1', 'Statement': statements}, indent=2)}\n```"


# -- the kinds of jobs


def job_parameters(name: str) -> str:
    """
    Return what an operator takes of its API's parameters.

    :param name: Of :data:`OPERATORS`.
    """
    rows = [
        [f"`{one.argument}`", f"`{one.name}`", "yes" if one.required else "", _accepts(one)]
        for one in OPERATORS[name].kind.parameters
    ]
    return table(["argument", "API parameter", "required", "takes"], rows)


def _accepts(parameter: Parameter) -> str:
    json_type = {"array": "a list"}.get((parameter.schema or {}).get("type", ""), "a dict")
    takes = f"{json_type}, or its JSON" if parameter.is_json else "a flag" if parameter.is_flag else "text"
    if parameter.choices:
        takes = code(*parameter.choices)
    return takes + (f"; at most {parameter.max_bytes:,} bytes of UTF-8" if parameter.max_bytes else "")


# -- errors


def error_class(name: str) -> str:
    """
    Return what an error means, what it carries, and the service's codes that lead to it.

    :param name: The class.
    """
    meaning, *fields = re.split(r"\n+(?=:param)", inspect.getdoc(getattr(exceptions, name)) or "")
    carried = re.findall(r"^:param (\w+):", "\n".join(fields), re.MULTILINE)
    codes = [code for code in CODES if error_of(code).__name__ == name]
    lines = [meaning.strip()]
    if carried and name != "ImsError":
        lines.append(f"Carries {code(*carried)}.")
    if codes:
        lines.append(f"Codes of the service: {code(*codes)}.")
    return "\n\n".join(lines)


def error_of(service_code: str) -> type[ImsError]:
    """Return the class of error that a code of the service becomes."""
    return next((error for pattern, error in ERRORS_BY_CODE if pattern.match(service_code)), ImsRequestError)


def error_codes() -> str:
    """Return the service's codes, as far as they are documented, each with its error."""
    rows = []
    for service_code, (status, message) in sorted(CODES.items()):
        error = error_of(service_code).__name__
        rows.append(
            [f"`{service_code}`", str(status), message.replace("{}", "…").strip(), f"[{error}](#{error.lower()})"]
        )
    return table(["code", "HTTP status", "what the service says", "becomes"], rows)


#: The name in the pages -> what makes the Markdown; the directive's words are its arguments.
def job_kinds() -> str:
    """Return every kind of job, and what is known of it."""
    any_job = {"ice": ImsSubmitJobOperator, "vod": VodSubmitJobOperator}
    found_by = {"client_token": "ClientToken", "marker": "marker in UserData", None: "-"}
    typed = {
        (operator.kind.family.product.code, operator.kind.submit_action): operator for operator in OPERATORS.values()
    }
    rows = []
    for row in catalogue_rows():
        operator = typed.get((row["product"], row["submit_action"]), any_job[row["product"]])
        rows.append(
            [
                f"`{row['submit_action']}`",
                f"`{operator.__name__}`",
                f"`{row['query_action']}`",
                code(*row["succeeded"]),
                code(*row["failed"]),
                found_by[row["found_by"]],
                f"`{row['cancel_action']}`" if row["cancel_action"] else "-",
            ]
        )
    heads = ["submit action", "operator", "query action", "succeeded", "failed", "a lost job is found by", "cancel"]
    return table(heads, rows)


DIRECTIVES: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "ims-connection-fields": connection_fields,
        "ims-credential-types": credential_types,
        "ims-ram-policy": ram_policy,
        "ims-job-parameters": job_parameters,
        "ims-job-kinds": job_kinds,
        "ims-error-class": error_class,
        "ims-error-codes": error_codes,
    }
)
