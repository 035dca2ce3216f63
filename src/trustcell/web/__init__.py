"""HTTP: repository and archive, DUIS services that unmodified clients expect, the JSON API, and the console."""

from trustcell.web.api import api_app
from trustcell.web.console import console_app
from trustcell.web.duis import duis_app
from trustcell.web.repository import repository_app

__all__ = ["api_app", "console_app", "duis_app", "repository_app"]
