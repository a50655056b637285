"""
The tables of the documentation that are generated from the code.

To add a table, add a function here and an entry to :data:`ims_pages.GENERATORS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType, ModuleType

from ims_reference import link, markdown, parts_of

from airflow_provider_ims import exceptions
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims._submission.recovery import POLICIES, RecoveryPolicy, policy_of
from airflow_provider_ims.emulator.api.errors import CODES
from airflow_provider_ims.emulator.command_options import OPTIONS
from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.get_provider_info import get_provider_info
from airflow_provider_ims.hooks._actions import ICE, VOD
from airflow_provider_ims.hooks._connection_form import CREDENTIAL_TYPES
from airflow_provider_ims.hooks._errors import ERRORS_BY_CODE
from airflow_provider_ims.hooks._settings import REQUIRED_FIELDS
from airflow_provider_ims.operators import ims, vod
from airflow_provider_ims.operators.base import JobOperator

#: The operators that have a separate page, keyed by the argument of the page's generated parts.
OPERATORS: Mapping[str, type[JobOperator]] = MappingProxyType(
    {
        "text": ims.ImsSubmitTextGenerateJobOperator,
        "audio": ims.ImsSubmitAudioProduceJobOperator,
        "batch": ims.ImsSubmitBatchMediaProducingJobOperator,
        "image": vod.VodSubmitAIImageJobOperator,
    }
)

#: Product code -> the module of its operators.
OPERATORS_OF: Mapping[str, ModuleType] = MappingProxyType({ICE.code: ims, VOD.code: vod})


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def code(*words: str) -> str:
    """Return words formatted as code and separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


# -- the connection


def connection_fields() -> str:
    """Return the fields of the connection form, in the order of the form."""
    (connection,) = get_provider_info()["connection-types"]
    labels = connection["ui-field-behaviour"]["relabeling"]
    rows = [[labels[name], f"`{name}`", ""] for name in ("login", "password")]
    for name, field in connection["conn-fields"].items():
        choices = [choice for choice in field["schema"].get("enum", ()) if choice is not None]
        one_of = f" One of {code(*choices)}." if choices else ""
        rows.append([field["label"], f"extra `{name}`", field["description"] + one_of])
    return table(["field", "key", "meaning"], rows)


def credential_types() -> str:
    """Return the required and the optional fields of each credential type."""
    rows = [
        [f"`{kind}`", ", ".join(needs.values()) or "none", ", ".join(CREDENTIAL_TYPES[kind][1])]
        for kind, needs in REQUIRED_FIELDS.items()
    ]
    return table(["`credential_type`", "required fields", "optional extras"], rows)


# -- RAM


def ram_policy(*names: str) -> str:
    """
    Return the minimal RAM policy for some job kinds, with one statement for each kind.

    :param names: Keys of :data:`OPERATORS`.
    """
    statements = [{"Effect": "Allow", "Action": OPERATORS[name].kind.ram_actions, "Resource": "*"} for name in names]
    policy = json.dumps({"Version": "1", "Statement": statements}, indent=2)
    # tests/support/pages.py runs each block according to the words after its language.
    return f"```json policy {' '.join(names)}\n{policy}\n```"


def ram_actions() -> str:
    """Return the RAM actions of every job kind."""
    return table(
        ["submit action", "required RAM actions"],
        ([f"`{kind.submit_action}`", code(*kind.ram_actions)] for kind in KINDS),
    )


# -- parameters


def job_parameters(name: str) -> str:
    """
    Return the API parameters that an operator accepts.

    :param name: A key of :data:`OPERATORS`.
    """
    rows = [
        [f"`{one.argument}`", f"`{one.name}`", "yes" if one.required else "", _accepts(one)]
        for one in OPERATORS[name].kind.parameters
    ]
    return table(["argument", "API parameter", "required", "type"], rows)


def _accepts(parameter: Parameter) -> str:
    json_type = {"array": "a list"}.get((parameter.schema or {}).get("type", ""), "a dict")
    accepted = f"{json_type} or a JSON string" if parameter.is_json else "a bool" if parameter.is_flag else "a string"
    if parameter.choices:
        accepted = code(*parameter.choices)
    return accepted + (f"; at most {parameter.max_bytes:,} bytes of UTF-8" if parameter.max_bytes else "")


# -- errors


def error_class(name: str) -> str:
    """
    Return the meaning of an error, its attributes, and the service's error codes for which it is raised.

    :param name: The name of the class.
    """
    meaning, fields = parts_of(getattr(exceptions, name))
    attributes = [field.name for field in fields]
    codes = [code for code in CODES if error_of(code).__name__ == name]
    lines = [markdown(meaning)]
    if attributes and name != "ImsError":
        lines.append(f"Attributes: {code(*attributes)}.")
    if codes:
        lines.append(f"Error codes: {code(*codes)}.")
    return "\n\n".join(lines)


