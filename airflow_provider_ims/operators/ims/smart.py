"""Smart jobs about words, told of by ``GetSmartHandleJob``: writing them, speaking them, recognising them."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.jobs.kinds import AUDIO_PRODUCE, TEXT_GENERATE, kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitTextGenerateJobOperator(JobOperator):
    """
    Generate marketing copy, video titles or a storyboard script (``SubmitTextGenerateJob``).

    Billed by token; a failed job is free. Needs the enterprise subscription. The API has no client token, so only
    ``durable`` keeps a retry from submitting again.

    Returns ``{"job_id", "state", "texts": [str], "usage": {"total_tokens": int} or None}``.

    .. seealso:: https://help.aliyun.com/document_detail/2690210.html

    :param generate_config: What to write: ``{"keywords", "textLength" (5 to 1,000 characters), "targetCount"
        (1 to 1,000)}``, or ``{"originText"}`` for a storyboard script. A dict or a JSON string. (templated)
    :param type: ``MarketingCopy``, ``Title`` or ``StoryboardScript``. (templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 1,024 bytes of UTF-8. (templated)
    :param user_data: Your own data and callback, such as ``{"NotifyAddress": "https://.."}``; up to 512 bytes as
        JSON. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    kind = TEXT_GENERATE

    def __init__(
        self,
        *,
        generate_config: dict[str, Any] | str | None = None,
        type: str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generate_config = generate_config
        self.type = type
        self.title = title
        self.description = description
        self.user_data = user_data


class ImsSubmitAudioProduceJobOperator(JobOperator):
    """
    Speak a text into an audio file on OSS (``SubmitAudioProduceJob``).

    The API has no client token, so only ``durable`` keeps a retry from submitting again.

    Returns ``{"job_id", "state", "media_id", "media_url", "sentences": [{"content", "from", "to"}]}``, times in
    seconds; what the service did not tell is ``None``.

    .. seealso:: https://help.aliyun.com/document_detail/2391326.html

    :param input_config: The text, or SSML. (templated)
    :param editing_config: The voice: ``{"voice" or "customizedVoice" (goes over voice), "format" (PCM, WAV or MP3),
        "volume" (0 to 100, 50), "speech_rate" and "pitch_rate" (-500 to 500, 0)}``. A dict or a JSON string.
        (templated)
    :param output_config: Where the file goes: ``{"bucket", "object"}``, the object without its suffix. A dict or a
        JSON string. (templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 1,024 bytes of UTF-8. (templated)
    :param user_data: Your own data and callback, such as ``{"NotifyAddress": "https://.."}``; up to 512 bytes as
        JSON. A dict or a JSON string. (templated)
    :param overwrite: Whether an existing object is overwritten. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    kind = AUDIO_PRODUCE

    def __init__(
        self,
        *,
        input_config: str,
        editing_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        overwrite: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.editing_config = editing_config
        self.output_config = output_config
        self.title = title
        self.description = description
        self.user_data = user_data
        self.overwrite = overwrite


class ImsSubmitASRJobOperator(JobOperator):
    """
    Recognise the speech of a video or an audio file, for subtitles (``SubmitASRJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "sentences": [{"content", "from", "to"}]}``, times in
    seconds; what the service did not tell is ``None``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitASRJob

    :param input_file: The video or audio: ``oss://bucket.oss-cn-shanghai.aliyuncs.com/object``, or a media id.
        (templated)
    :param start_time: Where in the file to begin, such as ``00:00:00``. (templated)
    :param duration: How long a part to recognise, such as ``00:00:10``. (templated)
    :param editing_config: How it is recognised: ``{"HotwordLibraryIdList" (one id), "SentenceMaxLength" (characters),
        "EnableSemanticSentenceDetection" (false)}``. A dict or a JSON string. (templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 128 bytes of UTF-8. (templated)
    :param user_data: Your own data and callback, such as ``{"NotifyAddress": "https://.."}``; up to 512 bytes as JSON.
        A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    kind = kind_of("SubmitASRJob")

    def __init__(
        self,
        *,
        input_file: str | None = None,
        start_time: str | None = None,
        duration: str | None = None,
        editing_config: dict[str, Any] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_file = input_file
        self.start_time = start_time
        self.duration = duration
        self.editing_config = editing_config
        self.title = title
        self.description = description
        self.user_data = user_data
