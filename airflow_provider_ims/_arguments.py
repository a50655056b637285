"""
Types for the ``**kwargs`` of operators and sensors. Editors use these types for completion, and type checkers use them
to check arguments.

A test compares these types with the constructors of this package and of Airflow.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from airflow.sdk import DAG, Context, TaskGroup
    from airflow.sdk.definitions.retry_policy import RetryPolicy
    from airflow.sdk.types import WeightRuleParam

    from airflow_provider_ims._submission import OnClear, OnUncertain, Reuse

_Callback: TypeAlias = "Callable[[Context], None]"
_Callbacks: TypeAlias = "_Callback | list[_Callback] | None"
#: A number of seconds, a timedelta, or a template that renders to a number of seconds.
Seconds: TypeAlias = float | timedelta | str


class TaskArguments(TypedDict, total=False):
    """
    The arguments of Airflow's ``BaseOperator``, except ``multiple_outputs`` and ``retry_policy``.

    An argument that the installed version of Airflow does not support raises an error.
    """

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: WeightRuleParam
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: _Callbacks
    on_failure_callback: _Callbacks
    on_success_callback: _Callbacks
    on_retry_callback: _Callbacks
    on_skipped_callback: _Callbacks
    pre_execute: Callable[[Context], None] | None
    post_execute: Callable[[Context, Any], None] | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    inlets: Any
    outlets: Any
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class SubmitArguments(TaskArguments, total=False):
    """The common arguments of all operators that submit jobs."""

    ims_conn_id: str | None
    region_id: str | None
    deferrable: bool
    poll_interval: Seconds
    timeout: Seconds
    on_uncertain: OnUncertain
    on_clear: OnClear
    cancel_on_kill: bool
    multiple_outputs: bool
    retry_policy: RetryPolicy | None


class JobArguments(SubmitArguments, total=False):
    """The common arguments of all operators that submit one job."""

    wait_for_completion: bool
    durable: bool
    reuse: Reuse
    reuse_within: timedelta


class BaseSensorArguments(TaskArguments, total=False):
    """The arguments of Airflow's ``BaseSensorOperator``, except those that :class:`SensorArguments` declares."""

    timeout: timedelta | float | None
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class SensorArguments(BaseSensorArguments, total=False):
    """The common arguments of all sensors of this provider."""

    ims_conn_id: str | None
    region_id: str | None
    fail_on_partial_failure: bool
    deferrable: bool
    poke_interval: timedelta | float
    multiple_outputs: bool | None
    retry_policy: RetryPolicy | None


class JobsSensorArguments(SensorArguments):
    """The common arguments of all sensors that wait for several jobs."""

    job_ids: Sequence[str] | str
