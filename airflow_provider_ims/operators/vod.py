"""Operators for ApsaraVideo VOD."""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.hooks._actions import VOD
from airflow_provider_ims.operators._any_job import AnyJobOperator
from airflow_provider_ims.operators._api import ApiOperator
from airflow_provider_ims.operators._many_jobs import ManyJobsOperator
from airflow_provider_ims.operators._vod_media import (
    VodSubmitWorkflowJobOperator,
    VodUploadMediaByURLOperator,
    VodUploadStreamByURLOperator,
)
from airflow_provider_ims.operators.base import JobOperator

__all__ = [
    "VodApiOperator",
    "VodSubmitAIImageJobOperator",
    "VodSubmitAIJobOperator",
    "VodSubmitAIMediaAuditJobOperator",
    "VodSubmitJobOperator",
    "VodSubmitJobsOperator",
    "VodSubmitSnapshotJobOperator",
    "VodSubmitTranscodeJobsOperator",
    "VodSubmitWorkflowJobOperator",
    "VodUploadMediaByURLOperator",
    "VodUploadStreamByURLOperator",
]


class VodSubmitAIImageJobOperator(JobOperator):
    """
    Generate AI images, such as covers, from a video (``SubmitAIImageJob``; only in cn-beijing and cn-shanghai).

    Returns ``{"job_id", "state", "video_id", "images": [{"score", "url"}]}``. The URLs are not signed;
    ``ListAIImageInfo`` returns signed URLs.

    .. seealso:: https://help.aliyun.com/document_detail/186922.html

    :param video_id: The id of the video in VOD. (templated)
    :param ai_template_id: The id of the AI image template. (templated)
    :param ai_pipeline_id: The id of a dedicated pipeline for bulk processing. (templated)
    :param user_data: A callback (``MessageCallback``), custom data (``Extend``) or both, up to 512 bytes.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitAIImageJob", VOD)

    def __init__(
        self,
        *,
        video_id: str,
        ai_template_id: str,
        ai_pipeline_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.ai_template_id = ai_template_id
        self.ai_pipeline_id = ai_pipeline_id
        self.user_data = user_data


class VodSubmitAIJobOperator(JobOperator):
    """
    Tag a video, or compute its fingerprint (``SubmitAIJob``).

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    no list action returns UserData.

    Returns ``{"job_id", "state", "media_id", "type", "data"}``; the format of ``data`` depends on ``type``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitAIJob

    :param media_id: The id of the video in VOD. (templated)
    :param types: The type of the job: ``AIMediaDNA`` or ``AIVideoTag``; not both, because the service creates one job
        per type. (templated)
    :param config: The options: ``{"DNADBId": ".."}`` for fingerprints, ``{"AnalyseTypes": "ASR,OCR"}`` for tags.
        (JSON, templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitAIJob", VOD)

    def __init__(
        self,
        *,
        media_id: str | None = None,
        types: str | None = None,
        config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.types = types
        self.config = config
        self.user_data = user_data


class VodSubmitAIMediaAuditJobOperator(JobOperator):
    """
    Moderate a video (``SubmitAIMediaAuditJob``).

    A job succeeds regardless of its findings; check ``suggestion`` in the result.

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    no list action returns UserData.

    Returns ``{"job_id", "state", "media_id", "suggestion" ("pass", "review" or "block"), "label", "abnormal_modules",
    "video", "images", "texts", "audios"}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitAIMediaAuditJob

    :param media_id: The id of the video in VOD. (templated)
    :param media_type: The media type, always ``video``. (templated)
    :param template_id: The id of the AI template. Default: the service's default template. (templated)
    :param media_audit_configuration: Additional options: ``{"ResourceType": ".."}``. (JSON, templated)
    :param censor_provider: Not documented by the service. (templated)
    :param service_parameters: Not documented by the service. (templated)
    :param video_service: Not documented by the service. (templated)
    :param voice_service: Not documented by the service. (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitAIMediaAuditJob", VOD)

    def __init__(
        self,
        *,
        media_id: str,
        media_type: str | None = None,
        template_id: str | None = None,
        media_audit_configuration: dict[str, Any] | str | None = None,
        censor_provider: str | None = None,
        service_parameters: str | None = None,
        video_service: str | None = None,
        voice_service: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.media_type = media_type
        self.template_id = template_id
        self.media_audit_configuration = media_audit_configuration
        self.censor_provider = censor_provider
        self.service_parameters = service_parameters
        self.video_service = video_service
        self.voice_service = voice_service
        self.user_data = user_data


class VodSubmitTranscodeJobsOperator(JobOperator):
    """
    Transcode a video with a template group (``SubmitTranscodeJobs``).

    If some streams failed, the task logs a warning and succeeds, unless ``fail_on_partial_failure`` is set. ``job_id``
    is the id of the transcoding task.

    The operator cannot find a transcoding task whose id was lost in a crash: it would have to identify this task by
    its UserData, but no list action returns UserData. On Airflow 3.3 and later, a retry within seven days of such a
    crash cannot cause a second billed transcoding task: ``durable`` adds a ``SessionId`` to the request, and the
    service rejects a second request with the same ``SessionId``.

    Returns ``{"job_id", "state", "video_id", "outputs": [{"job_id", "definition", "url", "duration" (seconds), "width",
    "height", "size" (bytes)}], "failed": [{"index", "job_id", "definition", "error_code", "error_message"}]}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitTranscodeJobs

    :param template_group_id: The id of the transcoding template group. (templated)
    :param video_id: The id of the video in VOD. (templated)
    :param encrypt_config: The options for HLS encryption. (JSON, templated)
    :param override_params: Settings that override the templates, such as watermarks and subtitles. (JSON, templated)
    :param pipeline_id: The id of a dedicated pipeline. (templated)
    :param priority: The priority in the queue, ``1`` to ``10`` (the highest). Default: ``6``. (templated)
    :param reference_id: A custom id: 6 to 64 letters, digits, hyphens and underscores. (templated)
    :param session_id: An id that the service accepts only once in 7 days; up to 50 letters, digits, ``-`` and ``_``.
        (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param fail_on_partial_failure: Fail the task if any stream failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitTranscodeJobs", VOD)

    def __init__(
        self,
        *,
        template_group_id: str,
        video_id: str | None = None,
        encrypt_config: dict[str, Any] | str | None = None,
        override_params: dict[str, Any] | str | None = None,
        pipeline_id: str | None = None,
        priority: int | str | None = None,
        reference_id: str | None = None,
        session_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.template_group_id = template_group_id
        self.video_id = video_id
        self.encrypt_config = encrypt_config
        self.override_params = override_params
        self.pipeline_id = pipeline_id
        self.priority = priority
        self.reference_id = reference_id
        self.session_id = session_id
        self.user_data = user_data
        self.fail_on_partial_failure = fail_on_partial_failure


class VodSubmitSnapshotJobOperator(JobOperator):
    """
    Take snapshots of a video (``SubmitSnapshotJob``).

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    no list action returns UserData.

    Returns ``{"job_id", "state", "video_id", "normal_config", "sprite_config"}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitSnapshotJob

    :param video_id: The id of the video in VOD. (templated)
    :param snapshot_template_id: The id of a template. If it is set, the service ignores the other snapshot options.
        (templated)
    :param count: The maximum number of snapshots. Default: 1. (templated)
    :param interval: Seconds between snapshots; 0 distributes ``count`` snapshots over the video. Default: 1.
        (templated)
    :param specified_offset_time: The time of the first snapshot, in milliseconds. Default: 0. (templated)
    :param specified_offset_times: The times of up to 30 snapshots, in milliseconds. (JSON, templated)
    :param width: The width in pixels, ``8`` to ``4096``. Default: the video's width. (templated)
    :param height: The height in pixels, ``8`` to ``4096``. Default: the video's height. (templated)
    :param sprite_snapshot_config: Options to combine the snapshots into a sprite. (JSON, templated)
    :param reference_id: A custom id: 6 to 64 letters, digits, hyphens and underscores. (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitSnapshotJob", VOD)

    def __init__(
        self,
        *,
        video_id: str | None = None,
        snapshot_template_id: str | None = None,
        count: int | str | None = None,
        interval: int | str | None = None,
        specified_offset_time: int | str | None = None,
        specified_offset_times: list[int] | str | None = None,
        width: int | str | None = None,
        height: int | str | None = None,
        sprite_snapshot_config: dict[str, Any] | str | None = None,
        reference_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.snapshot_template_id = snapshot_template_id
        self.count = count
        self.interval = interval
        self.specified_offset_time = specified_offset_time
        self.specified_offset_times = specified_offset_times
        self.width = width
        self.height = height
        self.sprite_snapshot_config = sprite_snapshot_config
        self.reference_id = reference_id
        self.user_data = user_data


class VodSubmitJobOperator(AnyJobOperator):
    """
    Submit any kind of ApsaraVideo VOD job, and wait until it ends.

    Returns ``{"job_id", "state", ...}``; the other keys depend on the job kind.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._any_job.AnyJobOperator`.
    """

    product = VOD


class VodSubmitJobsOperator(ManyJobsOperator):
    """
    Submit many ApsaraVideo VOD jobs of one kind in one task, and wait until all have ended.

    Returns ``{"total", "succeeded", "failed", "jobs": [{"index", "job_id", "state"}], "results": [..]}``. ``jobs`` and
    ``results`` are in the order of the requests. With ``results_path``, the result contains this path instead of
    ``results``.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._many_jobs.ManyJobsOperator`.
    """

    product = VOD


class VodApiOperator(ApiOperator):
    """
    Call any action of ApsaraVideo VOD, except the actions that submit a job of a supported kind.

    To submit a job, use ``VodSubmitJobOperator``.

    Returns the response, with its keys in snake_case: ``{"request_id", ...}``.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._api.ApiOperator`.
    """

    product = VOD
    job_operator = "VodSubmitJobOperator"
