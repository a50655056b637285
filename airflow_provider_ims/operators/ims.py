"""Operators of Intelligent Media Services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_ims.jobs.kinds import AUDIO_PRODUCE, BATCH_MEDIA_PRODUCING, TEXT_GENERATE
from airflow_provider_ims.operators.any_job import AnyJobOperator
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.tasks import BatchJobTask
from airflow_provider_ims.triggers.ims import (
    ImsBatchMediaProducingJobTrigger,
    ImsJobTrigger,
    ImsSmartHandleJobTrigger,
)


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
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    kind = TEXT_GENERATE
    trigger_class = ImsSmartHandleJobTrigger
    template_fields: Sequence[str] = (
        "generate_config",
        "type",
        "title",
        "description",
        "user_data",
        *JobOperator.template_fields,
    )
    template_fields_renderers = {"generate_config": "json", "user_data": "json"}

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
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    kind = AUDIO_PRODUCE
    trigger_class = ImsSmartHandleJobTrigger
    template_fields: Sequence[str] = (
        "input_config",
        "editing_config",
        "output_config",
        "title",
        "description",
        "user_data",
        "overwrite",
        *JobOperator.template_fields,
    )
    template_fields_renderers = {"editing_config": "json", "output_config": "json", "user_data": "json"}

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


class ImsSubmitBatchMediaProducingJobOperator(BatchJobTask, JobOperator):
    """
    Produce a batch of videos from media assets (``SubmitBatchMediaProducingJob``).

    A job that ended with some failed videos succeeds, with a warning, unless ``fail_on_partial_failure`` is set; one
    that made no video fails.

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}],
    "failed": [{"job_id", "error_code", "error_message"}]}``, durations in seconds.

    .. seealso:: https://help.aliyun.com/document_detail/2692547.html

    :param input_config: The material: ``{"MediaGroupArray"}`` for script-based videos (up to 40 groups of up to
        200 media, goes over the others), ``{"MediaArray"}`` for text matching, or ``{"MediaSearchInput"}``; with
        ``SpeechTextArray`` (up to 50 texts of up to 1,000 characters, for all or in a group, not both) and
        ``TitleArray`` (up to 50). A dict or a JSON string. (templated)
    :param output_config: The videos: ``{"MediaURL" (with {index}), "Count", "Width", "Height", "MaxDuration" or
        "FixedDuration", "Video": {"Crf"}}``; the bucket lies in the endpoint's region. A dict or a JSON string.
        (templated)
    :param editing_config: How they are edited, such as ``{"MediaConfig": {"Volume": 0}}``. A dict or a JSON string.
        (templated)
    :param template_config: A list of template ids, of which the service picks one for each video. A list or a JSON
        string. (templated)
    :param user_data: Your own data and callback, such as ``{"NotifyAddress": "https://.."}``; up to 512 bytes as
        JSON. A dict or a JSON string. (templated)
    :param client_token: Makes the submit idempotent: the service answers a token that it knows with the job it
        already has. (templated)
    :param fail_on_partial_failure: Fail the task when any video failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    kind = BATCH_MEDIA_PRODUCING
    trigger_class = ImsBatchMediaProducingJobTrigger
    template_fields: Sequence[str] = (
        "input_config",
        "output_config",
        "editing_config",
        "template_config",
        "user_data",
        "client_token",
        *JobOperator.template_fields,
    )
    template_fields_renderers = {
        "input_config": "json",
        "output_config": "json",
        "editing_config": "json",
        "template_config": "json",
        "user_data": "json",
    }

    def __init__(
        self,
        *,
        input_config: dict[str, Any] | str,
        output_config: dict[str, Any] | str | None = None,
        editing_config: dict[str, Any] | str | None = None,
        template_config: list[str] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        client_token: str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_config = input_config
        self.output_config = output_config
        self.editing_config = editing_config
        self.template_config = template_config
        self.user_data = user_data
        self.client_token = client_token
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsSubmitJobOperator(AnyJobOperator):
    """
    Submit a job of any kind that Intelligent Media Services has, and wait for its end.

    Returns ``{"job_id", "state", ...}`` with what came out, by the kind of job.

    :param job: The submit action, such as ``SubmitASRJob``. (templated)
    :param parameters: The action's parameters under their own names; where the action takes a JSON string, a dict or
        a list will do. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    trigger_class = ImsJobTrigger
