from __future__ import annotations

from support.queue_emulator import queue_emulator

__all__ = ["queue_emulator"]
