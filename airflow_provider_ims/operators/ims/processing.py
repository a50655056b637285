"""Media processing: transcoding and snapshots."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitTranscodeJobOperator(JobOperator):
    """
    Transcode a file into one or more outputs (``SubmitTranscodeJob``).

    If some outputs failed, the task succeeds with a warning, unless ``fail_on_partial_failure`` is set.

    Returns ``{"job_id", "state", "outputs": [{"job_id", "media", "url", "duration" (seconds), "width", "height", "size"
    (bytes)}], "failed": [{"job_id", "media"}]}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitTranscodeJob

    :param input_group: The files: one, or several whose streams are merged, each as ``{"Type": "OSS", "Media":
        "oss://bucket/object"}``. A list or a JSON string. (templated)
    :param output_group: The outputs: ``[{"Output": {"Type": "OSS", "Media": ".."}, "ProcessConfig": {"Transcode":
        {"TemplateId": ".."}}}]``. A list or a JSON string. (templated)
    :param name: The job's name. (templated)
    :param schedule_config: The pipeline and the priority: ``{"PipelineId": "..", "Priority" (1 to 10, 10 is the
        highest)}``. A dict or a JSON string. (templated)
    :param user_data: Your data and callback (``NotifyAddress``), up to 512 bytes. A dict or a JSON string. (templated)
    :param client_token: The idempotency token: for a known one, the service returns the existing job. (templated)
    :param fail_on_partial_failure: Fail the task if any output failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitTranscodeJob")

    def __init__(
        self,
        *,
        input_group: list[dict[str, Any]] | str,
        output_group: list[dict[str, Any]] | str,
        name: str | None = None,
        schedule_config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_group = input_group
        self.output_group = output_group
        self.name = name
        self.schedule_config = schedule_config
        self.user_data = user_data
        self.client_token = client_token
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsSubmitSnapshotJobOperator(JobOperator):
    """
    Take snapshots of a video, such as a cover (``SubmitSnapshotJob``).

    No listing returns the user data of these jobs, so a job whose id was lost in a crash cannot be found again.

    Returns ``{"job_id", "state", "type" ("Normal", "Sprite" or "WebVtt"), "count", "output": {"type", "media"}}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSnapshotJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. A dict or a JSON string.
        (templated)
    :param output_file: The output of the snapshots (``Output``), as ``{"Type": "OSS", "Media":
        "oss://bucket/object"}``; the name contains ``{Count}`` for several snapshots, ``{TileCount}`` for a sprite. A
        dict or a JSON string. (templated)
    :param template_config: The snapshot template, as ``{"TemplateId": "..", "OverwriteParams": {"Count": 1}}``. A dict
        or a JSON string. (templated)
    :param name: The job's name. (templated)
    :param schedule_config: The pipeline: ``{"PipelineId": ".."}``. A dict or a JSON string. (templated)
    :param user_data: Your own data. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitSnapshotJob")

    def __init__(
        self,
        *,
        input: dict[str, Any] | str,
        output_file: dict[str, Any] | str,
        template_config: dict[str, Any] | str,
        name: str | None = None,
        schedule_config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input = input
        self.output_file = output_file
        self.template_config = template_config
        self.name = name
        self.schedule_config = schedule_config
        self.user_data = user_data
