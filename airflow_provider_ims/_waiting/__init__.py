"""
Waits for jobs.

In a triggerer, one poller per connection, region and job family polls all waiting jobs. On a worker, each task polls
its own jobs.
"""
