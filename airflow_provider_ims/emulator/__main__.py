"""Runs the emulator with ``python -m airflow_provider_ims.emulator``."""

from __future__ import annotations

import sys

from airflow_provider_ims.emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
