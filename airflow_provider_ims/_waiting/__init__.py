"""
Waits for jobs.

In a triggerer, one poller per connection, region and job family polls the jobs of all waiting tasks. On a worker, each
task polls its own jobs.
"""
