"""The HTTP server of the emulator: its routes, signature verification, request processing, and callbacks."""
