"""Jobs that one action creates and another one starts, and the listing of workflow tasks."""

from __future__ import annotations

from typing import Any

import pytest
from support.emulated import open_jobs, response_of, submitted

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs

VOICE = {"VoiceId": "xiaozhuan", "Gender": "male", "Scenario": "story", "VoiceName": "小专"}


@pytest.fixture
def jobs() -> Any:
    with open_jobs() as jobs:
        yield jobs


def avatar(jobs: Jobs, job_id: str) -> Any:
    return response_of(jobs, "GetAvatarTrainingJob", {"JobId": job_id})["Data"]["AvatarTrainingJob"]


def voice(jobs: Jobs, job_id: str) -> Any:
    return response_of(jobs, "GetCustomizedVoiceJob", {"JobId": job_id})["Data"]["CustomizedVoiceJob"]


def test_an_avatar_is_trained_only_after_it_is_submitted(jobs: Jobs) -> None:
    created = response_of(jobs, "CreateAvatarTrainingJob", {"AvatarName": "店主", "Transparent": "false"})
    job_id = created["Data"]["JobId"]
    jobs.clock.advance(1000)
    assert avatar(jobs, job_id)["Status"] == "Init"
    assert response_of(jobs, "SubmitAvatarTrainingJob", {"JobId": job_id})["Data"] == {"JobId": job_id}
    jobs.clock.advance(3)
    assert avatar(jobs, job_id)["Status"] == "Training"
    # A second submit request does not start a running job again.
    response_of(jobs, "SubmitAvatarTrainingJob", {"JobId": job_id})
    jobs.clock.advance(1000)
    trained = avatar(jobs, job_id)
    assert (trained["Status"], trained["AvatarName"], trained["Transparent"]) == ("Success", "店主", False)
    assert len(jobs.store.jobs()) == 1


def test_a_voice_is_trained_only_after_its_id_is_submitted(jobs: Jobs) -> None:
    job_id = response_of(jobs, "CreateCustomizedVoiceJob", VOICE)["Data"]["JobId"]
    jobs.clock.advance(1000)
    assert voice(jobs, job_id)["Status"] == "Initialization"
    with pytest.raises(ApiError, match="VoiceId"):
        response_of(jobs, "CreateCustomizedVoiceJob", VOICE)
    accepted = response_of(jobs, "SubmitCustomizedVoiceJob", {"VoiceId": "xiaozhuan"})
    assert accepted["Data"] == {"JobId": job_id, "VoiceId": "xiaozhuan"}
    jobs.clock.advance(1000)
    trained = voice(jobs, job_id)
    assert (trained["Status"], trained["VoiceName"], trained["Gender"]) == ("Success", "小专", "male")


def test_a_draft_belongs_to_a_region(jobs: Jobs) -> None:
    response_of(jobs, "CreateCustomizedVoiceJob", VOICE)
    other = jobs.in_region("cn-beijing")
    assert response_of(other, "CreateCustomizedVoiceJob", VOICE)["Data"]["VoiceId"] == "xiaozhuan"


def test_workflow_tasks_are_listed_by_workflow_and_by_input(jobs: Jobs) -> None:
    ids = [
        submitted(
            jobs, "StartWorkflow", {"WorkflowId": workflow, "TaskInput": f'{{"Type":"Media","Media":"{media}"}}'}
        ).job_id
        for workflow, media in (("w1", "m1"), ("w1", "m2"), ("w2", "m1"))
    ]

    def listed(**filters: str) -> set[str]:
        return {task["TaskId"] for task in response_of(jobs, "ListWorkflowTasks", filters)["TaskList"]}

    assert listed() == set(ids)
    assert listed(WorkflowId="w1") == set(ids[:2])
    assert listed(KeyText="m1") == {ids[0], ids[2]}
    assert listed(WorkflowId="w1", KeyText="m1") == {ids[0]}
    assert listed(WorkflowId="w3") == set()


def test_a_stopped_ai_workflow_task_has_the_state_stopped(jobs: Jobs) -> None:
    task = submitted(jobs, "StartAIWorkflow", {"WorkflowId": "w", "Inputs": "{}"})
    assert response_of(jobs, "StopAIWorkflowTask", {"TaskId": task.job_id}) == {"TaskId": task.job_id}
    assert response_of(jobs, "GetAIWorkflowTask", {"TaskId": task.job_id})["WorkflowTask"]["Status"] == "stopped"
    with pytest.raises(ApiError, match="cannot be cancelled"):
        response_of(jobs, "StopAIWorkflowTask", {"TaskId": task.job_id})


def test_a_project_is_produced_again_with_the_same_id(jobs: Jobs) -> None:
    request = {"Timeline": '{"VideoTracks":[]}'}
    project = response_of(jobs, "ProduceEditingProjectVideo", request)["ProjectId"]
    jobs.clock.advance(100)
    assert state(jobs, project) == "Produced"
    assert response_of(jobs, "ProduceEditingProjectVideo", {"ProjectId": project})["ProjectId"] == project
    assert state(jobs, project) == "Producing"


def state(jobs: Jobs, project: str) -> str:
    return str(response_of(jobs, "vod:GetEditingProject", {"ProjectId": project})["Project"]["Status"])
