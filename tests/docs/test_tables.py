"""The tables that the documentation generates from the code agree with the code's behaviour."""

from __future__ import annotations

import inspect
import re

import ims_tables
import pytest
from support.cases import CASES
from support.pages import ROOT
from support.running import run_task

from airflow_provider_ims import exceptions
from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims.emulator import EmulatorControl, ImsEmulator
from airflow_provider_ims.emulator.api.errors import CODES
from airflow_provider_ims.emulator.command_options import OPTIONS
from airflow_provider_ims.emulator.control.routes import COMMANDS, CONTROL_PATH
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.get_provider_info import get_provider_info
from airflow_provider_ims.hooks._connection_form import CREDENTIAL_TYPES
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.operators import ims, vod
from airflow_provider_ims.operators.base import JobOperator

#: These operators accept any job kind, or submit no job, so the table of job kinds does not contain them.
WITHOUT_KIND = {"ImsApiOperator", "ImsSubmitJobsOperator", "VodApiOperator", "VodSubmitJobsOperator"}
TROUBLESHOOTING = (ROOT / "docs/troubleshooting.md").read_text()


def all_operators() -> set[type[JobOperator]]:
    """Return the operators that users import."""
    return {
        operator
        for module in (ims, vod)
        for operator in vars(module).values()
        if inspect.isclass(operator) and operator.__name__.startswith(("Ims", "Vod"))
    }


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table without its header."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


@pytest.mark.ims_emulator(list_text_jobs=True, durations={case.submit: 0 for case in CASES.values()})
@pytest.mark.parametrize("name", CASES)
def test_the_policy_grants_exactly_the_actions_that_are_called(name: str, ims_emulator: ImsEmulator) -> None:
    case = CASES[name]
    ims_emulator.fault(case.submit, "cut_after")
    run_task(case.task())
    called = {request["action"] for request in ims_emulator.requests()}
    granted = [action.split(":") for action in case.operator.kind.ram_actions]
    assert {product for product, _ in granted} == {case.operator.kind.family.product.code}
    assert sorted(action for _, action in granted) == sorted(called)


def test_every_operator_with_a_page_is_a_test_case() -> None:
    assert {name: case.operator for name, case in CASES.items()} == dict(ims_tables.OPERATORS)


def test_the_table_lists_every_field_of_the_form() -> None:
    (connection,) = get_provider_info()["connection-types"]
    shown = [row[1] for row in rows(ims_tables.connection_fields())]
    assert shown == ["`login`", "`password`", *(f"extra `{name}`" for name in connection["conn-fields"])]
    assert all(row[2] for row in rows(ims_tables.connection_fields())[2:])


def test_the_table_lists_every_credential_type_and_the_page_has_examples() -> None:
    page = (ROOT / "docs/connection.md").read_text()
    shown = {row[0].strip("`"): row for row in rows(ims_tables.credential_types())}
    assert set(shown) == set(CREDENTIAL_TYPES)
    assert shown["ram_role_arn"][1] == "login, password, extra role_arn"
    # The first three are inferred from the fields that are set; the API does not accept bearer tokens.
    without = {"access_key", "sts", "default", "bearer"}
    assert {kind for kind in CREDENTIAL_TYPES if f'"credential_type": "{kind}"' in page} == set(shown) - without


def test_the_table_lists_every_argument_that_is_sent() -> None:
    for name, case in CASES.items():
        shown = {row[0].strip("`") for row in rows(ims_tables.job_parameters(name))}
        fields = set(case.operator.template_fields)
        assert shown == fields - {"ims_conn_id", "region_id", "poll_interval", "timeout"}


