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

_NAME = "Alibaba Cloud IMS"

#: The services: the name of each, the module that each package has for it, its documentation and its guides in
#: ``docs/howto``.
_INTEGRATIONS = (
    (
        _NAME,
        "ims",
        "https://www.alibabacloud.com/help/en/ims/",
        "end-to-end text audio videos localise any-job many-jobs api-actions waiting reuse chaining results files "
        "conformance",
    ),
    (
        "ApsaraVideo VOD",
        "vod",
        "https://www.alibabacloud.com/help/en/vod/",
        "images any-job many-jobs api-actions waiting files",
    ),
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the schema of Airflow's ``provider_info``."""
    return {
        "package-name": "airflow-provider-ims",
        "name": _NAME,
        "description": (
            "Alibaba Cloud Intelligent Media Services (IMS) and ApsaraVideo VOD: "
            "submits media jobs and waits for them without occupying a worker slot."
        ),
        "integrations": [
            {
                "integration-name": name,
                "external-doc-url": documentation,
                # Paths in the source distribution.
                "how-to-guide": [f"/docs/howto/{guide}.md" for guide in guides.split()],
                "logo": "/docs/integration-logos/alibabacloud-ims.svg",
                "tags": ["service"],
            }
            for name, _, documentation, guides in _INTEGRATIONS
        ],
        **{package: _modules(package) for package in ("hooks", "operators", "sensors", "triggers")},
        "extra-links": ["airflow_provider_ims.links.ConsoleLink", "airflow_provider_ims.links.OutputLink"],
        "connection-types": [
            {
                "connection-type": "alibabacloud_ims",
                "hook-class-name": "airflow_provider_ims.hooks.ims.ImsHook",
                "hook-name": _NAME,
                "conn-fields": CONNECTION_FIELDS,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
        "config": CONFIG,
    }


def _modules(package: str) -> list[dict[str, Any]]:
    return [
        {"integration-name": name, "python-modules": [f"airflow_provider_ims.{package}.{module}"]}
        for name, module, *_ in _INTEGRATIONS
    ]
