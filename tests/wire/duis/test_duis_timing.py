"""T5, measured round by round against the bare primitives of the same run; bounds are loose, figures are printed."""

import statistics
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustcell.duis import build_request, parse_document, read_signature, sign, verify

ROUNDS = 9
CALLS = 60


def ratio(work: Callable[[], object], floor: Callable[[], object]) -> float:
    """The median over rounds of the time of ``work`` in units of ``floor``."""

    def spent(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        return time.perf_counter() - began

    return statistics.median(spent(work) / spent(floor) for _ in range(ROUNDS))


def test_t5_verifying_and_signing_cost_a_few_bare_operations(
    signed, handover, supplier, schema, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = read_signature(parse_document(signed))
    half = [int.from_bytes(claim.value[at : at + 32], "big") for at in (0, 32)]
    der, method, key = encode_dss_signature(*half), ec.ECDSA(SHA256()), supplier.public_key
    unsigned = build_request(handover)

    def verify_with_schema() -> None:
        document = parse_document(signed)
        schema.validate(document)
        verify(document, key)

    def sign_with_schema() -> None:
        document = parse_document(unsigned)
        schema.validate(document)
        sign(document, issuer_name="CN=Z1,OU=07", serial=supplier.serial, sign=supplier)

    verifying = ratio(verify_with_schema, lambda: key.verify(der, claim.signed_info, method))
    signing = ratio(sign_with_schema, lambda: supplier.key.sign(claim.signed_info, method))
    with capsys.disabled():
        print(f"\nT5: verify + XSD {verifying:.2f} bare verifies, sign + XSD {signing:.2f} bare signs")
    assert verifying < 5
    assert signing < 9
