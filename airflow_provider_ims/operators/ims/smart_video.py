"""
Operators for smart jobs that produce, translate or analyse videos.

The jobs are queried with ``GetSmartHandleJob``.
"""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitVideoTranslationJobOperator(JobOperator):
    """
    Translate a video, its speech or its subtitles into another language (``SubmitVideoTranslationJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "ai_result", "usage"}``; ``media_url`` is the URL of
    the translated video.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitVideoTranslationJob

    :param input_config: The video or subtitles, such as ``{"Type": "Video", "Video": "a media id"}``. (JSON, templated)
    :param output_config: The output, such as ``{"MediaURL":
        "https://bucket.oss-cn-shanghai.aliyuncs.com/object.mp4"}``. (JSON, templated)
    :param editing_config: The options: ``{"SourceLanguage": "zh", "TargetLanguage": "en", "DetextArea": "Auto"}``.
        (JSON, templated)
    :param title: The job's title. (templated)
    :param description: The job's description. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitVideoTranslationJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        editing_config: dict[str, Any] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.output_config = output_config
        self.editing_config = editing_config
        self.title = title
        self.description = description
        self.user_data = user_data
        self.client_token = client_token


class ImsSubmitAvatarVideoJobOperator(JobOperator):
    """
    Produce a video in which an avatar speaks a text or lip-syncs to an audio file (``SubmitAvatarVideoJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "ai_result", "usage"}``; ``media_url`` is the URL of the
    video.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitAvatarVideoJob

    :param input_config: The speech: a text of at least five characters, as in ``{"Text": "..."}``, or an MP3 or WAV
        file in OSS or in the media library. (JSON, templated)
    :param editing_config: The avatar, the voice and the speech rate, such as ``{"AvatarId": ".."}``. (JSON, templated)
    :param output_config: The output, such as ``{"MediaURL":
        "https://bucket.oss-cn-shanghai.aliyuncs.com/object.mp4"}``. (JSON, templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 128 bytes of UTF-8. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitAvatarVideoJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        editing_config: dict[str, Any] | str | None = None,
        output_config: dict[str, Any] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.editing_config = editing_config
        self.output_config = output_config
        self.title = title
        self.description = description
        self.user_data = user_data


class ImsSubmitHighlightExtractionJobOperator(JobOperator):
    """
    Find the highlights of videos (``SubmitHighlightExtractionJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "ai_result", "usage"}``; ``ai_result`` contains the clips.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitHighlightExtractionJob

    :param input_config: The videos: ``{"MediaArray": [{"MediaId": ".."}], "Strategy": {"Count": 5, "ClipDuration":
        15}}``; the duration is in seconds. (JSON, templated)
    :param output_config: The output files: ``{"NeedExport": true, "OutputMediaTarget": "oss-object",
        "Bucket", "ObjectKey" (with {index}), "Width", "Height", "ExportAsNewMedia": false}``. (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitHighlightExtractionJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.output_config = output_config
        self.user_data = user_data
        self.client_token = client_token


class ImsSubmitSegmentationJobOperator(JobOperator):
    """
    Cut a video into segments (``SubmitSegmentationJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "ai_result", "usage"}``; ``ai_result`` contains the segments.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSegmentationJob

    :param input_config: The video: ``{"Type": "OSS" or "Media", "Media": a URL or a media id}``. (JSON, templated)
    :param job_params: The segments, with times in seconds: ``{"Mode": "UserDefined", "Ranges": [{"In": 10,
        "Out": 20}]}``. (JSON, templated)
    :param output_config: The output files: ``{"OutputMediaTarget": "oss-object", "Bucket", "ObjectKey" (with
        {index}), "Width", "Height", "ExportAsNewMedia": false}``. (JSON, templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param client_token: The idempotency token: if it was used before, the service returns the existing job. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitSegmentationJob")

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        job_params: dict[str, Any] | str | None = None,
        output_config: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.job_params = job_params
        self.output_config = output_config
        self.user_data = user_data
        self.client_token = client_token


class ImsSubmitDynamicChartJobOperator(JobOperator):
    """
    Produce an animated chart from a table (``SubmitDynamicChartJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "ai_result", "usage"}``; ``media_url`` is the URL of the
    video.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitDynamicChartJob

    :param chart_type: The type of chart, such as ``Line``. (templated)
    :param input: The Excel file with the data: ``{"XlsFile": a URL}``. (JSON, templated)
    :param output_config: The video: ``{"MediaURL", "Bitrate", "Width", "Height"}``. (JSON, templated)
    :param chart_config: The style of the chart, and its times in milliseconds: ``{"Style": "Normal", "TitleStartTime",
        "ChartStartTime", "VideoDuration"}``. (JSON, templated)
    :param chart_title: The chart's title: ``{"Text", "FontSize", "FontColor", "FontFile"}``. (JSON, templated)
    :param subtitle: The subtitle: ``{"Text", "FontSize", "FontColor", "FontFile"}``. (JSON, templated)
    :param axis_params: The axes: ``{"FontFile", "XAxisFontSize", "YAxisFontSize", "XAxisFontInterval", "AxisColor"}``;
        the service chooses the interval if it is missing or 0. (JSON, templated)
    :param background: The background: ``{"Color"}`` or ``{"ImageUrl"}``. (JSON, templated)
    :param data_source: The label for the data source: ``{"Text", "FontSize", "FontColor", "FontFile"}``.
        (JSON, templated)
    :param unit: The label for the unit: ``{"Text", "FontSize", "FontColor", "FontFile"}``. (JSON, templated)
    :param title: The job's title. (templated)
    :param description: The job's description. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitDynamicChartJob")

    def __init__(
        self,
        *,
        chart_type: str,
        input: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        chart_config: dict[str, Any] | str | None = None,
        chart_title: dict[str, Any] | str | None = None,
        subtitle: dict[str, Any] | str | None = None,
        axis_params: dict[str, Any] | str | None = None,
        background: dict[str, Any] | str | None = None,
        data_source: dict[str, Any] | str | None = None,
        unit: dict[str, Any] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.chart_type = chart_type
        self.input = input
        self.output_config = output_config
        self.chart_config = chart_config
        self.chart_title = chart_title
        self.subtitle = subtitle
        self.axis_params = axis_params
        self.background = background
        self.data_source = data_source
        self.unit = unit
        self.title = title
        self.description = description
        self.user_data = user_data
