"""The HTTP server: the application, signature verification, and request processing."""
