"""The rows of the matrix: the combinations of versions that are checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parent / "constraints"
MINIMUM = "3.1.3"


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One combination of versions.

    :param airflow: The version of Airflow.
    :param python: The version of Python, such as ``3.11``.
    :param released: The release date of the Airflow version. The constraints contain no newer packages.
    :param lowest: Whether all direct dependencies have the lowest version that the package allows.
    :param many: Whether the row includes the check with hundreds of waiting tasks.
    """

    airflow: str
    python: str
    released: str
    lowest: bool = False
    many: bool = False

    @property
    def name(self) -> str:
        """The name of the row on the command line and in file names."""
        return f"{'lowest' if self.lowest else self.airflow}-python{self.python}"

    @property
    def constraints(self) -> Path:
        """The constraints file of the row."""
        stem = "lowest" if self.lowest else f"airflow-{self.airflow}"
        return CONSTRAINTS / f"{stem}-python{self.python}.txt"


ROWS = (
    Row(airflow=MINIMUM, python="3.11", released="2025-11-14", lowest=True),
    Row(airflow=MINIMUM, python="3.11", released="2025-11-14"),
    Row(airflow="3.1.8", python="3.11", released="2026-03-11", many=True),
    Row(airflow="3.2.1", python="3.11", released="2026-04-22"),
    Row(airflow="3.2.2", python="3.11", released="2026-05-29"),
    Row(airflow="3.3.2", python="3.11", released="2026-09-17"),
    Row(airflow="3.3.2", python="3.12", released="2026-09-17"),
    Row(airflow="3.3.2", python="3.13", released="2026-09-17"),
)


def selected(wanted: Iterable[str]) -> list[Row]:
    """
    Return the rows that match one of the names, or all rows if there are no names.

    :param wanted: Names of rows, versions of Airflow, or ``lowest``.
    :raises ValueError: If a name matches no row.
    """
    wanted = list(wanted)
    unknown = [word for word in wanted if not any(_matches(row, word) for row in ROWS)]
    if unknown:
        raise ValueError(f"unknown row {', '.join(unknown)}; choose from {', '.join(row.name for row in ROWS)}")
    return [row for row in ROWS if not wanted or any(_matches(row, word) for word in wanted)]


def _matches(row: Row, word: str) -> bool:
    return word == row.name or word == ("lowest" if row.lowest else row.airflow)
