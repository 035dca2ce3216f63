"""Where the lab that is served is kept, for pages that read files beside its books."""

from pathlib import Path

from trustcell.web.console.visit import Visit


def kept_folder(visit: Visit) -> Path:
    """The folder; raises ``LookupError`` when the lab is not kept."""
    if visit.door.folder is None:
        raise LookupError("this lab is not kept: trustcell serve --lab FILE --home FOLDER keeps one")
    return visit.door.folder