def error_of(service_code: str) -> type[ImsError]:
    """Return the error class for an error code of the service."""
    return next((error for pattern, error in ERRORS_BY_CODE if pattern.match(service_code)), ImsRequestError)


def error_codes() -> str:
    """Return the documented error codes of the service and the errors that are raised for them."""
    rows = []
    for service_code, (status, message) in sorted(CODES.items()):
        error = error_of(service_code).__name__
        rows.append(
            [f"`{service_code}`", str(status), message.replace("{}", "…").strip(), f"[{error}](#{error.lower()})"]
        )
    return table(["code", "HTTP status", "service message", "error"], rows)


def permanent_job_codes() -> str:
    """Return the error codes of failed jobs after which a retry fails again."""
    return code(*exceptions.PERMANENT_JOB_CODES)


# -- the configuration


def configuration_options() -> str:
    """Return the options in the section ``[ims]`` of Airflow's configuration."""
    options = get_provider_info()["config"]["ims"]["options"]
    rows = [
        [f"`{name}`", one["type"], f"`{one['default']}`", one["description"].replace("``", "`")]
        for name, one in options.items()
    ]
    return table(["option", "type", "default", "meaning"], rows)


# -- job kinds


def operator_of(product: str, submit_action: str) -> type[JobOperator]:
    """
    Return the operator of a job kind: its specific operator, or the operator for any job.

    :param product: The product's code.
    :param submit_action: The action.
    """
    module = OPERATORS_OF[product]
    prefix = module.__name__.rpartition(".")[2].title()
    any_job = getattr(module, f"{prefix}SubmitJobOperator")
    operator: type[JobOperator] = getattr(module, f"{prefix}{submit_action}Operator", any_job)
    return operator


def job_kinds() -> str:
    """Return every job kind with its operator, its states and its recovery policy."""
    rows = []
    for kind in KINDS:
        family, action = kind.family, kind.submit_action
        operator = operator_of(family.product.code, action)
        rows.append(
            [
                f"[`{action}`]({family.product.reference}/{action})",
                link(operator.__name__),
                f"`{family.query_action}`",
                code(*family.running),
                code(*family.succeeded),
                code(*family.failed),
                policy_of(kind).name,
                _cancel(family),
            ]
        )
    heads = ["submit action", "operator", "query action", "running", "succeeded", "failed", "recovery policy", "cancel"]
    return table(heads, rows)


def _cancel(family: JobFamily) -> str:
    if family.cancel_action is None:
        return "-"
    return code(family.cancel_action) + (f" in state {code(*family.cancel_while)}" if family.cancel_while else "")


# -- the recovery of a lost job

#: Whether a second submit request is safe, for each value of ``RecoveryPolicy.resubmit``.
RESUBMIT: Mapping[str, str] = MappingProxyType(
    {
        "returns job": "yes: the service returns the existing job",
        "rejected": "yes: the service rejects it if the job exists, and the task fails",
        "excluded": "yes: if the search finds no job, the service accepted none",
        "creates job": "no: it may create a second job, so `on_uncertain` applies",
    }
)


def recovery_policies() -> str:
    """Return each recovery policy: what it adds to a request, whether a second one is safe, and its job kinds."""
    kinds_of: dict[RecoveryPolicy, list[JobKind]] = {}
    for kind in KINDS:
        kinds_of.setdefault(policy_of(kind), []).append(kind)
    rows = []
    for policy in POLICIES:
        kinds = kinds_of[policy]
        added = dict.fromkeys(f"`{kind.token_parameter}`" for kind in kinds if kind.token_parameter)
        if any(kind.takes_marker for kind in kinds):
            added["marker"] = None
        names = code(*(kind.submit_action for kind in kinds))
        rows.append([policy.name, ", ".join(added) or "nothing", RESUBMIT[policy.resubmit], names])
    return table(["policy", "added to the request", "second submit request is safe", "submit actions"], rows)


def recovery_searches() -> str:
    """Return each listing in which lost jobs are searched for."""
    families = {kind.family.name: kind.family for kind in KINDS if kind.takes_marker}.values()
    rows = [
        [
            code(family.search.action),
            f"{family.search_lag:g} s",
            code(*(kind.submit_action for kind in KINDS if kind.family is family)),
        ]
        for family in families
        if family.search
    ]
    return table(["listing", "search time", "submit actions"], rows)


# -- the emulator


def emulator_options() -> str:
    """Return the options of the ``ims-emulator`` command."""
    rows = [
        [
            code(" ".join(filter(None, (f"--{option.name}", option.metavar)))) + (", ..." if option.many else ""),
            code(option.variable),
            option.meaning,
            "-" if option.default is None else code(str(option.default)),
        ]
        for option in OPTIONS
    ]
    return table(["option", "environment variable", "meaning", "default"], rows)
