"""The page that shows the jobs, requests and faults of an emulator in a browser."""
