from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from airflow.providers.openlineage.utils.utils import translate_airflow_asset
from airflow.sdk import Asset
from openlineage.client.event_v2 import Dataset

from airflow_provider_ims._jobs.objects import OssObject
from airflow_provider_ims._lineage import dataset
from airflow_provider_ims.assets.oss import create_asset


@pytest.mark.parametrize(
    ("uri", "normalized"),
    [
        ("oss://videos/a/b.mp4", "oss://videos/a/b.mp4"),
        ("OSS://videos/a/b.mp4", "oss://videos/a/b.mp4"),
        ("oss://videos.oss-cn-shanghai.aliyuncs.com/a.mp4", "oss://videos/a.mp4"),
        ("oss://videos.oss-cn-beijing-internal.aliyuncs.com/a.mp4", "oss://videos/a.mp4"),
        ("oss://videos/新店 1.mp4", "oss://videos/%E6%96%B0%E5%BA%97%201.mp4"),
        ("oss://videos/%E6%96%B0%E5%BA%97%201.mp4", "oss://videos/%E6%96%B0%E5%BA%97%201.mp4"),
        ("oss://videos/folder/", "oss://videos/folder"),
        ("oss://videos", "oss://videos/"),
        ("oss://videos/a.mp4?versionId=3", "oss://videos/a.mp4?versionId=3"),
        ("oss://my_bucket/a.mp4", "oss://my_bucket/a.mp4"),
    ],
)
def test_an_asset_has_one_uri_for_each_object(uri: str, normalized: str) -> None:
    assert Asset(uri=uri).uri == normalized


@pytest.mark.parametrize(
    "uri", ["oss:///a.mp4", "oss://Videos/a.mp4", "oss://-a/b", "oss://a.b/c", "oss://videos:80/c"]
)
def test_an_asset_without_a_valid_bucket_is_an_error(uri: str) -> None:
    with pytest.raises(ValueError, match="is not a bucket: the format is oss://bucket/key"):
        Asset(uri=uri)


@pytest.mark.parametrize("key", ["a/b.mp4", "新店.mp4", "a b.mp4"])
def test_an_asset_and_the_output_of_a_job_are_the_same_dataset(key: str) -> None:
    expected = dataset(OssObject("videos", key))
    found: Any = translate_airflow_asset(Asset(uri=f"oss://videos/{key}"), None)
    assert isinstance(found, Dataset)
    assert (found.namespace, found.name) == (expected.namespace, expected.name) == ("oss://videos", key)


def test_a_bucket_is_a_dataset() -> None:
    found: Any = translate_airflow_asset(Asset(uri="oss://videos"), None)
    assert (found.namespace, found.name) == ("oss://videos", "/")


def test_the_factory_returns_the_asset_of_an_object() -> None:
    asset = create_asset(bucket="videos", key="新店.mp4", extra={"size": 1})
    assert (asset.uri, asset.extra) == (Asset(uri="oss://videos/新店.mp4").uri, {"size": 1})


#: The code of a new process, in which Airflow discovers its providers.
REGISTERED = """
import sys
from airflow.sdk import Asset
from airflow.providers_manager import ProvidersManager
Asset(uri="oss://videos.oss-cn-shanghai.aliyuncs.com/a.mp4")
loaded = [name for name in sys.modules if name.startswith(("alibabacloud", "airflow_provider_ims.operators"))]
manager = ProvidersManager()
functions = (manager.asset_uri_handlers, manager.asset_factories, manager.asset_to_openlineage_converters)
print(*(found["oss"].__module__ for found in functions), *loaded)
"""


def test_airflow_registers_the_scheme_without_importing_the_sdk() -> None:
    run = subprocess.run([sys.executable, "-c", REGISTERED], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.split("\n")[-2].split() == ["airflow_provider_ims.assets.oss"] * 3
