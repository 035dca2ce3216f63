"""Speed, always beside the cryptographic operations that cannot be avoided, in the same run (``make bench``)."""
