"""
Airflow provider for Alibaba Cloud Intelligent Media Services (IMS) and ApsaraVideo VOD.

The public modules are:

- ``operators.ims``, ``operators.vod``: submit jobs and wait for them, or call any API action
- ``sensors.ims``, ``sensors.vod``: wait for jobs
- ``triggers.smq``: starts DAGs when messages arrive in a queue
- ``hooks.ims``, ``hooks.vod``: call any API action
- ``hooks.smq``: receives the messages of a queue
- ``subtitles``: converts sentences into SRT and WebVTT
- ``policies.retry``: decides whether a task is retried, depending on the error
- ``exceptions``: the errors
- ``emulator``: a local emulator of IMS and VOD, for tests
- ``preload``: imports the Alibaba Cloud SDK once per worker instead of once per task

All other modules are private and may change in any release.
"""

from __future__ import annotations

__version__ = "0.1.0"
