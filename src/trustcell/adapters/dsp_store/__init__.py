"""The DSP's books on SQLite or PostgreSQL: homes, the store of each under a lease, views over all."""

from trustcell.adapters.dsp_store.checking import problems
from trustcell.adapters.dsp_store.home import SqlHome
from trustcell.adapters.dsp_store.homes import Settings, SqlHomes, migrate, open_homes, open_homes_to_read
from trustcell.adapters.dsp_store.restore import Jump, confirm_restore
from trustcell.adapters.dsp_store.views import SqlViews

__all__ = [
    "Jump",
    "Settings",
    "SqlHome",
    "SqlHomes",
    "SqlViews",
    "confirm_restore",
    "migrate",
    "open_homes",
    "open_homes_to_read",
    "problems",
]
