"""Reads the connection, obtains credentials and sends signed requests. Only this package imports SDKs."""
