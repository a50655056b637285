"""Connection -> credentials -> client -> one signed call; the only package that imports the SDK."""
