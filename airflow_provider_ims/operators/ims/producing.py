"""Cloud editing: a video from a timeline, a template or a project."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitMediaProducingJobOperator(JobOperator):
    """
    Produce a video from a timeline, a template or an editing project (``SubmitMediaProducingJob``).

    Set exactly one of ``timeline``, ``template_id`` and ``project_id``.

    Returns ``{"job_id", "state", "media_id", "media_url", "duration" (seconds), "project_id", "vod_media_id"}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitMediaProducingJob

    :param output_media_config: The output video: ``{"MediaURL"}`` for OSS, ``{"StorageLocation", "FileName"}`` for VOD,
        with ``"Width"`` and ``"Height"``. A dict or a JSON string. (templated)
    :param timeline: The tracks with their clips and effects, such as ``{"VideoTracks": [{"VideoTrackClips":
        [{"MediaId": ".."}]}]}``. A dict or a JSON string. (templated)
    :param template_id: A template, filled with ``clips_param``. (templated)
    :param clips_param: The media for the template. A dict or a JSON string. (templated)
    :param project_id: An editing project. (templated)
    :param output_media_target: ``oss-object``, ``vod-media`` or ``S3``. (templated)
    :param project_metadata: The metadata of the new project: ``{"Title", "Description"}``. A dict or a JSON string.
        (templated)
    :param editing_produce_config: The production options, such as ``{"AutoRegisterInputVodMedia": "true"}``, or the
        cover. A dict or a JSON string. (templated)
    :param media_metadata: The metadata of the new media asset: ``{"Title", "Tags"}``. A dict or a JSON string.
        (templated)
    :param source: The origin of the request: ``OpenAPI``, ``AliyunConsole`` or ``WebSDK``. (templated)
    :param user_data: Your data and callback (``NotifyAddress``), up to 512 bytes. A dict or a JSON string. (templated)
    :param client_token: The idempotency token: for a known one, the service returns the existing job. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitMediaProducingJob")

    def __init__(
        self,
        *,
        output_media_config: dict[str, Any] | str,
        timeline: dict[str, Any] | str | None = None,
        template_id: str | None = None,
        clips_param: dict[str, Any] | str | None = None,
        project_id: str | None = None,
        output_media_target: str | None = None,
        project_metadata: dict[str, Any] | str | None = None,
        editing_produce_config: dict[str, Any] | str | None = None,
        media_metadata: dict[str, Any] | str | None = None,
        source: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_media_config = output_media_config
        self.timeline = timeline
        self.template_id = template_id
        self.clips_param = clips_param
        self.project_id = project_id
        self.output_media_target = output_media_target
        self.project_metadata = project_metadata
        self.editing_produce_config = editing_produce_config
        self.media_metadata = media_metadata
        self.source = source
        self.user_data = user_data
        self.client_token = client_token
