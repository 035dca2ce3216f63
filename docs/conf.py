"""The manual as a site: ``make docs`` builds it into ``out/site``, and the manual page of the command."""

from importlib import metadata

project = "trustcell"
author = "the trustcell authors"
copyright = "the trustcell authors, Apache-2.0"
release = metadata.version("trustcell")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["README.md"]  # index.md takes it in
myst_heading_anchors = 4
# Pages link to files of the source that are no pages; tests/docs holds that they exist.
suppress_warnings = ["myst.xref_missing"]

html_theme = "furo"
html_title = "trustcell"
html_copy_source = False
html_show_sphinx = False

man_pages = [("cli", "trustcell", "the life of an organisation's credentials in GB smart metering", [author], 1)]
