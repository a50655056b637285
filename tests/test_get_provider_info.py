from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import distribution, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseHook, Connection

import airflow_provider_ims
from airflow_provider_ims._config import OPTIONS
from airflow_provider_ims.get_provider_info import get_provider_info
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS, CREDENTIAL_TYPES, LOGIN_FIELDS
from airflow_provider_ims.hooks._settings import NETWORKS, PROTOCOLS, Settings, read_settings

NAME = "airflow-provider-ims"
ROOT = Path(__file__).parents[1]
INFO = get_provider_info()
(CONNECTION_TYPE,) = INFO["connection-types"]

#: For each field of the form, a value that differs from the default.
VALUES = {
    "region_id": "cn-beijing",
    "credential_type": "default",
    "security_token": "token",
    "console_url": "https://console.example.com/{job_id}",
    "ims_endpoint": "localhost:1",
    "vod_endpoint": "localhost:2",
    "oss_endpoint": "localhost:3",
    "smq_queue": "ice-callback-airflow",
    "smq_endpoint": "localhost:4",
    "network": "vpc",
    "protocol": "http",
    "connect_timeout": "7",
    "read_timeout": "7",
    "https_proxy": "http://proxy:3128",
    "ca": "/etc/ca.pem",
}
SECRETS = {"security_token", "bearer_token", "credentials_uri", "https_proxy"}


def settings(**extra: str) -> Settings:
    return read_settings(
        Connection(conn_type="alibabacloud_ims", conn_id="c", login="key", password="secret", extra=json.dumps(extra))
    )


def test_the_metadata_matches_airflows_schema() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_airflow_finds_the_metadata_through_the_entry_point() -> None:
    (found,) = [
        point for point in entry_points(group="apache_airflow_provider") if point.dist and point.dist.name == NAME
    ]
    assert found.load() is get_provider_info


def test_the_package_name_is_the_name_of_the_distribution() -> None:
    # Otherwise, Airflow stops the discovery of all providers, not only of this provider.
    assert INFO["package-name"] == distribution(NAME).name == NAME


def test_the_version_is_that_of_the_distribution() -> None:
    assert distribution(NAME).version == airflow_provider_ims.__version__


@pytest.mark.parametrize("section", ["hooks", "operators", "sensors", "triggers"])
def test_every_listed_module_exists(section: str) -> None:
    names = {integration["integration-name"] for integration in INFO["integrations"]}
    assert {entry["integration-name"] for entry in INFO[section]} <= names
    modules = [module for entry in INFO[section] for module in entry["python-modules"]]
    package = importlib.import_module(f"airflow_provider_ims.{section}").__path__
    public = {one.name for one in pkgutil.iter_modules(package) if not one.name.startswith("_")} - {"base"}
    assert sorted(modules) == sorted(f"airflow_provider_ims.{section}.{name}" for name in public)
    for module in modules:
        assert importlib.import_module(module).__name__ == module


def test_the_guides_and_the_logos_are_files_of_the_documentation() -> None:
    for integration in INFO["integrations"]:
        for path in (*integration["how-to-guide"], integration["logo"]):
            assert path.startswith("/docs/")
            assert (ROOT / path.removeprefix("/")).is_file(), path


def test_every_guide_belongs_to_an_integration() -> None:
    listed = {path for integration in INFO["integrations"] for path in integration["how-to-guide"]}
    assert listed == {f"/docs/howto/{page.name}" for page in (ROOT / "docs" / "howto").glob("*.md")}


