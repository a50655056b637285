"""How an emulator is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ims.emulator.actions import KINDS
from airflow_provider_ims.emulator.clock import ClockMode

DEFAULT_ACCESS_KEY_ID = "LTAI-ims-emulator"
DEFAULT_ACCESS_KEY_SECRET = "ims-emulator-secret"


@dataclass(frozen=True)
class StsCredential:
    """
    A temporary credential that the emulator knows.

    :param access_key_id: key id, by custom beginning with ``STS.``.
    :param access_key_secret: its secret.
    :param security_token: its token; empty for a session key of a key pair, which has none.
    :param expires: when it ends, in seconds since the epoch; None for never.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    expires: float | None = None


def _default_keys() -> dict[str, str]:
    return {DEFAULT_ACCESS_KEY_ID: DEFAULT_ACCESS_KEY_SECRET}


@dataclass(frozen=True)
class Settings:
    """
    The behaviour of one emulator.

    :param durations: seconds a job takes, by submit action; those not named take their defaults.
    :param clock: ``auto`` runs with real time, ``manual`` stands still until advanced.
    :param access_keys: secret by access key id.
    :param sts_tokens: temporary credentials.
    :param bearer_tokens: tokens that stand for a signature.
    :param region_id: region that made-up addresses lie in.
    :param account_id: the account that owns the jobs.
    :param list_text_jobs: whether ListSmartJobs shows text jobs, which the documents leave open.
    :param unknown_job_is_error: whether a query for an unknown job id is answered with an error, or else with
        a body that holds nothing; the documents leave it open.
    :param image_running_status: what GetAIImageJobs says of a job that runs, which the documents leave open;
        None leaves the field out.
    """

    durations: Mapping[str, float] = field(default_factory=dict)
    clock: ClockMode = "auto"
    access_keys: Mapping[str, str] = field(default_factory=_default_keys)
    sts_tokens: tuple[StsCredential, ...] = ()
    bearer_tokens: tuple[str, ...] = field(default=(), repr=False)
    region_id: str = "cn-shanghai"
    account_id: str = "1974526429000000"
    list_text_jobs: bool = False
    unknown_job_is_error: bool = True
    image_running_status: str | None = "processing"

    def __post_init__(self) -> None:
        """Refuse durations of actions that submit nothing."""
        for action, seconds in self.durations.items():
            if action not in KINDS:
                raise ValueError(f"no jobs are submitted by {action!r}; these take durations: {', '.join(KINDS)}")
            if seconds < 0:
                raise ValueError(f"the duration of {action} is {seconds} s")

    def seconds(self, action: str) -> float:
        """Return how long a job of a submit action takes."""
        return self.durations.get(action, KINDS[action].seconds)
