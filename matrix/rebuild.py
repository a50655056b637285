"""
Rebuild the constraint files: ``python -m matrix.rebuild [row ...]``, with ``uv`` on the PATH.

Airflow publishes constraints for each release: the newest versions, on the day of the release, of all packages,
including the optional providers. This program creates similar constraints: it resolves ``apache-airflow[all]`` with the
packages that were available on that day.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.rows import ROWS, Row, selected

CHECKOUT = Path(__file__).parents[1]


def names(lines: Iterable[str]) -> set[str]:
    """Return the normalized names of the packages in requirement lines."""
    found = (re.match(r"[\w.-]+", line) for line in lines if not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def compiled(requirements: Sequence[str], row: Row, *options: str, preferred: str | None = None) -> str:
    """
    Resolve requirements with uv, and return lines of the form ``name==version``.

    :param preferred: Pins to keep if they satisfy the requirements.
    """
    output = CHECKOUT / ".matrix" / f"{row.name}-compiled.txt"
    output.parent.mkdir(exist_ok=True)
    output.unlink(missing_ok=True)
    if preferred is not None:
        # uv keeps the pins of an existing output file.
        output.write_text(preferred)
    command = ["uv", "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--python-version", row.python]
    run = subprocess.run(
        [*command, "--output-file", str(output), *options],
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"{row.name}:\n{run.stderr}")
    return "".join(f"{line}\n" for line in output.read_text().splitlines() if re.match(r"[\w.-]+==", line))


def of_release(row: Row) -> str:
    """Return the constraints for an Airflow release."""
    requirement = f"apache-airflow[all]=={row.airflow}"
    options = ["--exclude-newer", row.released]
    # Start from the pins of the first row of this release, so that the rows do not differ unnecessarily.
    first = next(other for other in ROWS if other.airflow == row.airflow and not other.lowest)
    pins = compiled([requirement], row, *options, preferred=None if first == row else first.constraints.read_text())
    return f"# {requirement}, Python {row.python}, with packages released by {row.released}\n{pins}"


def of_lowest(row: Row) -> str:
    """Return the lowest versions of the direct dependencies, and for other packages the versions in the constraints."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], f"apache-airflow=={row.airflow}"]
    release = next(other for other in ROWS if other.airflow == row.airflow and not other.lowest)
    # Airflow's constraints do not apply to the dependencies of the SDK, which may have to be newer.
    sdk = compiled([line for line in direct if line.startswith("alibabacloud")], row, "--resolution", "lowest-direct")
    free = names(direct) | {name for name in names(sdk.splitlines()) if re.match("alibabacloud|darabonba", name)}
    fixed = [line for line in release.constraints.read_text().splitlines() if not names([line]) & free]
    constraints = CHECKOUT / ".matrix" / f"{row.name}-fixed.txt"
    constraints.parent.mkdir(exist_ok=True)
    constraints.write_text("\n".join(fixed))
    pins = compiled(direct, row, "--resolution", "lowest-direct", "--constraints", str(constraints))
    return f"# The lowest versions of the direct dependencies; other packages as for Airflow {row.airflow}\n{pins}"


def main() -> None:
    """Rebuild the files of the given rows, or of all rows."""
    for row in sorted(selected(sys.argv[1:]), key=lambda row: row.lowest):
        row.constraints.write_text(of_lowest(row) if row.lowest else of_release(row))
        print(row.constraints.name, flush=True)


if __name__ == "__main__":
    main()
