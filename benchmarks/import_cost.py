"""
Measures the cost of importing the provider in addition to ``airflow.sdk``, which every DAG file imports.

Each import is timed several times, each time in a new interpreter. The modules are measured in turn, so that other
processes on the machine affect all modules equally.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

OURS = [
    f"airflow_provider_ims.{kind}.{product}"
    for kind in ("operators", "sensors", "triggers")
    for product in ("ims", "vod")
]
PRODUCT_CLIENTS = ["alibabacloud_ice20201109.client", "alibabacloud_vod20170321.client"]
SDK_PREFIXES = ("alibabacloud_", "darabonba", "Tea")
TARGET_MS = 50

MEASURE = """
import importlib, json, sys, time
import airflow.sdk
before = set(sys.modules)
start = time.perf_counter()
importlib.import_module(sys.argv[1])
milliseconds = (time.perf_counter() - start) * 1000
print(json.dumps([milliseconds, sorted(set(sys.modules) - before)]))
"""


def measure(module: str, airflow_home: str) -> tuple[float, list[str]]:
    """Import a module in a new interpreter; return the milliseconds and the names of the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, module],
        env=os.environ | {"AIRFLOW_HOME": airflow_home, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"},
        check=True,
        capture_output=True,
        text=True,
    )
    milliseconds, modules = json.loads(done.stdout.splitlines()[-1])
    return milliseconds, modules


def measure_all(runs: int) -> tuple[list[str], list[str]]:
    """Return the lines of the table, and the modules of the provider that missed the target."""
    found: dict[str, list[tuple[float, list[str]]]] = {module: [] for module in OURS + PRODUCT_CLIENTS}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs):
            for module, results in found.items():
                results.append(measure(module, home))
    table = [f"{'import':<42}{'ms':>8}{'modules':>9}{'SDK modules':>13}"]
    missed = []
    for module, results in found.items():
        milliseconds = statistics.median(result[0] for result in results)
        modules = results[0][1]
        sdk = sum(name.startswith(SDK_PREFIXES) for name in modules)
        table.append(f"{module:<42}{milliseconds:>8.1f}{len(modules):>9}{sdk:>13}")
        if module in OURS and (milliseconds >= TARGET_MS or sdk):
            missed.append(module)
    return table, missed


def main() -> int:
    """Print the table; return 1 if a module of the provider misses the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=7, help="measurements of each module (default: %(default)s)")
    runs = parser.parse_args().n
    table, missed = measure_all(runs)
    print(f"Cost in addition to `import airflow.sdk`, median of {runs} new interpreters:\n")
    print("\n".join(table))
    print(f"\nTarget: each module of the provider under {TARGET_MS} ms, no SDK modules: ", end="")
    print(f"missed by {', '.join(missed)}" if missed else "met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
