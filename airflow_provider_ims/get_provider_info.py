"""What Airflow's provider manager reads; pure data, since every Airflow process calls it at its start."""

from __future__ import annotations

from typing import Any

#: Fields that every connection has -> what the SDK calls that which they hold here.
LOGIN_FIELDS: dict[str, str] = {"login": "access_key_id", "password": "access_key_secret"}

_KEYS = ("access_key_id", "access_key_secret")
_SESSION = ("role_session_name", "role_session_expiration", "policy")
#: Credential type -> the fields that it needs and those that it takes, under the SDK's own names.
CREDENTIAL_TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "access_key": (_KEYS, ()),
    "sts": ((*_KEYS, "security_token"), ()),
    "ram_role_arn": ((*_KEYS, "role_arn"), ("security_token", *_SESSION, "external_id", "sts_endpoint")),
    "oidc_role_arn": (("role_arn", "oidc_provider_arn", "oidc_token_file_path"), (*_SESSION, "sts_endpoint")),
    "ecs_ram_role": ((), ("role_name",)),
    "rsa_key_pair": (("public_key_id", "private_key_file"), ("role_session_expiration", "sts_endpoint")),
    "credentials_uri": (("credentials_uri",), ()),
    "bearer": (("bearer_token",), ()),
    "default": ((), ()),
}


def _types_of(name: str) -> str:
    return ", ".join(kind for kind, (needs, takes) in CREDENTIAL_TYPES.items() if name in needs + takes)


def _field(label: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], **schema}}


def _secret(label: str, description: str) -> dict[str, Any]:
    return _field(label, description, format="password")


def _choice(label: str, description: str, *choices: str) -> dict[str, Any]:
    return _field(label, description, enum=[*choices, None])


CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "region_id": _field("Region", "The region to call, for example cn-shanghai."),
    "credential_type": _choice(
        "Credential type",
        "Left empty: the first type that takes all that is filled in; default when nothing is.",
        *CREDENTIAL_TYPES,
    ),
    "security_token": _secret("Security token", "The STS token that goes with temporary keys."),
    "role_arn": _field("Role ARN", "The RAM role to assume, for example acs:ram::1234567890123456:role/media."),
    "role_session_name": _field("Role session name", "Who assumes the role, for the audit log. The SDK makes one up."),
    "role_session_expiration": _field(
        "Role session expiration",
        "Seconds that temporary credentials last, at least 900. Default: 3600. They are renewed 15 minutes before "
        "their end, so 1800 or more is wise.",
    ),
    "policy": _field("Policy", "A RAM policy, as JSON, that narrows what the role may do."),
    "external_id": _field("External ID", "What the role's trust policy asks for, where it does."),
    "sts_endpoint": _field("STS endpoint", "host[:port] of STS. Default: that of the SDK, or of the region in a VPC."),
    "oidc_provider_arn": _field("OIDC provider ARN", "The identity provider that RAM knows."),
    "oidc_token_file_path": _field("OIDC token file", "Path of the token's file, on every worker and triggerer."),
    "role_name": _field("ECS role name", "The RAM role of the machine. The metadata service tells it."),
    "public_key_id": _field("Public key ID", "The ID of the key pair's public key."),
    "private_key_file": _field("Private key file", "Path of the private key, on every worker and triggerer."),
    "credentials_uri": _secret("Credentials URI", "The http or https address that answers with temporary credentials."),
    "bearer_token": _secret("Bearer token", "Sent as it is; only few APIs accept it."),
    "ims_endpoint": _field("IMS endpoint", "host[:port], instead of the region's endpoint."),
    "vod_endpoint": _field("VOD endpoint", "host[:port], instead of the region's endpoint."),
    "network": _choice("Network", "public, or vpc for the endpoints inside a VPC.", "public", "vpc"),
    "protocol": _choice("Protocol", "https; http only for the emulator.", "https", "http"),
    "connect_timeout": _field("Connect timeout", "Seconds to wait for a connection. Default: 5."),
    "read_timeout": _field("Read timeout", "Seconds to wait for an answer. Default: 30."),
    "https_proxy": _secret("Proxy", "URL of a proxy to go through to IMS, VOD and STS."),
    "ca": _field("CA file", "Path of a CA bundle for IMS and VOD, instead of the public ones."),
    "console_url": _field(
        "Console link",
        "Address that a task's page links to, with {product}, {region_id} and {job_id} in it. Default: the console.",
    ),
}
for _name, _entry in CONNECTION_FIELDS.items():
    if _types := _types_of(_name):
        _entry["description"] = f"For {_types}. {_entry['description']}"

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["host", "schema"],
    "relabeling": {"login": "AccessKey ID", "password": "AccessKey secret", "port": "Port (not used)"},
    "placeholders": {
        **{place: f"For {_types_of(name)}" for place, name in LOGIN_FIELDS.items()},
        # They refuse to test what has no port: https://github.com/apache/airflow/pull/73298.
        "port": "0 makes the Test button work in Airflow 3.3.1 and 3.3.2",
    },
}

CONFIG: dict[str, Any] = {
    "alibabacloud_ims": {
        "description": "Options of the Alibaba Cloud IMS provider.",
        "options": {
            "freeze_garbage_collector": {
                "description": (
                    "Exempt waiting triggers from Python's garbage collection with ``gc.freeze()`` while 200 or more "
                    "jobs wait in a triggerer. With ten thousand waiting jobs, this avoids stalls of the event loop of "
                    "100 to 200 ms. It affects the whole triggerer process, including the triggers of other providers."
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": "True",
                "default": "False",
            },
        },
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


def _modules(room: str) -> dict[str, Any]:
    return {
        "integration-name": _INTEGRATION,
        "python-modules": [f"airflow_provider_ims.{room}.ims", f"airflow_provider_ims.{room}.vod"],
    }
