"""Checks of the installed package. This program runs in the environment of a row and prints one JSON object."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

#: Modules that require Airflow 3.3.
NEWER = {"airflow_provider_ims._events.producer", "airflow_provider_ims.policies.retry"}
#: Modules that require the package extra ``smq``, which the rows do not install.
OPTIONAL = {"airflow_provider_ims.hooks._mns", "airflow_provider_ims.queues.smq"}


def imports() -> dict[str, Any]:
    """Import and count the modules that this version of Airflow supports and that require no package extra."""
    from airflow import __version__

    import airflow_provider_ims

    excluded = OPTIONAL if tuple(map(int, __version__.split(".")[:2])) >= (3, 3) else OPTIONAL | NEWER
    assert Path(airflow_provider_ims.__file__ or "").is_relative_to(sys.prefix), "not the installed package"
    found = [
        module.name
        for module in pkgutil.walk_packages(airflow_provider_ims.__path__, "airflow_provider_ims.")
        if not module.name.endswith("__main__") and module.name not in excluded
    ]
    for name in found:
        importlib.import_module(name)
    return {"modules": len(found)}


def form() -> dict[str, Any]:
    """Count the fields of the connection form that Airflow's API and its provider manager return."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
    from airflow.providers_manager import ProvidersManager

    (meta,) = (hook for hook in HookMetaService.hook_meta_data() if hook.connection_type == "alibabacloud_ims")
    widgets = ProvidersManager().connection_form_widgets.values()
    return {
        "api": len(meta.extra_fields or {}),
        "manager": sum(widget.package_name == "airflow-provider-ims" for widget in widgets),
    }


def parts() -> dict[str, Any]:
    """Return which optional features this version of Airflow supports."""
    import airflow.sdk
    from airflow.configuration import conf
    from airflow.triggers.base import BaseTrigger

    try:
        importlib.import_module("airflow.sdk.execution_time.context").TaskStateStoreAccessor  # noqa: B018
        store = True
    except AttributeError:
        store = False
    return {
        "store": store,
        "on_kill": hasattr(BaseTrigger, "on_kill"),
        "retry_policy": hasattr(airflow.sdk, "RetryPolicy"),
        "queues": conf.has_option("triggerer", "queues_enabled"),
    }


if __name__ == "__main__":
    print(json.dumps({"imports": imports, "form": form, "parts": parts}[sys.argv[1]]()))
