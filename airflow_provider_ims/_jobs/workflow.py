"""Tasks of IMS workflows. Each task runs the nodes of a workflow template for one input."""

from __future__ import annotations

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import USER_DATA, JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.parameters import declare
from airflow_provider_ims._jobs.search import search_in

# No error field is documented for these two families.
WORKFLOW = JobFamily(
    name="workflow",
    query_action="GetWorkflowTask",
    id_parameter="TaskId",
    running=("Init", "Processing"),
    succeeded=("Succeed",),
    failed=("Failed", "Canceled"),
    jobs="WorkflowTask",
    job_id="TaskId",
    error=("", ""),
    result=("workflow_id=Workflow.WorkflowId", "ActivityResults"),
    # The listing can be neither filtered by status nor sorted, so it is used only for the search.
    search=search_in(
        Listing(action="ListWorkflowTasks", items="TaskList", unfinished=(), since="StartOfCreateTime", job_id="TaskId")
    ),
)

AI_WORKFLOW = JobFamily(
    name="ai_workflow",
    query_action="GetAIWorkflowTask",
    id_parameter="TaskId",
    running=("running",),
    succeeded=("succeeded", "partial-succeeded"),
    partly=("partial-succeeded",),
    failed=("failed", "stopped"),
    jobs="WorkflowTask",
    job_id="TaskId",
    error=("", ""),
    result=("workflow_id=Workflow.WorkflowId", "NodeResults", "Outputs"),
    cancel_action="StopAIWorkflowTask",
    cancel_parameter="TaskId",
)

WORKFLOW_KINDS = (
    JobKind(
        title="workflow",
        submit_action="StartWorkflow",
        family=WORKFLOW,
        job_id="TaskId",
        search_is_conclusive=True,
        parameters=declare("WorkflowId* TaskInput*:file SkipInputVerification:flag", USER_DATA),
    ),
    JobKind(
        title="AI workflow",
        submit_action="StartAIWorkflow",
        family=AI_WORKFLOW,
        job_id="TaskId",
        parameters=declare("WorkflowId* Inputs*:json DispatchTag UserData"),
    ),
)
