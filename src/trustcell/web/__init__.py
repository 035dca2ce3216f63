"""HTTP: the repository and archive that unmodified clients expect."""
