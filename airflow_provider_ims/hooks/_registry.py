"""The hook of each product."""

from __future__ import annotations

from airflow_provider_ims.hooks._actions import Product
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

_HOOKS: dict[str, type[AlibabaCloudMediaHook]] = {hook.product.code: hook for hook in (ImsHook, VodHook)}


def hook_class_of(product: Product) -> type[AlibabaCloudMediaHook]:
    """Return the hook class of a product."""
    return _HOOKS[product.code]
