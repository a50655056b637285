from __future__ import annotations

import os

import pytest
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator

pytest_plugins = ["pytester"]


def test_the_jobs_of_the_fixture_end_immediately(ims_emulator: ImsEmulator) -> None:
    send = SignedClient.of(ims_emulator)
    for action, parameters in GOOD_REQUESTS.items():
        assert send(action, parameters)[0] == 200
    assert [job["state"] for job in ims_emulator.jobs()] == ["Finished", "Finished", "Finished", "success"]


def test_the_default_connection_points_to_the_emulator(ims_emulator: ImsEmulator) -> None:
    assert os.environ["AIRFLOW_CONN_IMS_DEFAULT"] == ims_emulator.connection_uri


def test_each_test_has_a_new_emulator(ims_emulator: ImsEmulator) -> None:
    assert ims_emulator.jobs() == ims_emulator.requests() == []


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_the_marker_sets_options_of_the_emulator(ims_emulator: ImsEmulator) -> None:
    SignedClient.of(ims_emulator)("SubmitTextGenerateJob", GOOD_REQUESTS["SubmitTextGenerateJob"])
    ims_emulator.advance(59)
    assert ims_emulator.jobs()[0]["state"] == "Executing"


def test_a_project_requires_only_the_installed_package(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    pytester.makepyfile(
        """
        import os

        def test_connection(ims_emulator):
            assert ims_emulator.health()["status"] == "ok"
            assert "alibabacloud-ims://" in os.environ["AIRFLOW_CONN_IMS_DEFAULT"]
            assert "HTTP_PROXY" not in os.environ

        def test_another():
            assert "AIRFLOW_CONN_IMS_DEFAULT" not in os.environ
        """
    )
    monkeypatch.delenv("AIRFLOW_CONN_IMS_DEFAULT", raising=False)
    pytester.runpytest_inprocess("--strict-markers").assert_outcomes(passed=2)
