"""Messages about the end of jobs, which IMS and VOD write to queues."""
