"""HTTP: repository and archive, the DUIS services that unmodified clients expect, and the JSON API."""

from trustcell.web.api import api_app
from trustcell.web.duis import duis_app
from trustcell.web.repository import repository_app

__all__ = ["api_app", "duis_app", "repository_app"]
