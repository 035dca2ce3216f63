"""HTTP: the repository and archive that unmodified clients expect."""

from trustcell.web.repository import repository_app

__all__ = ["repository_app"]
