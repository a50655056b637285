"""The tests of pages require a browser: Debian's Chromium (``apt-get install chromium``)."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None and os.environ.get("CI"):
    raise pytest.UsageError("CI requires Chromium, which is not installed: apt-get install chromium")
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]
