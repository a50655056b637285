"""Operators for media processing and analysis: transcoding, snapshots, tags and moderation."""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitTranscodeJobOperator(JobOperator):
    """
    Transcode one or more input files into one or more outputs (``SubmitTranscodeJob``).

    If some outputs failed, the task logs a warning and succeeds, unless ``fail_on_partial_failure`` is set.

    Returns ``{"job_id", "state", "outputs": [{"job_id", "media", "url", "duration" (seconds), "width", "height", "size"
    (bytes)}], "failed": [{"index", "job_id", "media"}]}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitTranscodeJob

    :param input_group: The input files: ``[{"Type": "OSS", "Media": "oss://bucket/object"}]``. If there are several
        files, their streams are merged. (JSON, templated)
    :param output_group: The outputs: ``[{"Output": {"Type": "OSS", "Media": ".."}, "ProcessConfig": {"Transcode":
        {"TemplateId": ".."}}}]``. (JSON, templated)
    :param name: The job's name. (templated)
    :param schedule_config: The pipeline and the priority: ``{"PipelineId", "Priority" (1 to 10; 10 is the highest)}``.
        (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param fail_on_partial_failure: Fail the task if any output failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
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
        **kwargs: Unpack[JobArguments],
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

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    no list action returns UserData.

    Returns ``{"job_id", "state", "type" ("Normal", "Sprite" or "WebVtt"), "count", "output": {"type", "media"}}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSnapshotJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. (JSON, templated)
    :param output_file: The output file (API parameter ``Output``), as ``{"Type": "OSS", "Media":
        "oss://bucket/object"}``; the name must contain ``{Count}`` for several snapshots, or ``{TileCount}`` for a
        sprite. (JSON, templated)
    :param template_config: The template: ``{"TemplateId": "..", "OverwriteParams": {"Count": 1}}``. (JSON, templated)
    :param name: The job's name. (templated)
    :param schedule_config: The pipeline: ``{"PipelineId": ".."}``. (JSON, templated)
    :param user_data: Custom data. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
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
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input = input
        self.output_file = output_file
        self.template_config = template_config
        self.name = name
        self.schedule_config = schedule_config
        self.user_data = user_data


class ImsSubmitSmarttagJobOperator(JobOperator):
    """
    Tag a video based on its images and speech (``SubmitSmarttagJob``).

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    no list action returns UserData.

    Returns ``{"job_id", "state", "results": [{"type", "data"}], "usages": [{"type", "quota"}]}``; the format of
    ``data`` depends on ``type``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSmarttagJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. (JSON, templated)
    :param template_id: The id of the template that specifies the algorithms. (templated)
    :param template_config: Settings that override the template, such as ``FaceCategoryIds``. (JSON, templated)
    :param title: The video's title, up to 256 bytes of UTF-8. (templated)
    :param content: The video's description, up to 1,024 bytes of UTF-8. (templated)
    :param content_addr: Deprecated by the service. (templated)
    :param content_type: Deprecated by the service. (templated)
    :param job_params: Additional options: ``{"needAsrData", "needOcrData", "needMetaData" (all false by default),
        "nlpParams"}``. The API calls this parameter ``Params``, but Airflow reserves ``params``. (JSON, templated)
    :param schedule_config: The pipeline: ``{"PipelineId": ".."}``. (JSON, templated)
    :param notify_url: The URL of the HTTP callback. (templated)
    :param user_data: Custom data for the callback, up to 1,024 bytes of UTF-8. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitSmarttagJob")

    def __init__(
        self,
        *,
        input: dict[str, Any] | str | None = None,
        template_id: str | None = None,
        template_config: dict[str, Any] | str | None = None,
        title: str | None = None,
        content: str | None = None,
        content_addr: str | None = None,
        content_type: str | None = None,
        job_params: dict[str, Any] | str | None = None,
        schedule_config: dict[str, Any] | str | None = None,
        notify_url: str | None = None,
        user_data: str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input = input
        self.template_id = template_id
        self.template_config = template_config
        self.title = title
        self.content = content
        self.content_addr = content_addr
        self.content_type = content_type
        self.job_params = job_params
        self.schedule_config = schedule_config
        self.notify_url = notify_url
        self.user_data = user_data


class ImsSubmitMediaCensorJobOperator(JobOperator):
    """
    Moderate a video, its cover, title, description and comments (``SubmitMediaCensorJob``).

    A job succeeds regardless of its findings; check ``suggestion`` in the result.

    Returns ``{"job_id", "state", "suggestion" ("pass", "review" or "block"), "video", "covers", "title", "description",
    "barrages"}``; parts that were not moderated are ``None``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitMediaCensorJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. (JSON, templated)
    :param cover_images: Up to five covers, each as ``{"Bucket", "Location": "oss-cn-shanghai", "Object", "RoleArn"}``;
        they override the media asset's covers. (JSON, templated)
    :param title: The title, up to 64 bytes of UTF-8; it overrides the media asset's title. (templated)
    :param description: The description, up to 128 bytes of UTF-8; it overrides the media asset's description.
        (templated)
    :param barrages: The on-screen comments; they override the media asset's comments. (templated)
    :param output_file: The OSS objects to which the snapshots and the full result are written (API parameter
        ``Output``), such as ``oss://bucket/snapshot-{Count}.jpg``; the bucket must be in the region of the job.
        (templated)
    :param template_id: The id of the template. Default: the service's default template. (templated)
    :param schedule_config: The pipeline: ``{"PipelineId": ".."}``. (JSON, templated)
    :param notify_url: The destination of the HTTP or MNS callback. (templated)
    :param user_data: Custom data, up to 128 bytes of UTF-8. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitMediaCensorJob")

    def __init__(
        self,
        *,
        input: dict[str, Any] | str | None = None,
        cover_images: list[dict[str, Any]] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        barrages: str | None = None,
        output_file: str | None = None,
        template_id: str | None = None,
        schedule_config: dict[str, Any] | str | None = None,
        notify_url: str | None = None,
        user_data: str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input = input
        self.cover_images = cover_images
        self.title = title
        self.description = description
        self.barrages = barrages
        self.output_file = output_file
        self.template_id = template_id
        self.schedule_config = schedule_config
        self.notify_url = notify_url
        self.user_data = user_data
