"""Operators for video production: one video by cloud editing, or a batch of videos."""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitMediaProducingJobOperator(JobOperator):
    """
    Produce a video from a timeline, a template or an editing project (``SubmitMediaProducingJob``).

    Set exactly one of ``timeline``, ``template_id`` and ``project_id``.

    Returns ``{"job_id", "state", "media_id", "media_url", "duration" (seconds), "project_id", "vod_media_id"}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitMediaProducingJob

    :param output_media_config: The output video: ``{"MediaURL"}`` for OSS, ``{"StorageLocation", "FileName"}`` for VOD,
        both with ``"Width"`` and ``"Height"``. (JSON, templated)
    :param timeline: The tracks with their clips and effects, such as ``{"VideoTracks": [{"VideoTrackClips":
        [{"MediaId": ".."}]}]}``. (JSON, templated)
    :param template_id: The id of a template, which the service fills with ``clips_param``. (templated)
    :param clips_param: The media for the template. (JSON, templated)
    :param project_id: The id of an editing project. (templated)
    :param output_media_target: The type of output storage: ``oss-object``, ``vod-media`` or ``S3``. (templated)
    :param project_metadata: The metadata of the editing project that the service creates: ``{"Title",
        "Description"}``. (JSON, templated)
    :param editing_produce_config: The production options, such as ``{"AutoRegisterInputVodMedia": "true"}``. They can
        also specify the cover of the video. (JSON, templated)
    :param media_metadata: The metadata of the new media asset: ``{"Title", "Tags"}``. (JSON, templated)
    :param source: The origin of the request: ``OpenAPI``, ``AliyunConsole`` or ``WebSDK``. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
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
        **kwargs: Unpack[JobArguments],
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


class ImsSubmitBatchMediaProducingJobOperator(JobOperator):
    """
    Produce a batch of videos from media assets (``SubmitBatchMediaProducingJob``).

    If some videos failed, the task logs a warning and succeeds, unless ``fail_on_partial_failure`` is set. If all
    videos failed, the task fails.

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}],
    "failed": [{"index", "job_id", "error_code", "error_message"}]}``; durations are in seconds.

    .. seealso:: https://help.aliyun.com/document_detail/2692547.html

    :param input_config: The media, the texts and the titles. At least one of three keys selects the media:
        ``MediaGroupArray`` (up to 40 groups of up to 200 media assets, for script-based videos), ``MediaArray`` (media
        assets that the service matches to the text) or ``MediaSearchInput`` (a search in the media library).
        ``MediaGroupArray`` overrides the other two keys. ``SpeechTextArray`` contains up to 50 texts of up to 1,000
        characters; set it either at the top level or in the groups. ``TitleArray`` contains up to 50 titles.
        (JSON, templated)
    :param output_config: The outputs: ``{"MediaURL" (with {index}), "Count", "Width", "Height", "MaxDuration" or
        "FixedDuration", "Video": {"Crf"}}``; the bucket must be in the endpoint's region. (JSON, templated)
    :param editing_config: The editing options, such as ``{"MediaConfig": {"Volume": 0}}``. (JSON, templated)
    :param template_config: A list of template ids; the service selects one for each video. (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param fail_on_partial_failure: Fail the task if any video failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitBatchMediaProducingJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        editing_config: dict[str, Any] | str | None = None,
        template_config: list[str] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.output_config = output_config
        self.editing_config = editing_config
        self.template_config = template_config
        self.user_data = user_data
        self.client_token = client_token
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsSubmitScreenMediaHighlightsJobOperator(JobOperator):
    """
    Produce highlight videos of films and series (``SubmitScreenMediaHighlightsJob``).

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}], "failed": [{"index",
    "job_id", "error_code", "error_message"}]}``; durations are in seconds.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitScreenMediaHighlightsJob

    :param input_config: The media: ``{"MediaArray": [media ids]}``. (JSON, templated)
    :param editing_config: The editing options, such as ``{"MediaConfig": {"Volume": 1}, "ProcessConfig":
        {"AllowTransition": true, "TransitionList": ["fadecolor"]}}``. (JSON, templated)
    :param output_config: The outputs: ``{"MediaURL" (with {index}), "Count", "Width", "Height"}``. (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param fail_on_partial_failure: Fail the task if any video failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitScreenMediaHighlightsJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        editing_config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.editing_config = editing_config
        self.output_config = output_config
        self.user_data = user_data
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsSubmitSportsHighlightsJobOperator(JobOperator):
    """
    Produce highlight videos of a match (``SubmitSportsHighlightsJob``).

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}], "failed": [{"index",
    "job_id", "error_code", "error_message"}]}``; durations are in seconds.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSportsHighlightsJob

    :param input_config: The match: ``{"SportsCategory": "basketball", "InputMedia": a URL, "FaceRegister",
        "SlowMotionLogoRegister", "TransferNameRegister"}``. (JSON, templated)
    :param output_config: The outputs: ``{"MediaURL" (with {index}), "Count", "Width", "Height"}``. (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param fail_on_partial_failure: Fail the task if any video failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitSportsHighlightsJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.output_config = output_config
        self.user_data = user_data
        self.client_token = client_token
        self.fail_on_partial_failure = fail_on_partial_failure
