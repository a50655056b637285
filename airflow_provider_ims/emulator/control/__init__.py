"""The control interface: faults, the commands of :class:`EmulatorControl`, and its HTTP client and server."""
