"""The page that shows the faults, jobs, queues and requests of an emulator in a browser."""
