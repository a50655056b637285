"""A browser for tests, and screenshots of its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from support.waiting import CEILING

#: The folder of the screenshots; set by ``make screenshots``.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
SECONDS = 1000


@contextmanager
def open_page(**options: Any) -> Iterator[Page]:
    """
    Open an empty page in a new browser.

    :param options: Options of the page, such as ``color_scheme``.
    """
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work as root, and the tests open only pages of this machine.
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        page.set_default_timeout(CEILING * SECONDS)
        # The default timeout of assertions is five seconds.
        expect.set_options(timeout=CEILING * SECONDS)
        yield page
        browser.close()


def save_screenshot(page: Page, name: str) -> None:
    """Save a screenshot of a page, if screenshots are requested."""
    if SCREENSHOTS:
        page.wait_for_timeout(1 * SECONDS)
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"), animations="disabled")
