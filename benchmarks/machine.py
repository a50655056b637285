"""Describes the hardware and the software versions for the report."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = (
    "airflow-provider-ims",
    "apache-airflow",
    "apache-airflow-task-sdk",
    "alibabacloud-tea-openapi",
    "alibabacloud-ice20201109",
    "alibabacloud-vod20170321",
)


def describe() -> list[str]:
    """Return the hardware and the versions, one per line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return [
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    ]
