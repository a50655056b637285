"""The connection form that Airflow 3.1 obtains from the hook equals the form in the provider's metadata."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

from airflow_provider_ims.get_provider_info import get_provider_info
from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS
from airflow_provider_ims.hooks.ims import ImsHook

if TYPE_CHECKING:
    import pytest


def test_the_widgets_equal_the_fields_of_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    # Airflow's replacements for WTForms, for installations without this library.
    fields = SimpleNamespace(
        StringField=HookMetaService.MockStringField, PasswordField=HookMetaService.MockPasswordField
    )
    validators = SimpleNamespace(Optional=HookMetaService.MockOptional, any_of=HookMetaService.MockEnum)
    monkeypatch.setitem(sys.modules, "wtforms", fields)
    monkeypatch.setitem(sys.modules, "wtforms.validators", validators)
    shown = {name: widget.param.dump() for name, widget in ImsHook.get_connection_form_widgets().items()}
    assert list(shown) == list(CONNECTION_FIELDS)
    for name, field in CONNECTION_FIELDS.items():
        assert shown[name]["description"] == field["description"]
        assert shown[name]["schema"] == {"title": field["label"], **field["schema"]}


def test_the_standard_fields_equal_those_of_the_metadata() -> None:
    (connection,) = get_provider_info()["connection-types"]
    behaviour = connection["ui-field-behaviour"]
    assert ImsHook.get_ui_field_behaviour() == {
        "hidden_fields": behaviour["hidden-fields"],
        "relabeling": behaviour["relabeling"],
        "placeholders": behaviour["placeholders"],
    }
