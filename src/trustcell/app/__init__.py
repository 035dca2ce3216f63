"""Composition root: settings, and the only place where services meet adapters."""

from trustcell.adapters.keyfiles import Credential, KeyFile, read_key_file
from trustcell.app.files import MAX_INPUT_OCTETS, message_files, read_input, verify_messages, write_output
from trustcell.app.lab import lab_cast
from trustcell.app.story import open_ledger, set_stage

__all__ = [
    "MAX_INPUT_OCTETS",
    "Credential",
    "KeyFile",
    "lab_cast",
    "message_files",
    "open_ledger",
    "read_input",
    "read_key_file",
    "set_stage",
    "verify_messages",
    "write_output",
]
