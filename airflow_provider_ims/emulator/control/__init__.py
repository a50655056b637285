"""The control interface of the emulator: its commands, the faults, and the HTTP client and server."""
