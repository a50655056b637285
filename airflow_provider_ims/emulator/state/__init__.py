"""The state of an emulator: the job clock, and the jobs, resources, requests, callbacks and queues in SQLite."""
