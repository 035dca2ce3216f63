"""Writes what the opaque elements of DUIS may hold, as facts in our own words, from the official schema.

Usage: ``python tools/duis_facts.py FOLDER-OF-THE-SCHEMA``. The product reads only the two tables this makes.
"""

import csv
import sys
from pathlib import Path

from lxml import etree

from trustcell.duis.alerts import OPAQUE_ALERTS
from trustcell.duis.bodies import TYPED_ELEMENTS
from trustcell.duis.catalogue import body_elements

XS = "{http://www.w3.org/2001/XMLSchema}"
OUT = Path(__file__).resolve().parents[1] / "src" / "trustcell" / "duis"
RANGES = {
    "positiveInteger": (1, None),
    "nonNegativeInteger": (0, None),
    "nonPositiveInteger": (None, 0),
    "integer": (None, None),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 255),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-128, 127),
}
UNBOUNDED = 10**30
KNOWN = {"EUI": "eui", "RequestIDType": "request_id"}


class Facts:
    """What the types reachable from the wanted elements hold."""

    def __init__(self, schema: etree._Element) -> None:
        """Index the named parts of the schema."""
        self.named = {kid.get("name"): kid for kid in schema if isinstance(kid.tag, str)}
        self.schema = schema
        self.types: dict[str, tuple[str, str, str]] = {}
        self.elements: dict[tuple[str, str], str] = {}

    def value(self, kind: str) -> str:
        """A simple type by name, as ``kind least most rest``."""
        prefix, _, name = kind.rpartition(":")
        if prefix == "sr":
            return KNOWN.get(name) or self.simple(self.named[name])
        if name in RANGES:
            least, most = RANGES[name]
            return f"integer {-UNBOUNDED if least is None else least} {UNBOUNDED if most is None else most}"
        return {
            "string": "text 0 100000",
            "token": "token 0 100000",
            "decimal": f"decimal {-UNBOUNDED} {UNBOUNDED} 30",
        }.get(name) or (
            "base64 0 16777216" if name == "base64Binary" else "hex 0 16777216" if name == "hexBinary" else name
        )

    def simple(self, kind: etree._Element) -> str:
        """A simple type by its restriction."""
        rule = kind.find(f"{XS}restriction")
        inner = rule.find(f"{XS}simpleType")
        base = self.simple(inner) if inner is not None else self.value(rule.get("base"))
        facets = {etree.QName(f).localname: f.get("value") for f in rule if isinstance(f.tag, str)}
        listed = [f.get("value") for f in rule.findall(f"{XS}enumeration")]
        if listed:
            return f"list {'|'.join(listed)}"
        word, *rest = base.split(" ", 3)
        if word in ("integer", "decimal"):
            rest = rest or [str(-UNBOUNDED), str(UNBOUNDED), "30"]
            digits = facets.get("totalDigits")
            least = facets.get("minInclusive") or facets.get("minExclusive") or rest[0]
            most = facets.get("maxInclusive") or facets.get("maxExclusive") or rest[1]
            if word == "integer":
                least = str(int(least) + ("minExclusive" in facets))
                most = str(min(int(most) - ("maxExclusive" in facets), 10 ** int(digits) - 1 if digits else UNBOUNDED))
                return f"integer {least} {most}"
            return f"decimal {least} {most} {facets.get('fractionDigits', rest[2])}"
        if word in ("text", "token", "base64", "hex"):
            size = facets.get("length")
            least = size or facets.get("minLength", rest[0])
            most = size or facets.get("maxLength", rest[1])
            pattern = facets.get("pattern") or (rest[2] if len(rest) > 2 else "")
            return f"{word} {least} {most} {pattern}".rstrip()
        return base

    def content(self, element: etree._Element, owner: str) -> str:
        """What an element holds: ``=type`` or a value."""
        kind = element.get("type")
        if kind is None:
            inline = next(kid for kid in element if isinstance(kid.tag, str))
            if inline.tag == f"{XS}simpleType":
                return self.simple(inline)
            name = f"{owner}.{element.get('name')}"
            return f"={self.complex(inline, name)}"
        prefix, _, name = kind.rpartition(":")
        named = self.named.get(name) if prefix == "sr" else None
        if named is not None and named.tag == f"{XS}complexType":
            return f"={self.complex(named, name)}"
        return self.value(kind)

    def complex(self, kind: etree._Element, name: str) -> str:
        """Note a complex type and all it holds."""
        if name not in self.types:
            self.types[name] = ("", "", "")
            model, text, attributes = self.parts(kind, name)
            self.types[name] = (model, text, " ".join(attributes))
        return name

    def parts(self, kind: etree._Element, owner: str) -> tuple[str, str, list[str]]:
        model, text, attributes = "", "", []
        for part in kind:
            word = etree.QName(part).localname if isinstance(part.tag, str) else ""
            if word in ("complexContent", "simpleContent"):
                extension = part[0] if isinstance(part[0].tag, str) else part[1]
                base = extension.get("base")
                named = self.named.get(base.rpartition(":")[2]) if base.startswith("sr:") else None
                if named is not None and named.tag == f"{XS}complexType":
                    model, text, attributes = self.parts(named, owner)
                else:
                    text = self.value(base)
                own, _, more = self.parts(extension, owner)
                model, attributes = model + own, attributes + more
            elif word in ("sequence", "choice"):
                model += self.particle(part, owner)
            elif word == "attribute":
                if part.get("use") != "required":
                    raise SystemExit(f"{owner}: an attribute that is not required")
                attributes.append(
                    f"{part.get('name')}:{self.value(part.get('type')).split(' ', 1)[1].replace(' ', ':')}"
                )
        return model, text, attributes

    def particle(self, part: etree._Element, owner: str) -> str:
        """A particle as a regular expression over the names of children, each followed by a semicolon."""
        least, most = part.get("minOccurs", "1"), part.get("maxOccurs", "1")
        times = "" if (least, most) == ("1", "1") else f"{{{least},{'' if most == 'unbounded' else most}}}"
        if part.tag == f"{XS}element":
            name, content = part.get("name"), self.content(part, owner)
            if self.elements.setdefault((owner, name), content) != content:
                raise SystemExit(f"{owner}.{name} has two contents")
            return f"(?:{name};){times}" if times else f"{name};"
        inner = [self.particle(kid, owner) for kid in part if isinstance(kid.tag, str)]
        joined = f"(?:{'|'.join(inner)})" if part.tag == f"{XS}choice" else "".join(inner)
        return f"(?:{joined}){times}" if times else joined


def main(folder: Path) -> None:
    """Write the tables."""
    schema = etree.parse(str(folder / "DUIS Schema V5.4.xsd")).getroot()
    facts = Facts(schema)
    wanted = (body_elements() - TYPED_ELEMENTS) | OPAQUE_ALERTS
    for element in schema.iter(f"{XS}element"):
        if element.get("name") in wanted and element.getparent().tag == f"{XS}choice":
            content = facts.content(element, "")
            if facts.elements.setdefault(("", element.get("name")), content) != content:
                raise SystemExit(f"{element.get('name')} has two contents")
    if {name for owner, name in facts.elements if owner == ""} != wanted:
        raise SystemExit("an opaque element is missing")
    with (OUT / "opaque_types.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("type", "children", "text", "attributes"))
        rows.writerows((name, *facts.types[name]) for name in sorted(facts.types))
    with (OUT / "opaque_elements.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("inside", "element", "content"))
        rows.writerows((*key, facts.elements[key]) for key in sorted(facts.elements))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
