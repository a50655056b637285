"""Operators that fetch media from URLs, and that run workflows on media."""

from __future__ import annotations

from typing import Any, Unpack

from airflow_provider_ims._arguments import JobArguments
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims.operators.base import JobOperator


class ImsUploadMediaByURLOperator(JobOperator):
    """
    Fetch a file from a URL, and store it as a media asset (``UploadMediaByURL``).

    The service queues uploads and does not guarantee a completion time; an upload may take hours. The file is stored in
    the storage of ApsaraVideo VOD, not in your own bucket.

    Returns ``{"job_id", "state", "media_id", "file_size"}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/UploadMediaByURL

    :param upload_urls: The URL of the file, reachable from the internet; special characters must be percent-encoded.
        The URL must have a file extension, or ``media_meta_data`` must contain ``FileExtension``. Only one URL is
        accepted, because the service creates a job for each URL. (templated)
    :param media_meta_data: The properties of the media asset: ``[{"SourceURL": "..", "Title": "..", ..}]``;
        ``SourceURL`` must be the same URL as in ``upload_urls``. (JSON, templated)
    :param upload_target_config: The storage in VOD: ``{"StorageType": "oss", "StorageLocation": ".."}``.
        (JSON, templated)
    :param post_process_config: A workflow that processes the file: ``{"ProcessType": "Workflow", "ProcessID": ".."}``.
        (JSON, templated)
    :param app_id: The id of the application in IMS. (templated)
    :param entity_id: The id of the entity that defines custom properties. (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("UploadMediaByURL")

    def __init__(
        self,
        *,
        upload_urls: str,
        media_meta_data: list[dict[str, Any]] | str | None = None,
        upload_target_config: dict[str, Any] | str | None = None,
        post_process_config: dict[str, Any] | str | None = None,
        app_id: str | None = None,
        entity_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.upload_urls = upload_urls
        self.media_meta_data = media_meta_data
        self.upload_target_config = upload_target_config
        self.post_process_config = post_process_config
        self.app_id = app_id
        self.entity_id = entity_id
        self.user_data = user_data


class ImsUploadStreamByURLOperator(JobOperator):
    """
    Fetch a transcoded stream from a URL, and add it to a media asset (``UploadStreamByURL``).

    Returns ``{"job_id", "state", "media_id", "file_size"}``.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/UploadStreamByURL

    :param media_id: The id of the media asset to which the stream is added. (templated)
    :param stream_url: The URL of the stream, reachable from the internet. (templated)
    :param definition: The quality: ``FD``, ``LD``, ``SD``, ``HD``, ``OD``, ``2K``, ``4K``, ``SQ`` or ``HQ``.
        (templated)
    :param file_extension: The file extension, if the URL has none. (templated)
    :param hdr_type: The HDR type: ``HDR``, ``HDR10``, ``HLG``, ``DolbyVision``, ``HDRVivid`` or ``SDR+``. (templated)
    :param user_data: A callback and custom data: ``{"MessageCallback": {"CallbackURL": ".."}, "Extend": {..}}``.
        (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("UploadStreamByURL")

    def __init__(
        self,
        *,
        media_id: str,
        stream_url: str,
        definition: str | None = None,
        file_extension: str | None = None,
        hdr_type: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id
        self.stream_url = stream_url
        self.definition = definition
        self.file_extension = file_extension
        self.hdr_type = hdr_type
        self.user_data = user_data


class ImsStartWorkflowOperator(JobOperator):
    """
    Run a workflow template on a media asset or a file (``StartWorkflow``).

    Returns ``{"job_id", "state", "workflow_id", "activity_results"}``. ``job_id`` is the id of the workflow task. The
    format of ``activity_results`` depends on the nodes of the workflow.

    .. seealso:: https://api.aliyun.com/document/ICE/2020-11-09/StartWorkflow

    :param workflow_id: The id of the workflow template. (templated)
    :param task_input: The input: ``{"Type": "Media", "Media": "<media id>"}``, or
        ``{"Type": "OSS", "Media": "oss://bucket/object"}``. (JSON, templated)
    :param skip_input_verification: Whether the service skips the check that the path of an OSS file is one of the input
        paths of the workflow. (templated)
    :param user_data: A callback (``NotifyAddress``) and custom data, up to 512 bytes in total. (JSON, templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    kind = kind_of("StartWorkflow")

    def __init__(
        self,
        *,
        workflow_id: str,
        task_input: dict[str, Any] | str,
        skip_input_verification: bool | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Unpack[JobArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.task_input = task_input
        self.skip_input_verification = skip_input_verification
        self.user_data = user_data
