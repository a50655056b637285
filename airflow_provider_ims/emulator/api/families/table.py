"""The table of all families of resource actions."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.families.agents import AGENT_FAMILIES
from airflow_provider_ims.emulator.api.families.categories import CATEGORY_FAMILIES
from airflow_provider_ims.emulator.api.families.channels import CHANNEL_FAMILIES
from airflow_provider_ims.emulator.api.families.kinds import Family
from airflow_provider_ims.emulator.api.families.libraries import LIBRARY_FAMILIES
from airflow_provider_ims.emulator.api.families.live import LIVE_FAMILIES
from airflow_provider_ims.emulator.api.families.media import MEDIA_FAMILIES
from airflow_provider_ims.emulator.api.families.production import PRODUCTION_FAMILIES
from airflow_provider_ims.emulator.api.families.statistics import STATISTICS_FAMILIES
from airflow_provider_ims.emulator.api.families.vod_media import VOD_MEDIA_FAMILIES
from airflow_provider_ims.emulator.api.families.vod_settings import VOD_SETTING_FAMILIES

FAMILIES: tuple[Family, ...] = (
    *MEDIA_FAMILIES,
    *CATEGORY_FAMILIES,
    *PRODUCTION_FAMILIES,
    *LIBRARY_FAMILIES,
    *LIVE_FAMILIES,
    *CHANNEL_FAMILIES,
    *AGENT_FAMILIES,
    *VOD_MEDIA_FAMILIES,
    *VOD_SETTING_FAMILIES,
    *STATISTICS_FAMILIES,
)
