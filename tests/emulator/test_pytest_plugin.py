from __future__ import annotations

import os

import pytest

pytest_plugins = ["pytester"]


def test_the_fixture_gives_an_emulator_whose_jobs_end_at_once(ims_emulator, wire_class, good_requests):
    wire = wire_class(ims_emulator)
    for action, parameters in good_requests.items():
        assert wire(action, parameters)[0] == 200
    assert [job["state"] for job in ims_emulator.jobs()] == ["Finished", "Finished", "Finished", "success"]


def test_the_default_connection_leads_to_the_emulator(ims_emulator):
    assert os.environ["AIRFLOW_CONN_IMS_DEFAULT"] == ims_emulator.connection_uri


def test_the_fixture_is_fresh_for_every_test(ims_emulator):
    assert ims_emulator.jobs() == ims_emulator.requests() == []


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_marker_sets_the_emulator_up(ims_emulator, wire_class, good_requests):
    wire_class(ims_emulator)("SubmitTextGenerateJob", good_requests["SubmitTextGenerateJob"])
    ims_emulator.advance(59)
    assert ims_emulator.jobs()[0]["state"] == "Executing"


def test_a_project_needs_no_more_than_the_package_installed(pytester, monkeypatch):
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
