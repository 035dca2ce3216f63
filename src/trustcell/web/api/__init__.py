"""The JSON API: what operators, auditors and users may know and do, described by its own OpenAPI document."""

from trustcell.web.api.application import ENDPOINTS, api_app
from trustcell.web.api.openapi import openapi

__all__ = ["ENDPOINTS", "api_app", "openapi"]
