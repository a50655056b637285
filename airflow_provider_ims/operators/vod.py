"""Operators of ApsaraVideo VOD."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.hooks.actions import VOD
from airflow_provider_ims.jobs.kinds import AI_IMAGE_JOB, kind_of
from airflow_provider_ims.operators.any_job import AnyJobOperator
from airflow_provider_ims.operators.base import JobOperator


class VodSubmitAIImageJobOperator(JobOperator):
    """
    Make AI images, such as covers, from a video (``SubmitAIImageJob``; regions cn-beijing and cn-shanghai).

    The API has no client token, so only ``durable`` keeps a retry from submitting again.

    Returns ``{"job_id", "state", "video_id", "images": [{"score", "url"}]}``; the addresses are unsigned,
    ``ListAIImageInfo`` gives signed ones.

    .. seealso:: https://help.aliyun.com/document_detail/186922.html

    :param video_id: The video in VOD. (templated)
    :param ai_template_id: The AI image template. (templated)
    :param ai_pipeline_id: A pipeline of your own, for bulk work. (templated)
    :param user_data: Your own data and callback: an object with ``MessageCallback`` or ``Extend``, up to 512 bytes
        as JSON. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    kind = AI_IMAGE_JOB

    def __init__(
        self,
        *,
        video_id: str,
        ai_template_id: str,
        ai_pipeline_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.ai_template_id = ai_template_id
        self.ai_pipeline_id = ai_pipeline_id
        self.user_data = user_data


class VodSubmitAIJobOperator(JobOperator):
    """
    Tag a video, or take its fingerprint (``SubmitAIJob``).

    No listing shows the user data of such jobs, so one whose id was lost in a crash cannot be found again.

    Returns ``{"job_id", "state", "media_id", "type", "data"}``; ``data`` is the JSON of its type.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitAIJob

    :param media_id: The video in VOD. (templated)
    :param types: ``AIMediaDNA`` or ``AIVideoTag``; the service makes a job of each, so that a task takes one.
        (templated)
    :param config: ``{"DNADBId": ".."}`` for a fingerprint, ``{"AnalyseTypes": "ASR,OCR"}`` for tags. A dict or a JSON
        string. (templated)
    :param user_data: Your own data and callback, such as ``{"MessageCallback": {"CallbackURL": "https://.."}, "Extend":
        {..}}``. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    kind = kind_of("SubmitAIJob", VOD)

    def __init__(
        self,
        *,
        media_id: str | None = None,
        types: str | None = None,
        config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.types = types
        self.config = config
        self.user_data = user_data


class VodSubmitAIMediaAuditJobOperator(JobOperator):
    """
    Audit a video (``SubmitAIMediaAuditJob``).

    A job succeeds whatever it found: what may go out only its result tells. No listing shows the user data of such
    jobs, so one whose id was lost in a crash cannot be found again.

    Returns ``{"job_id", "state", "media_id", "suggestion" ("pass", "review" or "block"), "label", "abnormal_modules",
    "video", "images", "texts", "audios"}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitAIMediaAuditJob

    :param media_id: The video in VOD. (templated)
    :param media_type: ``video``, the only one that there is. (templated)
    :param template_id: The AI template. Default: the service's own. (templated)
    :param media_audit_configuration: More of the audit: ``{"ResourceType": ".."}``. A dict or a JSON string.
        (templated)
    :param censor_provider: Not described by the service. (templated)
    :param service_parameters: Not described by the service. (templated)
    :param video_service: Not described by the service. (templated)
    :param voice_service: Not described by the service. (templated)
    :param user_data: Your own data and callback, such as ``{"MessageCallback": {"CallbackURL": "https://.."}, "Extend":
        {..}}``. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
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
        **kwargs: Any,
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
    Transcode a video by a template group (``SubmitTranscodeJobs``).

    A task that ended with some failed streams succeeds, with a warning, unless ``fail_on_partial_failure`` is set.
    ``job_id`` is the transcoding task's. No listing shows the user data of tasks, so one whose id was lost in a crash
    cannot be found again. It is not paid for twice either: ``durable`` sends a ``SessionId``, by which the service
    refuses a second one.

    Returns ``{"job_id", "state", "video_id", "outputs": [{"job_id", "definition", "url", "duration" (seconds), "width",
    "height", "size" (bytes)}], "failed": [{"job_id", "error_code", "error_message"}]}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitTranscodeJobs

    :param template_group_id: The transcoding template group. (templated)
    :param video_id: The video in VOD. (templated)
    :param encrypt_config: For HLS encryption. A dict or a JSON string. (templated)
    :param override_params: What goes over the templates: watermarks, subtitles. A dict or a JSON string. (templated)
    :param pipeline_id: A pipeline of your own. (templated)
    :param priority: Among what is queued, ``1`` to ``10``, the highest. Default: ``6``. (templated)
    :param reference_id: An id of your own, 6 to 64 letters, digits, hyphens and underscores. (templated)
    :param session_id: The service refuses a second submit with the same one within 7 days; up to 50 letters, digits,
        hyphens and underscores. (templated)
    :param user_data: Your own data and callback, such as ``{"MessageCallback": {"CallbackURL": "https://.."}, "Extend":
        {..}}``. A dict or a JSON string. (templated)
    :param fail_on_partial_failure: Fail the task when any output failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
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
        priority: str | None = None,
        reference_id: str | None = None,
        session_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Any,
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

    No listing shows the user data of such jobs, so one whose id was lost in a crash cannot be found again.

    Returns ``{"job_id", "state", "video_id", "normal_config", "sprite_config"}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitSnapshotJob

    :param video_id: The video in VOD. (templated)
    :param snapshot_template_id: A template; what else is given is ignored then. (templated)
    :param count: How many at most. Default: 1. (templated)
    :param interval: Seconds between two; 0 spreads ``count`` over the video. Default: 1. (templated)
    :param specified_offset_time: Where to begin, in milliseconds. Default: 0. (templated)
    :param specified_offset_times: When to take them, in milliseconds, up to 30. A list or a JSON string. (templated)
    :param width: Pixels as a text, ``8`` to ``4096``. Default: the video's. (templated)
    :param height: Pixels as a text, ``8`` to ``4096``. Default: the video's. (templated)
    :param sprite_snapshot_config: Makes a sprite of them. A dict or a JSON string. (templated)
    :param reference_id: An id of your own, 6 to 64 letters, digits, hyphens and underscores. (templated)
    :param user_data: Your own data and callback, such as ``{"MessageCallback": {"CallbackURL": "https://.."}, "Extend":
        {..}}``. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
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
        width: str | None = None,
        height: str | None = None,
        sprite_snapshot_config: dict[str, Any] | str | None = None,
        reference_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
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
    Submit a job of any kind that ApsaraVideo VOD has, and wait for its end.

    Returns ``{"job_id", "state", ...}`` with what came out, by the kind of job.

    :param job: The submit action, such as ``SubmitAIJob``. (templated)
    :param parameters: The action's parameters under their own names; where the action takes a JSON string, a dict or
        a list will do. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things, such as
        the outputs of a transcoding. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    product = VOD
