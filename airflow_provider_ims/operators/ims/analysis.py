"""Looking into media: tags and moderation."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsSubmitSmarttagJobOperator(JobOperator):
    """
    Tag a video by what it shows and says (``SubmitSmarttagJob``).

    No listing shows the user data of such jobs, so one whose id was lost in a crash cannot be found again.

    Returns ``{"job_id", "state", "results": [{"type", "data"}], "usages": [{"type", "quota"}]}``; ``data`` is the JSON
    of its type.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitSmarttagJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. A dict or a JSON string.
        (templated)
    :param template_id: The template that names the algorithms. (templated)
    :param template_config: What goes over the template for this job, such as ``FaceCategoryIds``. A dict or a JSON
        string. (templated)
    :param title: The video's title, up to 256 bytes of UTF-8. (templated)
    :param content: The video's description, up to 1 KB. (templated)
    :param content_addr: Deprecated by the service. (templated)
    :param content_type: Deprecated by the service. (templated)
    :param job_params: What else to tell (``Params``): ``{"needAsrData", "needOcrData", "needMetaData" (all false),
        "nlpParams"}``; what is given as ``params`` is Airflow's own. A dict or a JSON string. (templated)
    :param schedule_config: Where it runs: ``{"PipelineId": ".."}``. A dict or a JSON string. (templated)
    :param notify_url: Where to call back, by HTTP. (templated)
    :param user_data: Your own data for the callback, up to 1,024 bytes of UTF-8. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
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
        **kwargs: Any,
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

    A job succeeds whatever it found: what may go out only its result tells.

    Returns ``{"job_id", "state", "suggestion" ("pass", "review" or "block"), "video", "covers", "title", "description",
    "barrages"}``; what was not moderated is ``None``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/SubmitMediaCensorJob

    :param input: The video, as ``{"Type": "OSS", "Media": "oss://bucket/object"}``. A dict or a JSON string.
        (templated)
    :param cover_images: Up to five covers, each as ``{"Bucket", "Location": "oss-cn-shanghai", "Object", "RoleArn"}``;
        they go over the media's own. A list or a JSON string. (templated)
    :param title: The title, up to 64 bytes of UTF-8; it goes over the media's own. (templated)
    :param description: The description, up to 128 bytes of UTF-8; it goes over the media's own. (templated)
    :param barrages: The comments on the screen; they go over the media's own. (templated)
    :param output_file: Where screenshots and the full verdict go (``Output``), such as
        ``oss://bucket/snapshot-{Count}.jpg``, in the project's region. (templated)
    :param template_id: The template. Default: the service's own. (templated)
    :param schedule_config: Where it runs: ``{"PipelineId": ".."}``. A dict or a JSON string. (templated)
    :param notify_url: Where to call back, by HTTP or MNS. (templated)
    :param user_data: Your own data, up to 128 bytes of UTF-8. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
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
        **kwargs: Any,
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
