"""Asset events from the messages of a queue."""
