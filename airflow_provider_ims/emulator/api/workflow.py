"""Jobs that run workflows and AI workflows. The API calls the jobs "tasks". Any workflow id is accepted."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.fields import combined, fields, sent
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView, Listing, stable_id
from airflow_provider_ims.emulator.api.parameters import declare
from airflow_provider_ims.emulator.state.clock import iso

CREATED = 1669543332.0
"""The creation time of all workflow templates, in seconds since the epoch."""

WORKFLOW = JobFamily(
    "GetWorkflowTask",
    ("Init", "Processing", "Succeed", "Failed"),
    "WorkflowTask",
    job_id="TaskId",
    error=("", ""),
    id_parameter="TaskId",
    id_optional=True,
    failed=("Canceled",),
    hidden=("Workflow.MediaType",),
    listing=Listing(
        "ListWorkflowTasks",
        "TaskList",
        (),
        ("ActivityResults",),
        state="",
        order="",
        page_size="MaxResults",
        token="NextToken",
        token_at="NextToken",
        max_results=int,
        filters={"WorkflowId": "workflow_id", "KeyText": "key_text"},
    ),
)
AI_WORKFLOW = JobFamily(
    "GetAIWorkflowTask",
    ("running", "running", "succeeded", "failed"),
    "WorkflowTask",
    job_id="TaskId",
    error=("", ""),
    id_parameter="TaskId",
    id_optional=True,
    succeeded=("partial-succeeded",),
    failed=("stopped",),
    cancel="StopAIWorkflowTask",
    cancel_parameter="TaskId",
    cancel_returns_id=True,
    cancelled="stopped",
)


def _template(view: JobView, **more: str) -> Fields:
    workflow_id = view.parameters["WorkflowId"]
    times = dict.fromkeys(("CreateTime", "ModifiedTime"), iso(CREATED))
    return {"Workflow": {"WorkflowId": workflow_id, "Name": f"workflow-{workflow_id[:8]}", **times, **more}}


def _workflow(view: JobView) -> Fields:
    media_type = str(view.json("TaskInput").get("Type") or "Media")
    return _template(view, Status="Active", Type="Common", MediaType=media_type)


def _ai_workflow(view: JobView) -> Fields:
    version = stable_id("version", view.parameters["WorkflowId"])
    graph = dump({"nodes": [], "edges": []})
    template = _template(view, Graph=graph, Status="Published", Type="Live", Version=version)
    return {"Version": version, **template}


def _activity_results(view: JobView) -> str:
    result = {"Activity": "Transcode", "Status": "Success", "JobIds": view.id("activity")}
    return dump([result])


WORKFLOW_KINDS = (
    JobKind(
        "StartWorkflow",
        WORKFLOW,
        declare("WorkflowId* TaskInput*{} SkipInputVerification? UserData{}<512"),
        "TaskId",
        render=combined(sent("TaskInput"), _workflow),
        result=fields(ActivityResults=_activity_results),
    ),
    JobKind(
        "StartAIWorkflow",
        AI_WORKFLOW,
        declare("WorkflowId* Inputs*{} DispatchTag UserData"),
        "TaskId",
        render=combined(sent("Inputs"), _ai_workflow),
        result=fields(
            NodeResults=lambda view: dump([{"NodeName": "translate", "Status": "succeeded"}]),
            Outputs=lambda view: dump({"result": view.id("output")}),
        ),
    ),
)
