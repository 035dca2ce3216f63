"""Opaque bodies: our own facts refuse what the official schema refuses, and nothing else."""

import copy
import random
from pathlib import Path

import pytest
from lxml import etree

from trustcell.duis import OpaqueBody, Schema, parse_document, parse_request
from trustcell.duis.bodies import TYPED_ELEMENTS, read_body
from trustcell.duis.shape import local
from trustcell.duis.xml import Document
from trustcell.vocab import WireError

SR = "{http://www.dccinterface.co.uk/ServiceUserGateway}"
TEXTS = [
    *("", "x", "-1", "0", "99999999", "00", "1.5", " 5 ", "+3", "true", "GBP", "65536", "\u0665"),
    *("2015-02-30", "2015-02-28Z", "24:00:00Z", "24:00:01Z", "2015-01-01T00:00:00", "0000", "AAAA", "A"),
]


def mutate(body: etree._Element, random: random.Random) -> None:
    """One change that a careless or hostile client could make."""
    inside = list(body.iter())
    element = random.choice(inside)
    what = random.randrange(7)
    if what == 0 and element is not body:
        element.getparent().remove(element)
    elif what == 1 and element is not body:
        element.addnext(copy.deepcopy(element))
    elif what == 2 and len(element) > 1:
        element.append(element[0])
    elif what == 3 and element is not body:
        element.tag = f"{SR}Nothing"
    elif what == 4:
        random.choice([one for one in inside if not len(one)]).text = random.choice(TEXTS)
    elif what == 5:
        element.set("index", random.choice(["1", "0", "9", "x", " 1", ""]))
    elif element.attrib:
        element.attrib.pop(next(iter(element.attrib)))


def accepts(judge, *given: object) -> bool:
    try:
        judge(*given)
    except WireError as error:
        return error.code not in ("schema_invalid", "certificate_not_der", "certificate_trailing_data")
    return True


def test_both_judges_agree_on_every_mutation_of_every_template(shared: Path, schema: Schema) -> None:
    """Typed bodies may be stricter than the schema (lexical.py says where), opaque ones are neither way different."""
    choices = random.Random(20261125)
    verdicts: dict[tuple[bool, bool, bool], int] = {}
    for path in sorted((shared / "duis-templates").iterdir()):
        document = parse_document(path.read_bytes())
        for _ in range(12):
            root = copy.deepcopy(document.root)
            body = root[1][0]
            opaque = local(body) not in TYPED_ELEMENTS
            mutate(body, choices)
            official = accepts(schema.validate, Document(b"", root))
            ours = accepts(read_body, body, "Request.Body")
            key = (opaque, official, ours)
            verdicts[key] = verdicts.get(key, 0) + 1
            assert official or not ours, (path.name, etree.tostring(body)[:300])
            assert ours or not official or not opaque, (path.name, etree.tostring(body)[:300])
    assert verdicts[True, False, False] > 500
    assert verdicts[True, True, True] > 100


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("_6.11_", b"<sr:SynchroniseClock>", b"<sr:SynchroniseClock>garbage"),
        ("_6.11_", b"<sr:SynchroniseClock>", b"<sr:SynchroniseClock><sr:Garbage/>"),
        ("_6.11_", b"<sr:TolerancePeriod>", b"<sr:TolerancePeriod>x"),
        ("_6.11_", b"<sr:SynchroniseClock>", b"<sr:SynchroniseClock index='1'>"),
        ("ECS05_1.7", b"<sr:ResetTariffBlockCounterMatrix/>", b"<sr:ResetTariffBlockCounterMatrix> x</sr:X>"),
    ],
)
def test_garbage_in_an_opaque_body_is_refused(template, words: str, old: bytes, new: bytes) -> None:
    octets = template(words)
    assert old in octets
    with pytest.raises(WireError) as refusal:
        parse_request(octets.replace(old, new))
    assert refusal.value.code in ("schema_invalid", "xml_not_well_formed")


def test_an_opaque_value_that_is_made_is_judged_as_well() -> None:
    with pytest.raises(ValueError, match="schema_invalid"):
        OpaqueBody("SynchroniseClock", f'<sr:SynchroniseClock xmlns:sr="{SR[1:-1]}"></sr:SynchroniseClock>'.encode())