@pytest.mark.parametrize("code", CODES)
def test_an_error_code_raises_the_error_in_the_table(code: str, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("ListSmartJobs", "error", count=None, code=code)
    with pytest.raises(ImsError) as raised:
        ImsHook().call("ListSmartJobs", {}, attempts=1, throttle_timeout=0)
    (row,) = [row for row in rows(ims_tables.error_codes()) if row[0] == f"`{code}`"]
    name = type(raised.value).__name__
    assert row[3] == f"[{name}](#{name.lower()})"
    assert code in ims_tables.error_class(name)


def test_every_error_has_a_section_on_the_page() -> None:
    classes = {
        name
        for name, member in vars(exceptions).items()
        if isinstance(member, type) and issubclass(member, ImsError) and member is not ImsError
    }
    assert set(re.findall(r"^### (\w+)$", TROUBLESHOOTING, re.MULTILINE)) == classes
    assert set(re.findall(r"^<!-- generated: error-class (\w+) -->$", TROUBLESHOOTING, re.MULTILINE)) == classes


def test_every_operator_is_in_the_reference_and_in_the_table_of_job_kinds() -> None:
    page = (ROOT / "docs/reference/operators.md").read_text()
    described = set(re.findall(r"^<!-- generated: class [\w.]+\.(\w+)", page, re.MULTILINE))
    names = {operator.__name__ for operator in all_operators()}
    assert described == {*names, "JobOperator", "SubmitOperator"}
    cells = {row[1] for row in rows(ims_tables.job_kinds())}
    linked = {re.findall(r"^\[`(\w+)`\]\(docs:reference/operators.md#", cell)[0] for cell in cells}
    assert linked == names - WITHOUT_KIND


def test_the_table_of_job_kinds_lists_each_kind_once() -> None:
    shown = [re.findall(r"`(\w+)`", row[0])[0] for row in rows(ims_tables.job_kinds())]
    assert shown == [kind.submit_action for kind in KINDS]


def test_the_table_of_recovery_policies_contains_each_kind_once() -> None:
    shown = {row[0]: row for row in rows(ims_tables.recovery_policies())}
    actions = [action for row in shown.values() for action in re.findall(r"`(\w+)`", row[3])]
    assert sorted(actions) == sorted(kind.submit_action for kind in KINDS)
    assert {row[6] for row in rows(ims_tables.job_kinds())} == set(shown)
    added = {name: row[1] for name, row in shown.items()}
    assert added == {
        "idempotency token": "`ClientToken`, marker",
        "rejected duplicate": "`SessionId`",
        "conclusive search": "marker",
        "inconclusive search": "marker",
        "not recoverable": "nothing",
    }


def test_the_table_of_searches_contains_each_kind_with_a_marker_once() -> None:
    actions = [action for row in rows(ims_tables.recovery_searches()) for action in re.findall(r"`(\w+)`", row[2])]
    assert sorted(actions) == sorted(kind.submit_action for kind in KINDS if kind.takes_marker)


def test_the_table_of_options_contains_every_option_and_its_variable() -> None:
    shown = {row[0]: row[1:] for row in rows(ims_tables.emulator_options())}
    assert len(shown) == len(OPTIONS)
    assert shown["`--port PORT`"] == ["`IMS_EMULATOR_PORT`", "port to listen on; 0 selects a free port", "`8020`"]
    assert shown["`--access-key ID:SECRET`, ..."][0] == "`IMS_EMULATOR_ACCESS_KEY`"
    for option, (variable, *_) in zip(OPTIONS, shown.values(), strict=True):
        assert variable == f"`{option.variable}`"


def test_the_table_of_the_control_interface_contains_every_path() -> None:
    page = (ROOT / "docs/reference/emulator-server.md").read_text()
    shown = re.findall(rf"^\| `([A-Z]+) {CONTROL_PATH}(/\w+)` \|.*\| `(\w+)` \|$", page, re.MULTILINE)
    assert [(method, path) for method, path, _ in shown] == list(COMMANDS)
    for *_, name in shown:
        assert callable(getattr(EmulatorControl, name))


def test_the_configuration_table_contains_each_option_with_its_default() -> None:
    shown = {name.strip("`"): default.strip("`") for name, _, default, _ in rows(ims_tables.configuration_options())}
    options = get_provider_info()["config"]["ims"]["options"]
    assert shown == {name: option["default"] for name, option in options.items()}


def test_each_listed_code_of_a_failed_job_is_permanent() -> None:
    codes = re.findall(r"`(\w+)`", ims_tables.permanent_job_codes())
    assert codes
    assert all(exceptions.ImsJobFailedError("x", job_id="j", code=one).is_permanent for one in codes)
