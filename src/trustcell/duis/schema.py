"""The official XSDs as a second judge: loaded from a folder that the user names, then used on every message."""

from pathlib import Path
from typing import Any

from lxml import etree

from trustcell.duis.names import SR
from trustcell.duis.xml import Document
from trustcell.vocab import Unavailable, WireError

_XS = "{http://www.w3.org/2001/XMLSchema}"
_SCHEME = "trustcell-schema:"
_MAX_FILE = 16 * 1024 * 1024


class Schema:
    """A compiled DUIS schema. ``validate`` may be called as often as wanted; nothing is read after loading."""

    __slots__ = ("_validator",)

    def __init__(self, validator: etree.XMLSchema) -> None:
        """Take a compiled validator; use ``load_schema`` to get one from a folder."""
        self._validator = validator

    def validate(self, document: Document) -> None:
        """Raise ``WireError`` with code ``schema_invalid`` if the document does not follow the schema."""
        try:
            self._validator.assertValid(document.root)
        except etree.DocumentInvalid as error:
            reason = " ".join(str(error).replace(f"{{{SR}}}", "").split())
            raise WireError(-1, "", reason[:200], "schema_invalid") from None
        except etree.XMLSchemaValidateError:
            raise WireError(-1, "", "the schema cannot judge this document", "schema_invalid") from None


class _FolderResolver(etree.Resolver):
    """Answers the imports of a schema from one folder, by plain file name, and everything else with nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def resolve(self, system_url: str, public_id: str, *context: Any) -> Any:
        name = bytes.fromhex(system_url.removeprefix(_SCHEME)).decode("utf-8")
        return self.resolve_string(_schema_text(self._folder / name), *context, base_url=system_url)


def load_schema(folder: Path) -> Schema:
    """Compile the DUIS schema in ``folder`` with the schemas it imports from the same folder.

    The file whose name begins with ``DUIS`` is the start (the last one by name, if there are several versions).
    Raises ``Unavailable`` if a file is missing or does not compile. No network is touched, no DTD is read.
    """
    try:
        starts = sorted(path for path in folder.iterdir() if path.name.startswith("DUIS") and path.suffix == ".xsd")
        if not starts:
            raise Unavailable(f"{folder}: there is no DUIS schema (DUIS*.xsd)")
        parser = _schema_parser()
        parser.resolvers.add(_FolderResolver(folder))
        return Schema(etree.XMLSchema(etree.fromstring(_schema_text(starts[-1]), parser)))
    except (OSError, ValueError, etree.LxmlError) as error:
        raise Unavailable(f"{folder}: the DUIS schema does not load ({error})") from None


def _schema_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)


def _schema_text(path: Path) -> bytes:
    """One schema file without its DOCTYPE, its imports renamed so that only our resolver can answer them.

    File names stand in hex because libxml2 does not accept a space in a schema location.
    """
    with path.open("rb") as stream:
        root = etree.fromstring(stream.read(_MAX_FILE), _schema_parser())
    for reference in root.iter(f"{_XS}import", f"{_XS}include", f"{_XS}redefine"):
        location = reference.get("schemaLocation")
        if location is not None:
            name = location.replace("%20", " ").rsplit("/", 1)[-1]
            reference.set("schemaLocation", _SCHEME + name.encode("utf-8").hex())
    return etree.tostring(root)
