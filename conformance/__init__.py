"""``make live``: compares the real services with their documentation and with the emulator, one fact at a time."""
