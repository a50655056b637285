"""
Operators for smart jobs that generate text, convert text to speech or recognise speech.

The jobs are queried with ``GetSmartHandleJob``.
"""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitTextGenerateJobOperator(JobOperator):
    """
    Generate marketing copy, video titles or a storyboard script (``SubmitTextGenerateJob``).

    The service bills jobs per token, and does not bill failed jobs. The account needs the enterprise subscription.

    Returns ``{"job_id", "state", "texts": [str], "usage": {"total_tokens": int} or None}``.

    .. seealso:: https://help.aliyun.com/document_detail/2690210.html

    :param generate_config: The parameters of the text: ``{"keywords", "textLength" (5 to 1,000 characters),
        "targetCount" (1 to 1,000)}``, or ``{"originText"}`` for a storyboard script. (JSON, templated)
    :param type: The type of text: ``MarketingCopy``, ``Title`` or ``StoryboardScript``. (templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 1,024 bytes of UTF-8. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitTextGenerateJob")

    def __init__(
        self,
        *,
        generate_config: dict[str, Any] | str,
        type: str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.generate_config = generate_config
        self.type = type
        self.title = title
        self.description = description
        self.user_data = user_data


class ImsSubmitAudioProduceJobOperator(JobOperator):
    """
    Convert text to speech and write the audio file to OSS (``SubmitAudioProduceJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "sentences": [{"content", "from", "to"}]}``; times are
    in seconds, and a value that the service did not return is ``None``.

    .. seealso:: https://help.aliyun.com/document_detail/2391326.html

    :param input_config: Plain text or SSML, or the name of a ``.txt`` or ``.ssml`` file. (templated)
    :param editing_config: The voice: ``{"voice" or "customizedVoice" (overrides voice), "format" (PCM, WAV or MP3),
        "volume" (0 to 100, default: 50), "speech_rate" and "pitch_rate" (-500 to 500, default: 0)}``. (JSON, templated)
    :param output_config: The output: ``{"bucket", "object" (without a file extension)}``. (JSON, templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 1,024 bytes of UTF-8. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param overwrite: Whether an existing object is overwritten. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitAudioProduceJob")

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
        **kwargs: Unpack[JobArguments],
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
    Recognise the speech in a video or audio file, for example for subtitles (``SubmitASRJob``).

    Returns ``{"job_id", "state", "media_id", "media_url", "sentences": [{"content", "from", "to"}]}``; times are
    in seconds, and a value that the service did not return is ``None``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitASRJob

    :param input_file: The file: ``oss://bucket.oss-cn-shanghai.aliyuncs.com/object``, or a media id. (templated)
    :param start_time: The start position in the file, such as ``00:00:00``. (templated)
    :param duration: The length of the part to recognise, such as ``00:00:10``. (templated)
    :param editing_config: The recognition options: ``{"HotwordLibraryIdList" (one id), "SentenceMaxLength"
        (characters), "EnableSemanticSentenceDetection" (default: false)}``. (JSON, templated)
    :param title: The job's title, up to 128 bytes of UTF-8. (templated)
    :param description: The job's description, up to 128 bytes of UTF-8. (templated)
    :param user_data: Custom data and a callback (``NotifyAddress``), up to 512 bytes in total. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitASRJob")

    def __init__(
        self,
        *,
        input_file: str,
        start_time: str | None = None,
        duration: str | None = None,
        editing_config: dict[str, Any] | str | None = None,
        title: str | None = None,
        description: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.input_file = input_file
        self.start_time = start_time
        self.duration = duration
        self.editing_config = editing_config
        self.title = title
        self.description = description
        self.user_data = user_data
