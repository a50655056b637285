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
from types import MappingProxyType, ModuleType

from airflow_provider_ims import exceptions
from airflow_provider_ims.emulator.api.errors import CODES
from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.get_provider_info import CREDENTIAL_TYPES, get_provider_info
from airflow_provider_ims.hooks.actions import ICE, VOD
from airflow_provider_ims.hooks.errors import ERRORS_BY_CODE
from airflow_provider_ims.hooks.settings import CREDENTIAL_FIELDS
from airflow_provider_ims.jobs.kinds import catalogue_rows
from airflow_provider_ims.jobs.parameters import Parameter
from airflow_provider_ims.operators import ims, vod
from airflow_provider_ims.operators.base import JobOperator

#: The operators that have a page of their own, under the words by which it asks for them.
OPERATORS: Mapping[str, type[JobOperator]] = MappingProxyType(
    {
        "text": ims.ImsSubmitTextGenerateJobOperator,
        "audio": ims.ImsSubmitAudioProduceJobOperator,
        "batch": ims.ImsSubmitBatchMediaProducingJobOperator,
        "image": vod.VodSubmitAIImageJobOperator,
    }
)

#: Product code -> the module of its operators, and where the product's portal describes its actions.
OPERATORS_OF: Mapping[str, ModuleType] = MappingProxyType({ICE.code: ims, VOD.code: vod})
PORTAL: Mapping[str, str] = MappingProxyType({ICE.code: f"ICE/{ICE.version}", VOD.code: f"vod/{VOD.version}"})


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


def ram_policy(*names: str) -> str:
    """
    Return the least policy for some kinds of jobs, a statement for each.

    :param names: Of :data:`OPERATORS`.
    """
    statements = [{"Effect": "Allow", "Action": OPERATORS[name].kind.ram_actions, "Resource": "*"} for name in names]
    return f"```json\n{json.dumps({'Version': '1', 'Statement': statements}, indent=2)}\n```"


def ram_actions() -> str:
    """Return the actions of every kind of job."""
    return table(
        ["submit action", "all its actions"],
        ([f"`{row['submit_action']}`", code(*row["ram_actions"])] for row in catalogue_rows()),
    )


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


# -- all kinds of jobs


def operator_of(product: str, submit_action: str) -> type[JobOperator]:
    """
    Return the operator of a kind of job: its own, or that of any kind.

    :param product: The product's code.
    :param submit_action: The action.
    """
    module = OPERATORS_OF[product]
    prefix = module.__name__.rpartition(".")[2].title()
    any_job = getattr(module, f"{prefix}SubmitJobOperator")
    operator: type[JobOperator] = getattr(module, f"{prefix}{submit_action}Operator", any_job)
    return operator


def job_kinds() -> str:
    """Return every kind of job, and what is known of it."""
    found_by = {"client_token": "ClientToken", "marker": "marker", None: "-"}
    proof = {True: "; not found: not accepted", False: "; not found: who knows"}
    rows = []
    for row in catalogue_rows():
        product, action = row["product"], row["submit_action"]
        operator = operator_of(product, action)
        rows.append(
            [
                f"[`{action}`](https://api.aliyun.com/document/{PORTAL[product]}/{action})",
                f"{{py:class}}`~{OPERATORS_OF[product].__name__}.{operator.__name__}`",
                f"`{row['query_action']}`",
                code(*row["running"]),
                code(*row["succeeded"]),
                code(*row["failed"]),
                f"not; a second is refused by `{row['dedup_parameter']}`"
                if row["dedup_parameter"]
                else found_by[row["found_by"]] + (proof[row["search_proves"]] if row["found_by"] == "marker" else ""),
                f"`{row['cancel_action']}`" if row["cancel_action"] else "-",
            ]
        )
    heads = ["submit action", "operator", "query action", "running", "succeeded", "failed", "a lost job is found by"]
    return table([*heads, "cancel"], rows)


#: The name in the pages -> what makes the Markdown; the directive's words are its arguments.
DIRECTIVES: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "ims-connection-fields": connection_fields,
        "ims-credential-types": credential_types,
        "ims-ram-policy": ram_policy,
        "ims-ram-actions": ram_actions,
        "ims-job-parameters": job_parameters,
        "ims-job-kinds": job_kinds,
        "ims-error-class": error_class,
        "ims-error-codes": error_codes,
    }
)
