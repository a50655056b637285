"""The HTTP server: the application, the signatures, and the path of a request."""
