"""The four XML messages of the repository's services: two requests read strictly, two responses written (smki.md 5.2).

None has a namespace. An element that stands twice, is not known, or holds more than text is an invalid parameter.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from trustcell.duis import parse_document
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.vocab import Eui64, KeyUsage, WireError

INVALID = "search_parameter_invalid"
USAGES: Mapping[str, KeyUsage] = {"DS": KeyUsage.DIGITAL_SIGNATURE, "KA": KeyUsage.KEY_AGREEMENT}
_USAGE_CODES = {usage: code for code, usage in USAGES.items()}
_SERIAL = re.compile(r"[0-9A-Fa-f]{1,64}")
_ROLE = re.compile(r"[0-9]{1,3}")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROLOG = b'<?xml version="1.0" encoding="utf-8"?>'
_SUBJECTS = {"CertificateSubjectName": False, "CertificateSubjectAltName": True}
_FILTERS = ("CertificateRole", "CertificateUsage", "CertificateStatus")


@dataclass(frozen=True, slots=True)
class Listed:
    """A certificate as an answer shows it: the record, its status now, and whether it is in a manufacturing pack."""

    record: CertificateRecord
    status: Status
    in_pack: bool


def read_search(octets: bytes) -> Query:
    """What a ``CertificateSearchRequest`` asks for; ``WireError`` otherwise.

    Exactly one subject, device (``CertificateSubjectAltName``) or organisation; role, usage and status narrow.
    """
    fields = _fields(octets, "CertificateSearchRequest", (*_SUBJECTS, *_FILTERS))
    named = [name for name in _SUBJECTS if name in fields]
    if len(named) != 1:
        raise _invalid("", f"exactly one of {' and '.join(_SUBJECTS)} was expected")
    subject = named[0]
    try:
        entity = Eui64.parse(fields[subject])
    except ValueError:
        raise _invalid(subject, "an EUI-64 such as 90-B3-D5-1F-30-01-00-00 was expected") from None
    role, usage, status = (fields.get(name) for name in _FILTERS)
    if role is not None and (not _ROLE.fullmatch(role) or int(role) > 255):
        raise _invalid("CertificateRole", "a role as a decimal number was expected")
    if usage is not None and usage not in USAGES:
        raise _invalid("CertificateUsage", "DS or KA was expected")
    if status is not None and status not in list(Status):
        raise _invalid("CertificateStatus", "P, I, N, E or R was expected")
    return Query(
        entity_id=entity,
        role=None if role is None else int(role),
        key_usage=None if usage is None else USAGES[usage],
        family=Family.DEVICE if _SUBJECTS[subject] else Family.ORGANISATION,
        status=None if status is None else Status(status),
    )


def read_retrieval(octets: bytes) -> int:
    """The serial of a ``CertificateDataRequest`` as a number; ``WireError`` otherwise."""
    serial = _fields(octets, "CertificateDataRequest", ("CertificateSerial",)).get("CertificateSerial", "")
    if not _SERIAL.fullmatch(serial):
        raise _invalid("CertificateSerial", "a serial number in hex was expected")
    return int(serial, 16)


def search_response(reference: str, found: Iterable[Listed]) -> bytes:
    """A ``CertificateSearchResponse`` with one ``Result`` for each certificate."""
    root = _response("CertificateSearchResponse", 200, "Success", reference)
    for listed in found:
        result = etree.SubElement(root, "Result")
        _add(result, "CertificateSerial", _serial(listed.record))
        _add_subject(result, listed.record)
        _add(result, "CertificateStatus", listed.status.value)
        _add_particulars(result, listed)
    return _octets(root)


def retrieval_response(reference: str, listed: Listed) -> bytes:
    """A ``CertificateDataResponse`` with the certificate in base64."""
    root = _response("CertificateDataResponse", 200, "Success", reference)
    answer = etree.SubElement(root, "CertificateResponse")
    _add_subject(answer, listed.record)
    _add(answer, "CertificateSerial", _serial(listed.record))
    _add(answer, "CertificateStatus", listed.status.value)
    _add(answer, "CertificateBody", base64.b64encode(listed.record.der).decode())
    _add_particulars(answer, listed)
    return _octets(root)


def failure_response(root: str, status: int, message: str, reference: str) -> bytes:
    """A response without a result; ``status`` is the HTTP status it goes out with."""
    return _octets(_response(root, status, message, reference))


def _fields(octets: bytes, root_name: str, known: tuple[str, ...]) -> dict[str, str]:
    root = parse_document(octets).root
    if root.tag != root_name or root.attrib:
        raise _invalid("", f"{root_name} without namespace and attributes was expected")
    fields: dict[str, str] = {}
    for element in root:
        name = element.tag if isinstance(element.tag, str) else ""
        if name not in known or name in fields:
            raise _invalid("", f"each of {', '.join(known)} may stand once, nothing else")
        if len(element) or element.attrib:
            raise _invalid(name, "only text was expected")
        fields[name] = (element.text or "").strip()
    stray = [root.text, *(element.tail for element in root)]
    if any(text and not text.isspace() for text in stray):
        raise _invalid("", "no text was expected beside the elements")
    return fields


def _invalid(path: str, reason: str) -> WireError:
    return WireError(-1, path, reason, INVALID)


def _response(name: str, code: int, message: str, reference: str) -> etree._Element:
    root = etree.Element(name)
    _add(root, "ResponseCode", str(code))
    _add(root, "ResponseMessage", message)
    _add(root, "AuditReference", reference)
    return root


def _serial(record: CertificateRecord) -> str:
    return f"{record.serial:X}".zfill(32)


def _add_subject(parent: etree._Element, record: CertificateRecord) -> None:
    """A client chooses its parser by which of the two names it finds, so there is never both."""
    if record.family is Family.DEVICE and record.entity_id is not None:
        _add(parent, "CertificateSubjectAltName", str(record.entity_id))
    else:
        _add(parent, "CertificateSubjectName", str(record.entity_id or record.subject))


def _add_particulars(parent: etree._Element, listed: Listed) -> None:
    record = listed.record
    if record.family is Family.ORGANISATION and record.role is not None:
        _add(parent, "CertificateRole", str(int(record.role)))
    if (usage := _USAGE_CODES.get(record.key_usage)) is not None:
        _add(parent, "CertificateUsage", usage)
    _add(parent, "ManufacturingFlag", "true" if listed.in_pack else "false")


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)


def _octets(root: etree._Element) -> bytes:
    return _PROLOG + etree.tostring(root)
