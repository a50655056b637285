"""What the pages show out of the code is what the code does."""

from __future__ import annotations

import inspect
import re

import ims_tables
import pytest
from support.cases import CASES
from support.pages import ROOT
from support.running import run_task

from airflow_provider_ims import exceptions
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.errors import CODES
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.get_provider_info import CREDENTIAL_TYPES, get_provider_info
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.jobs.kinds import KINDS
from airflow_provider_ims.operators import ims, vod
from airflow_provider_ims.operators.base import JobOperator

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
    """Return the cells of a table, without its heads."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


@pytest.mark.ims_emulator(list_text_jobs=True, durations={case.submit: 0 for case in CASES.values()})
@pytest.mark.parametrize("name", CASES)
def test_the_policy_grants_what_is_called_and_no_more(name: str, ims_emulator: ImsEmulator) -> None:
    case = CASES[name]
    ims_emulator.fault(case.submit, "cut_after")
    run_task(case.task())
    called = {request["action"] for request in ims_emulator.requests()}
    granted = [action.split(":") for action in case.operator.kind.ram_actions]
    assert {product for product, _ in granted} == {case.operator.kind.family.product.code}
    assert sorted(action for _, action in granted) == sorted(called)


def test_the_operators_of_the_pages_are_those_that_are_tested() -> None:
    assert {name: case.operator for name, case in CASES.items()} == dict(ims_tables.OPERATORS)


def test_every_field_of_the_form_is_shown() -> None:
    (connection,) = get_provider_info()["connection-types"]
    shown = [row[1] for row in rows(ims_tables.connection_fields())]
    assert shown == ["`login`", "`password`", *(f"extra `{name}`" for name in connection["conn-fields"])]
    assert all(row[2] for row in rows(ims_tables.connection_fields())[2:])


def test_every_credential_type_is_shown_with_an_example() -> None:
    page = (ROOT / "docs/connection.md").read_text()
    shown = {row[0].strip("`"): row for row in rows(ims_tables.credential_types())}
    assert set(shown) == set(CREDENTIAL_TYPES)
    assert shown["ram_role_arn"][1] == "login, password, extra role_arn"
    # Those without are told by what is filled in; the API takes no bearer tokens.
    without = {"access_key", "sts", "default", "bearer"}
    assert {kind for kind in CREDENTIAL_TYPES if f'"credential_type": "{kind}"' in page} == set(shown) - without


def test_every_argument_that_goes_to_the_service_is_shown() -> None:
    for name, case in CASES.items():
        shown = {row[0].strip("`") for row in rows(ims_tables.job_parameters(name))}
        fields = set(case.operator.template_fields)
        assert shown == fields - {"ims_conn_id", "region_id", "poll_interval", "timeout"}


@pytest.mark.parametrize("code", CODES)
def test_a_code_becomes_the_error_that_is_shown(code: str, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("ListSmartJobs", "error", count=None, code=code)
    with pytest.raises(ImsError) as raised:
        ImsHook().call("ListSmartJobs", {}, attempts=1, throttle_timeout=0)
    (row,) = [row for row in rows(ims_tables.error_codes()) if row[0] == f"`{code}`"]
    name = type(raised.value).__name__
    assert row[3] == f"[{name}](#{name.lower()})"
    assert code in ims_tables.error_class(name)


def test_every_error_has_its_place_on_the_page() -> None:
    classes = {
        name
        for name, member in vars(exceptions).items()
        if isinstance(member, type) and issubclass(member, ImsError) and member is not ImsError
    }
    assert set(re.findall(r"^### (\w+)$", TROUBLESHOOTING, re.MULTILINE)) == classes
    assert set(re.findall(r"^```{ims-error-class} (\w+)$", TROUBLESHOOTING, re.MULTILINE)) == classes


def test_every_operator_is_in_the_reference_and_in_the_table_of_kinds() -> None:
    page = (ROOT / "docs/reference/operators.md").read_text()
    described = set(re.findall(r"autoclass:: (?:[\w.]+\.)?(\w+)$", page, re.MULTILINE))
    names = {operator.__name__ for operator in all_operators()}
    assert described == {*names, "JobOperator"}
    cells = {row[1] for row in rows(ims_tables.job_kinds())}
    assert {cell.rpartition(".")[2].rstrip("`") for cell in cells} == names


def test_the_table_of_kinds_has_each_kind_once() -> None:
    shown = [re.findall(r"`(\w+)`", row[0])[0] for row in rows(ims_tables.job_kinds())]
    assert shown == [kind.submit_action for kind in KINDS]
