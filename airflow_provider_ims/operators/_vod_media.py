"""Operators for ApsaraVideo VOD that fetch media from URLs, and that run workflows on media."""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.hooks._actions import VOD
from airflow_provider_ims.operators.base import JobOperator


class VodUploadMediaByURLOperator(JobOperator):
    """
    Fetch a file from a URL, and store it as a video or audio file in VOD (``UploadMediaByURL``).

    The service queues uploads and does not guarantee a completion time; an upload may take hours or days. An upload
    that waits in the queue can be cancelled.

    Returns ``{"job_id", "state", "media_id", "file_size"}``. Other operators accept ``media_id`` as their ``video_id``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/UploadMediaByURL

    :param upload_urls: The URL of the file, reachable from the internet; special characters must be percent-encoded.
        The URL must have a file extension, or ``upload_metadatas`` must contain ``FileExtension``. Only one URL is
        accepted, because the service creates a job for each URL. (templated)
    :param upload_metadatas: The properties of the media asset: ``[{"SourceURL": "..", "Title": "..", ..}]``;
        ``SourceURL`` must be the same URL as in ``upload_urls``. (JSON, templated)
    :param storage_location: The storage address. Default: the account's default address. (templated)
    :param template_group_id: The id of the transcoding template group. Default: the account's default group.
        (templated)
    :param workflow_id: The id of a workflow that processes the file; it overrides ``template_group_id``. (templated)
    :param generate_thumbnail: Not documented by the service. (templated)
    :param enable_first_frame_cover: Not documented by the service. (templated)
    :param app_id: The id of the application in VOD. (templated)
    :param session_id: An id that the service accepts only once in ten minutes. (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("UploadMediaByURL", VOD)

    def __init__(
        self,
        *,
        upload_urls: str,
        upload_metadatas: list[dict[str, Any]] | str | None = None,
        storage_location: str | None = None,
        template_group_id: str | None = None,
        workflow_id: str | None = None,
        generate_thumbnail: bool | None = None,
        enable_first_frame_cover: bool | None = None,
        app_id: str | None = None,
        session_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.upload_urls = upload_urls
        self.upload_metadatas = upload_metadatas
        self.storage_location = storage_location
        self.template_group_id = template_group_id
        self.workflow_id = workflow_id
        self.generate_thumbnail = generate_thumbnail
        self.enable_first_frame_cover = enable_first_frame_cover
        self.app_id = app_id
        self.session_id = session_id
        self.user_data = user_data


class VodUploadStreamByURLOperator(JobOperator):
    """
    Fetch a transcoded stream from a URL, and add it to a video (``UploadStreamByURL``).

    Returns ``{"job_id", "state", "media_id", "file_size"}``.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/UploadStreamByURL

    :param media_id: The id of the video in VOD to which the stream is added. (templated)
    :param stream_url: The URL of the stream, reachable from the internet. (templated)
    :param definition: The quality, such as ``HD``. (templated)
    :param file_extension: The file extension; required if the URL has none. (templated)
    :param hdr_type: The HDR type: ``HDR``, ``HDR10``, ``HLG``, ``DolbyVision``, ``HDRVivid`` or ``SDR+``. (templated)
    :param upload_metadata: The properties of the stored file: ``{"CustomPath": "..", ..}``. (JSON, templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("UploadStreamByURL", VOD)

    def __init__(
        self,
        *,
        media_id: str,
        stream_url: str,
        definition: str,
        file_extension: str | None = None,
        hdr_type: str | None = None,
        upload_metadata: dict[str, Any] | str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.stream_url = stream_url
        self.definition = definition
        self.file_extension = file_extension
        self.hdr_type = hdr_type
        self.upload_metadata = upload_metadata
        self.user_data = user_data


class VodSubmitWorkflowJobOperator(JobOperator):
    """
    Run a workflow on a video (``SubmitWorkflowJob``).

    The operator cannot find a job whose id was lost in a crash: it would have to identify the job by its UserData, but
    this action does not accept UserData.

    Returns ``{"job_id", "state", "workflow_id", "node_results", "outputs"}``. ``job_id`` is the id of the workflow
    task. The formats of ``node_results`` and ``outputs`` depend on the workflow.

    .. seealso:: https://api.aliyun.com/document/vod/2017-03-21/SubmitWorkflowJob

    :param workflow_id: The id of the workflow. (templated)
    :param media_id: The id of the video in VOD. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("SubmitWorkflowJob", VOD)

    def __init__(self, *, workflow_id: str, media_id: str | None = None, **kwargs: Unpack[JobArguments]) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.media_id = media_id
