"""
Waiting for jobs.

The monitor evaluates the polls of one job. A worker polls in a loop (``blocking``). In a triggerer, one poller polls
all jobs of a connection, a region and a job family.
"""
