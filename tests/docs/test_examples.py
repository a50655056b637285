"""Every code block of the documentation runs, or shows the actual output of another block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dags import DagRunner
from support.pages import PAGES, ROOT, Block, Page, blocks_of, commands_of

from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

#: The start of a command, or the first line of another block -> the reason why it does not run here.
NOT_RUN = {
    "make ": "these commands are tested elsewhere: the demo in tests/system, the site in test_build.py",
    "airflow pools set ": "needs a metadata database; tests/system/test_policies.py tests such a pool",
    "pip install ": "needs a package index; tests/test_packaging.py builds the package",
    "DAG arguments -> operator": "a diagram",
    "<!-- generated: class": "an example of the markers; test_generated.py tests them",
    "const { RPCClient }": "tests/emulator/test_node_clients.py runs it",
    "import                                          ms": "output of `make bench`",
}
#: Directives, which Sphinx runs in test_build.py.
DIRECTIVES = {"{toctree}", "{include}"}
WITH_CODE = [page for page in PAGES if any(block.language not in DIRECTIVES for block in blocks_of(page))]


@pytest.fixture
def page(
    airflow_db: None, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Page]:
    page = Page(tmp_path, ims_emulator, DagRunner(tmp_path, monkeypatch))
    try:
        yield page
    finally:
        page.close()


def not_run(text: str) -> str | None:
    return next((beginning for beginning in NOT_RUN if text.strip().startswith(beginning)), None)


@pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run(path: Path, page: Page) -> None:
    for block in blocks_of(path):
        if block.language == "console":
            for command, printed in commands_of(block):
                if not not_run(command):
                    page.command(command, printed, block)
        elif block.language not in DIRECTIVES and not not_run(block.text):
            page.run(block)
    page.run_tests()


def test_every_exception_is_necessary() -> None:
    found = set()
    for path in WITH_CODE:
        for block in blocks_of(path):
            texts = [command for command, _ in commands_of(block)] if block.language == "console" else [block.text]
            found |= {not_run(text) for text in texts}
    assert found - {None} == set(NOT_RUN)


@pytest.mark.parametrize(
    ("info", "text", "message"),
    [
        ("yaml", "a: 1\n", "cannot run a block of yaml"),
        ("", "a diagram\n", "cannot run a block of no language"),
        ("python", 'assert 1 == 2, "no"\n', "no"),
        ("python", "def test_it():\n    assert 1 == 2\n", "1 failed"),
        ("console", "$ false\n", "false"),
        ("console", "$ echo 1\n2\n", "echo 1 prints"),
        ("console", "$ export AIRFLOW_CONN_X='alibabacloud-ims://key@/?region_id=cn-shanghai'\n", "password"),
        ("json", "{}\n", "the word after json"),
        ("json request SubmitTextGenerateJob", '{"Type": "Title"}\n', "the actual value is"),
        ("json policy text", '{"Version": "1", "Statement": []}\n', "the actual value is"),
    ],
)
def test_a_wrong_block_fails(info: str, text: str, message: str, page: Page) -> None:
    page.run(Block(Path("page.md"), 1, ("python",), SUBMIT))
    with pytest.raises(Exception, match=message):  # noqa: PT012
        page.run(Block(Path("page.md"), 2, tuple(info.split()), text))
        page.run_tests()


SUBMIT = """
from airflow_provider_ims.hooks.ims import ImsHook

ImsHook().call("SubmitTextGenerateJob", {"Type": "StoryboardScript", "GenerateConfig": {"originText": "cake"}})
"""


def test_values_that_change_with_each_run_are_not_compared(page: Page) -> None:
    page.run(Block(Path("page.md"), 1, ("python",), SUBMIT))
    shown = '{"Type": "StoryboardScript", "GenerateConfig": {"originText": "cake"}}'
    page.run(Block(Path("page.md"), 2, ("json", "request", "SubmitTextGenerateJob"), shown))
    page.run(
        Block(
            Path("page.md"),
            3,
            ("console",),
            "$ echo 127.0.0.1:4711 0123456789abcdef0123456789abcdef\n127.0.0.1:8020 ffffffffffffffffffffffffffffffff\n",
        )
    )
