"""The provider's metadata. Airflow components read it at startup, so this module does not import Airflow."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims._config import OPTIONS, SECTION
from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS, UI_FIELD_BEHAVIOUR

CONFIG: dict[str, Any] = {
    SECTION: {
        "description": "Options of the Alibaba Cloud IMS provider.",
        "options": {option.name: option.as_provider_info() for option in OPTIONS},
    }
}

_NAME = "Alibaba Cloud IMS"

_PACKAGES = "hooks operators sensors triggers"
#: For each service: its name, a module name, the packages that have a module of this name, the URL of the service's
#: documentation, and the guides in ``docs/howto``.
_INTEGRATIONS = (
    (
        _NAME,
        "ims",
        _PACKAGES,
        "https://www.alibabacloud.com/help/en/ims/",
        "end-to-end text audio videos localise uploads any-job many-jobs api-actions waiting notifications reuse "
        "retries chaining media-events results media files conformance",
    ),
    (
        "ApsaraVideo VOD",
        "vod",
        _PACKAGES,
        "https://www.alibabacloud.com/help/en/vod/",
        "images uploads any-job many-jobs api-actions waiting retries files",
    ),
    (
        "Simple Message Queue (SMQ)",
        "smq",
        "hooks triggers",
        "https://www.alibabacloud.com/help/en/mns/",
        "notifications media-events",
    ),
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the schema of Airflow's ``provider_info``."""
    return {
        "package-name": "airflow-provider-ims",
        "name": _NAME,
        "description": (
            "Alibaba Cloud Intelligent Media Services (IMS) and ApsaraVideo VOD: "
            "submits media jobs and waits for them; in deferrable mode, without occupying a worker slot."
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
            for name, *_, documentation, guides in _INTEGRATIONS
        ],
        **{package: _modules(package) for package in _PACKAGES.split()},
        "queues": ["airflow_provider_ims.queues.smq.SmqMessageQueueProvider"],
        "extra-links": [f"airflow_provider_ims.links.{link}" for link in ("MediaLink", "ConsoleLink", "OutputLink")],
        "plugins": [{"name": "ims", "plugin-class": "airflow_provider_ims._plugin.ImsPlugin"}],
        "connection-types": [
            {
                "connection-type": "alibabacloud_ims",
                "hook-class-name": "airflow_provider_ims.hooks.ims.ImsHook",
                "hook-name": _NAME,
                "conn-fields": CONNECTION_FIELDS,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
        "asset-uris": [
            {
                "schemes": ["oss"],
                "handler": "airflow_provider_ims.assets.oss.sanitize_uri",
                "factory": "airflow_provider_ims.assets.oss.create_asset",
                "to_openlineage_converter": "airflow_provider_ims.assets.oss.convert_asset_to_openlineage",
            }
        ],
        "config": CONFIG,
    }


def _modules(package: str) -> list[dict[str, Any]]:
    return [
        {"integration-name": name, "python-modules": [f"airflow_provider_ims.{package}.{module}"]}
        for name, module, packages, *_ in _INTEGRATIONS
        if package in packages.split()
    ]
