"""The documentation site builds without warnings and without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import ROOT, blocks_of
from support.waiting import CEILING

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
#: An unused port as the proxy, so that a build that uses the network fails.
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build as ``make docs`` does; the standard error contains the warnings."""
    (command,) = re.findall(r"^\t@?\$\(BIN\)/sphinx-build (.*) docs build/docs$", (ROOT / "Makefile").read_text(), re.M)
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *command.split(), str(source), str(target)],
        capture_output=True,
        text=True,
        timeout=CEILING,
        check=False,
        env={**os.environ, **NO_NETWORK},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    run = build(DOCS, target)
    assert (run.returncode, run.stderr) == (0, "")
    return target


@pytest.fixture
def small_site(tmp_path: Path) -> Path:
    """Return the sources of a site with two pages and the real settings, which builds faster than the real site."""
    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copy(DOCS / "conf.py", folder)
    shutil.copytree(DOCS / "integration-logos", folder / "integration-logos")
    (folder / "index.md").write_text("# Index\n\n```{toctree}\nquickstart\n```\n")
    (folder / "quickstart.md").write_text("# Quick start\n")
    return folder


def test_the_site_builds_without_warnings(site: Path) -> None:
    assert "one job per task run" in (site / "reliability.html").read_text()


def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"((?:https?:)?//[^\"]*)", page.read_text()
        )
        assert loaded == [], page


def test_the_description_of_an_operator_includes_inherited_arguments(site: Path) -> None:
    page = (site / "reference/operators.html").read_text()
    described = page.partition('id="imssubmitbatchmediaproducingjoboperator"')[2].partition("<section ")[0]
    for argument in ("input_config", "fail_on_partial_failure"):
        assert f"<strong>{argument}</strong> " in described
    for argument in ("ims_conn_id", "poll_interval", "on_uncertain"):
        assert f">{argument}</span>" in described
    assert 'href="#submitoperator"' in described


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = [
        line
        for block in blocks_of(DOCS / "index.md")
        if block.language == "{toctree}"
        for line in block.text.splitlines()
        if line and not line.startswith(":")
    ]
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert set(listed) == pages - {"index"}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("stray.md", "# Stray\n", "isn't included in any toctree"),
        ("quickstart.md", "# Quick start\n\n[nowhere](nowhere.md)\n", "nowhere.md"),
        ("quickstart.md", "# Quick start\n\n[nowhere](index.md#nowhere)\n", "nowhere"),
    ],
)
def test_a_broken_page_fails_the_build(name: str, text: str, message: str, small_site: Path, tmp_path: Path) -> None:
    (small_site / name).write_text(text)
    run = build(small_site, tmp_path / "site")
    assert run.returncode != 0
    assert message in run.stderr


def test_the_small_site_builds(small_site: Path, tmp_path: Path) -> None:
    run = build(small_site, tmp_path / "site")
    assert (run.returncode, run.stderr) == (0, "")
