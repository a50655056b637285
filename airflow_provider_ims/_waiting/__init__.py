"""Waiting for jobs: a worker polls in a loop, a triggerer with one poller per connection, region and job family."""
