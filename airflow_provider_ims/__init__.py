"""Airflow provider for Alibaba Cloud Intelligent Media Services (IMS) and ApsaraVideo VOD."""

from __future__ import annotations

__version__ = "0.1.0"
