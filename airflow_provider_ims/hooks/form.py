"""
The connection form for Airflow 3.1, which ask the hook for it.

From 3.2 on Airflow reads the provider's metadata instead and calls neither of these.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.get_provider_info import CONNECTION_FIELDS, UI_FIELD_BEHAVIOUR


def connection_form_widgets() -> dict[str, Any]:
    """Return the fields of the form as WTForms fields; Airflow has that library, or stands in for it."""
    # Without the widgets of Flask-AppBuilder, which no user interface of Airflow 3 shows: fewer things to be missing.
    from wtforms import PasswordField, StringField
    from wtforms.validators import Optional, any_of

    widgets = {}
    for name, field in CONNECTION_FIELDS.items():
        schema = field["schema"]
        kind = PasswordField if schema.get("format") == "password" else StringField
        validators = [Optional(), any_of(schema["enum"])] if "enum" in schema else [Optional()]
        widgets[name] = kind(field["label"], validators, description=field["description"])
    return widgets


def ui_field_behaviour() -> dict[str, Any]:
    """Return what becomes of the fields that every connection has."""
    return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}
