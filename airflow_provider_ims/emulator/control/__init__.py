"""The control interface: faults, the commands of :class:`EmulatorControl`, and both ends of its HTTP API."""
