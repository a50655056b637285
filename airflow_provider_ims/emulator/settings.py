"""The settings of an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ims.emulator.state.clock import ClockMode

DEFAULT_ACCESS_KEYS = {"LTAI-ims-emulator": "ims-emulator-secret"}


@dataclass(frozen=True)
class StsCredential:
    """
    A temporary credential that the emulator accepts.

    :param access_key_id: AccessKey ID, which usually begins with ``STS.``.
    :param access_key_secret: AccessKey secret.
    :param security_token: Security token; empty for the session key of an RSA key pair, because session keys have no
        token.
    :param expires: Expiry time in epoch seconds; None if the credential does not expire.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    expires: float | None = None


@dataclass(frozen=True)
class Settings:
    """
    The settings of one emulator.

    Except for ``account_id``, each field corresponds to an option of
    :class:`~airflow_provider_ims.emulator.ImsEmulator`.

    :param account_id: The id of the account that owns the jobs.
    :param public_url: The URL of the emulator, with which the signed URLs of files begin.
    """

    durations: Mapping[str, float] = field(default_factory=dict)
    clock: ClockMode = "auto"
    access_keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_ACCESS_KEYS))
    sts_tokens: tuple[StsCredential, ...] = ()
    bearer_tokens: tuple[str, ...] = field(default=(), repr=False)
    region_id: str = "cn-shanghai"
    account_id: str = "1974526429000000"
    list_text_jobs: bool = False
    unknown_job_is_error: bool = True
    speech_media_url: bool = True
    image_running_status: str | None = "processing"
    callback_hosts: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    queue_base64: bool = False
    strict: bool = False
    public_url: str = ""
