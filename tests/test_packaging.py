"""The wheel that a user installs, built from the source distribution."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from support.waiting import CEILING

import airflow_provider_ims

pytestmark = pytest.mark.slow

ROOT = Path(airflow_provider_ims.__file__).parent.parent
STEM = f"airflow_provider_ims-{airflow_provider_ims.__version__}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=CEILING)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(built / f"{STEM}-py3-none-any.whl")


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(f"{STEM}.dist-info/METADATA").decode())


#: The files of the media pages that are not Python modules.
PAGES = {
    f"airflow_provider_ims/media/{name}"
    for name in (
        "static/media.css",
        "static/media.js",
        "templates/base.html",
        "templates/error.html",
        "templates/parts.html",
        "templates/run.html",
        "templates/task.html",
    )
}


def sources(folder: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}


def test_the_wheel_contains_the_package_and_the_example_dags(wheel: zipfile.ZipFile) -> None:
    examples = {f"airflow_provider_ims/{name}" for name in sources("example_dags")}
    assert examples
    code = {name for name in wheel.namelist() if name.endswith(".py")}
    assert code == sources("airflow_provider_ims") | examples
    # With this file, type checkers use the annotations of the package and of the emulator's fixture.
    assert "airflow_provider_ims/py.typed" in wheel.namelist()


def test_the_wheel_contains_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"airflow_provider_ims", f"{STEM}.dist-info"}
    # A folder named airflow would shadow parts of Airflow.
    others = {name for name in wheel.namelist() if not name.endswith(".py") and ".dist-info/" not in name}
    assert others == PAGES | {
        "airflow_provider_ims/py.typed",
        "airflow_provider_ims/emulator/api/families/shapes.json",
        "airflow_provider_ims/emulator/api/known_actions.json",
        "airflow_provider_ims/hooks/api/ice.json",
        "airflow_provider_ims/hooks/api/vod.json",
    }


def test_the_wheel_declares_the_entry_points(wheel: zipfile.ZipFile) -> None:
    points = ConfigParser()
    points.read_string(wheel.read(f"{STEM}.dist-info/entry_points.txt").decode())
    assert {section: dict(points[section]) for section in points.sections()} == {
        "airflow.plugins": {"ims": "airflow_provider_ims._plugin:ImsPlugin"},
        "apache_airflow_provider": {"provider_info": "airflow_provider_ims.get_provider_info:get_provider_info"},
        "console_scripts": {"ims-emulator": "airflow_provider_ims.emulator.cli:main"},
        "pytest11": {"airflow_provider_ims": "airflow_provider_ims.emulator.pytest_plugin"},
    }


def test_the_metadata_contains_the_name_version_licence_and_readme(metadata: Message) -> None:
    assert metadata["Name"] == "airflow-provider-ims"
    assert metadata["Version"] == airflow_provider_ims.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_wheel_declares_its_requirements_and_extras(metadata: Message) -> None:
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert "apache-airflow>=3.1.3" in needed
    names = {line.partition(">=")[0] for line in needed}
    assert {
        "alibabacloud-credentials",
        "alibabacloud-ice20201109",
        "alibabacloud-tea-openapi",
        "alibabacloud-vod20170321",
        "apache-airflow-providers-common-compat",
    } <= names
    # A library must not pin the versions of its dependencies.
    assert all("==" not in line for line in needed)
    assert set(metadata.get_all("Provides-Extra", [])) == {"cluster", "dev", "emulator", "media", "media-files", "smq"}


def test_the_licence_is_included(wheel: zipfile.ZipFile) -> None:
    inside = wheel.read(f"{STEM}.dist-info/licenses/LICENSE").decode()
    assert inside == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in inside


def test_the_source_distribution_contains_tests_and_examples(built: Path) -> None:
    with tarfile.open(built / f"{STEM}.tar.gz") as source:
        names = {name.removeprefix(f"{STEM}/") for name in source.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "PKG-INFO"} <= names
    assert sources("airflow_provider_ims") | sources("example_dags") | sources("tests") <= names
