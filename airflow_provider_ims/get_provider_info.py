"""The provider's metadata. Every Airflow process calls this at startup, so it imports only data."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS, UI_FIELD_BEHAVIOUR

CONFIG: dict[str, Any] = {
    "alibabacloud_ims": {
        "description": "Options of the Alibaba Cloud IMS provider.",
        "options": {
            "freeze_garbage_collector": {
                "description": (
                    "Exempt waiting triggers from Python's garbage collection with ``gc.freeze()`` while 200 or more "
                    "jobs wait in a triggerer. With ten thousand waiting jobs, this avoids event loop stalls of 100 to "
                    "200 ms. It affects the whole triggerer process, including the triggers of other providers."
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": "True",
                "default": "False",
            }
        },
    }
}

_INTEGRATION = "Alibaba Cloud IMS"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the schema of Airflow's ``provider_info``."""
    return {
        "package-name": "airflow-provider-ims",
        "name": _INTEGRATION,
        "description": (
            "Alibaba Cloud Intelligent Media Services (IMS) and ApsaraVideo VOD: "
            "submits media jobs and waits for them without occupying a worker slot."
        ),
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.alibabacloud.com/help/en/ims/",
                "tags": ["service"],
            }
        ],
        **{section: [_modules(section)] for section in ("hooks", "operators", "sensors", "triggers")},
        "extra-links": ["airflow_provider_ims.links.ConsoleLink", "airflow_provider_ims.links.OutputLink"],
        "connection-types": [
            {
                "connection-type": "alibabacloud_ims",
                "hook-class-name": "airflow_provider_ims.hooks.ims.ImsHook",
                "hook-name": _INTEGRATION,
                "conn-fields": CONNECTION_FIELDS,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
        "config": CONFIG,
    }


def _modules(package: str) -> dict[str, Any]:
    return {
        "integration-name": _INTEGRATION,
        "python-modules": [f"airflow_provider_ims.{package}.ims", f"airflow_provider_ims.{package}.vod"],
    }
