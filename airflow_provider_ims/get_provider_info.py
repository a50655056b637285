"""What Airflow's provider manager reads; pure data, since every Airflow process calls it at its start."""

from __future__ import annotations

from typing import Any

CONNECTION_FIELDS: dict[str, Any] = {
    "region_id": {
        "label": "Region",
        "description": "The region to call, for example cn-shanghai.",
        "schema": {"type": ["string", "null"]},
    },
    "credential_type": {
        "label": "Credential type",
        "description": "Left empty: access_key or sts by what is filled in, default when nothing is.",
        "schema": {"type": ["string", "null"], "enum": ["access_key", "sts", "default", None]},
    },
    "security_token": {
        "label": "Security token",
        "description": "The STS token that goes with temporary keys.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "ims_endpoint": {
        "label": "IMS endpoint",
        "description": "host[:port], instead of the region's endpoint.",
        "schema": {"type": ["string", "null"]},
    },
    "vod_endpoint": {
        "label": "VOD endpoint",
        "description": "host[:port], instead of the region's endpoint.",
        "schema": {"type": ["string", "null"]},
    },
    "network": {
        "label": "Network",
        "description": "public, or vpc for the endpoints inside a VPC.",
        "schema": {"type": ["string", "null"], "enum": ["public", "vpc", None]},
    },
    "protocol": {
        "label": "Protocol",
        "description": "https; http only for the emulator.",
        "schema": {"type": ["string", "null"], "enum": ["https", "http", None]},
    },
    "connect_timeout": {
        "label": "Connect timeout",
        "description": "Seconds to wait for a connection. Default: 5.",
        "schema": {"type": ["string", "null"]},
    },
    "read_timeout": {
        "label": "Read timeout",
        "description": "Seconds to wait for an answer. Default: 30.",
        "schema": {"type": ["string", "null"]},
    },
    "https_proxy": {
        "label": "Proxy",
        "description": "URL of a proxy to go through.",
        "schema": {"type": ["string", "null"]},
    },
    "ca": {
        "label": "CA file",
        "description": "Path of a CA bundle, instead of the public ones.",
        "schema": {"type": ["string", "null"]},
    },
}

_INTEGRATION = "Alibaba Cloud IMS"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the schema of Airflow's ``provider_info``."""
    return {
        "package-name": "airflow-provider-ims",
        "name": _INTEGRATION,
        "description": (
            "Alibaba Cloud Intelligent Media Services (IMS) and the AI image jobs of ApsaraVideo VOD: "
            "submits media jobs and waits for them without holding a worker."
        ),
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.alibabacloud.com/help/en/ims/",
                "tags": ["service"],
            }
        ],
        "hooks": [_modules("hooks")],
        "operators": [_modules("operators")],
        "sensors": [_modules("sensors")],
        "triggers": [_modules("triggers")],
        "connection-types": [
            {
                "connection-type": "alibabacloud_ims",
                "hook-class-name": "airflow_provider_ims.hooks.ims.ImsHook",
                "hook-name": _INTEGRATION,
                "conn-fields": CONNECTION_FIELDS,
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "schema"],
                    "relabeling": {"login": "AccessKey ID", "password": "AccessKey secret"},
                    "placeholders": {},
                },
            }
        ],
    }


def _modules(room: str) -> dict[str, Any]:
    return {
        "integration-name": _INTEGRATION,
        "python-modules": [f"airflow_provider_ims.{room}.ims", f"airflow_provider_ims.{room}.vod"],
    }
