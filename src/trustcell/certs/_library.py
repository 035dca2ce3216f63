"""What ``cryptography`` refuses, or warns of, as one ``WireError`` with a stable code."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from trustcell.vocab import WireError

TIME_FORM_WRONG = "time_form_wrong"
_FILTERS = threading.RLock()  # warning filters belong to the process: one reader at a time changes them
_REFUSALS = (
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AssertionError,
    CryptographyDeprecationWarning,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_KIND = re.compile(r"kind: (\w+)")
_LOCATION = re.compile(r'"(?:\w+::)?(\w+)"')
_BY_TEXT = (
    ("DEFAULT value was explicitly encoded", "default_encoded"),
    ("kind: EncodedDefault", "default_encoded"),
    ("serial number which wasn't positive", "serial_not_positive"),
    ("SpecifiedCurve", "curve_explicit"),
    ("path_length must be None", "path_length_without_authority"),
    ('InvalidValue, location: ["BasicConstraints::path_length"', "path_length_negative"),
    ("Unsupported reason code", "reason_not_valid"),
    ("distinguished name cannot be empty", "name_rdn_empty"),
    ("duplicate attributes", "name_attribute_duplicate"),
    ("GeneralName::", "general_name_malformed"),
    ("AttributeValue::", "name_string_malformed"),
)
_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (x509.InvalidVersion, "version_unknown"),
    (x509.DuplicateExtension, "extension_duplicate"),
)
_TIMES = {"validity", "this_update", "next_update", "revoked_at", "revocation_date"}
_MALFORMED = {
    "extensions": "extension_malformed",
    "entries": "entry_extension_malformed",
    "attributes": "attribute_malformed",
}
_BY_STAGE = {
    ("name", "InvalidValue"): "name_string_malformed",
    ("name", "UnexpectedTag"): "name_string_type",
    ("name", "InvalidSetOrdering"): "name_rdn_order",
}


@dataclass(slots=True)
class Stage:
    """How far a reader is: ``name``, ``extensions``, ``entries`` or at the start."""

    at: str = ""


@contextmanager
def reading(noun: str) -> Iterator[Stage]:
    """Turn whatever is raised or warned of inside into a ``WireError`` whose code begins with ``noun``."""
    stage = Stage()
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of long names, which the profile measures
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            yield stage
    except WireError as error:
        raise WireError(error.offset, error.path, error.reason, f"{noun}_{error.code}") from None
    except _REFUSALS as error:
        text = str(error)
        location = _LOCATION.findall(text)
        code = _code(error, text, location, stage.at)
        raise WireError(-1, ".".join(location) or stage.at, _reason(text), f"{noun}_{code}") from None


def _code(error: Exception, text: str, location: list[str], stage: str) -> str:
    named = [code for kind, code in _BY_TYPE if isinstance(error, kind)]
    named += [code for words, code in _BY_TEXT if words in text]
    if named:
        return named[0]
    kind = found[1] if (found := _KIND.search(text)) else ""
    if kind == "ExtraData" and stage == "":
        return "null_algorithm_parameters" if location[-1:] == ["signature_alg"] else "trailing_data"
    if _TIMES & set(location) and kind in ("InvalidValue", "UnexpectedTag"):
        return "time_malformed"
    return _BY_STAGE.get((stage, kind)) or _MALFORMED.get(stage, "not_der")


def _reason(text: str) -> str:
    found = _KIND.search(text)
    return f"it does not decode ({found[1]})" if found else text.rstrip(".")[:300]
