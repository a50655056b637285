"""The state of an emulator: its jobs and requests in SQLite, and the job clock."""
