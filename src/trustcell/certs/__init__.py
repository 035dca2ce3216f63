"""Room certs."""
