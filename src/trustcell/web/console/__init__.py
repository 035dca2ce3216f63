"""The console: pages for people, server-rendered, each with an address that can be pasted into an e-mail."""

from trustcell.web.console.application import console_app, console_routes

__all__ = ["console_app", "console_routes"]