def test_the_connection_type_is_that_of_the_hook() -> None:
    module, _, name = CONNECTION_TYPE["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert issubclass(hook, AlibabaCloudMediaHook)
    assert issubclass(hook, BaseHook)
    assert hook.conn_type == CONNECTION_TYPE["connection-type"] == "alibabacloud_ims"
    assert hook.hook_name == CONNECTION_TYPE["hook-name"] == "Alibaba Cloud IMS"
    # Airflow splits the names of the fields at double underscores.
    assert "__" not in hook.conn_type


CREDENTIALS = {name for needs, takes in CREDENTIAL_TYPES.values() for name in needs + takes}


@pytest.mark.parametrize("name", VALUES)
def test_every_field_of_the_form_is_read(name: str) -> None:
    assert settings(**{name: VALUES[name]}) != settings()
    assert settings(**{name: ""}) == settings()


def test_the_form_has_exactly_the_fields_that_are_read() -> None:
    # tests/hooks/test_settings.py verifies that the fields of each credential type are read.
    assert set(CONNECTION_FIELDS) == VALUES.keys() | CREDENTIALS - set(LOGIN_FIELDS.values())


@pytest.mark.parametrize("name", sorted(CREDENTIALS - set(LOGIN_FIELDS.values())))
def test_the_description_of_a_credential_field_contains_its_credential_types(name: str) -> None:
    types = [kind for kind, (needs, takes) in CREDENTIAL_TYPES.items() if name in needs + takes]
    assert CONNECTION_FIELDS[name]["description"].startswith(f"For {', '.join(types)}. ")


@pytest.mark.parametrize(
    ("name", "choices"),
    [("credential_type", tuple(CREDENTIAL_TYPES)), ("network", NETWORKS), ("protocol", PROTOCOLS)],
)
def test_the_choices_of_the_form_are_the_accepted_values(name: str, choices: tuple[str, ...]) -> None:
    enum: list[Any] = CONNECTION_FIELDS[name]["schema"]["enum"]
    assert set(enum) == {*choices, None}


def test_every_field_can_be_empty() -> None:
    for field in CONNECTION_FIELDS.values():
        jsonschema.validate(None, field["schema"])
        assert field["label"]
        assert field["description"]


def test_secrets_are_password_fields() -> None:
    hidden = {name for name, field in CONNECTION_FIELDS.items() if field["schema"].get("format") == "password"}
    assert hidden == SECRETS


def test_login_and_password_are_relabelled() -> None:
    behaviour = CONNECTION_TYPE["ui-field-behaviour"]
    assert behaviour["relabeling"] == {
        "login": "AccessKey ID",
        "password": "AccessKey secret",
        "port": "Port (not used)",
    }
    assert set(behaviour["hidden-fields"]) == {"host", "schema"}


#: Code that prints the form as Airflow's API returns it. It runs in a new process, because the provider manager caches.
FORM = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager
(form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "alibabacloud_ims"]
formats = {name: field["schema"].get("format") for name, field in form.extra_fields.items()}
print(json.dumps([formats, ProvidersManager().field_behaviours["alibabacloud_ims"]["relabeling"]]))
"""


def test_airflow_returns_the_options_and_their_defaults() -> None:
    from airflow.providers.common.compat.sdk import conf
    from airflow.providers_manager import ProvidersManager

    # Before Airflow 3.2, a process does not load the providers' defaults by itself.
    ProvidersManager().initialize_providers_configuration()
    options = INFO["config"]["ims"]["options"]
    assert list(options) == [option.name for option in OPTIONS]
    for option in OPTIONS:
        default = options[option.name]["default"]
        assert conf.get("ims", option.name) == default
        assert option.get() == option.parse(default) == option.default


def test_airflow_shows_the_form() -> None:
    run = subprocess.run([sys.executable, "-c", FORM], capture_output=True, text=True, check=True, timeout=120)
    shown, relabeling = json.loads(run.stdout.splitlines()[-1])
    assert relabeling["login"] == "AccessKey ID"
    assert set(shown) == set(CONNECTION_FIELDS)
    assert {name for name, form in shown.items() if form == "password"} == SECRETS


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks")
def test_airflow_shows_the_provider_and_its_connection() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert manager.providers[NAME].version == airflow_provider_ims.__version__
    hook = manager.hooks["alibabacloud_ims"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_testable) == ("Alibaba Cloud IMS", True)
    assert hook.connection_id_attribute_name == "ims_conn_id"
