"""The exchange: 6.15.1 transformed, checked, completed and MACed; then a 6.21; device and answers included."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Case, Ratio
from trustcell import duis, gbcs
from trustcell.app import open_ledger, set_stage
from trustcell.stories import Stage, own_cast, tell
from trustcell.vocab import RemotePartyRole

_ECDSA = ec.ECDSA(hashes.SHA256())
_BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
_REPEAT = 40

RATIOS = (
    Ratio(
        "6.15.1 checked, completed and MACed: share of its bare calls", "6.15.1 sent", "bare 6.15.1", 0.5, share=True
    ),
    Ratio("6.15.1 + 6.21 with device and answers: share of bare calls", "exchange", "bare exchange", 0.5, share=True),
)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Cryptographic operations that a case cannot avoid."""

    verify: int
    sign: int
    agree: int
    mac: int


# XML signature and user's signature checked, one secret agreed, one MAC, the I99 signed.
_SENT = _Counts(verify=2, sign=1, agree=1, mac=1)
# Take-over (6.21), leaving (6.15.1 twice) and hand-over (6.21) as the story tells them, see docs/performance.md:
# users sign 4 requests and a pre-command; the DSP checks 4 + 1 signatures, signs 2 commands, 4 answers and 3
# deliveries, agrees and MACs 3 commands and checks 3 responses; the device checks 3 MACs and signatures, signs 3
# responses, and verifies 2 paths of 2 certificates in each of 3 commands, the issuing certificate once a command.
_EXCHANGE = _Counts(verify=5 + 3 + 3 + 9, sign=5 + 9 + 3, agree=3, mac=6)


def cases(shared: Path) -> list[Case]:
    """Cases over a cast of its own; nothing is read from ``shared``."""
    cast = own_cast(b"bench", _BEGINS)
    private, public = cast.leaving.signing.private_key, cast.leaving.signing.certificate.public_key
    peer = cast.supplier.agreement.private_key
    message = bytes(1400)
    signature = private.sign(message, _ECDSA)
    sealed = AESGCM(bytes(16))

    def bare(counts: _Counts, repeat: int) -> None:
        for _ in range(repeat):
            for _ in range(counts.verify):
                public.verify(signature, message, _ECDSA)
            for _ in range(counts.sign):
                private.sign(message, _ECDSA)
            for _ in range(counts.agree):
                peer.exchange(ec.ECDH(), public)
            for _ in range(counts.mac):
                sealed.encrypt(bytes(12), b"", message)

    def exchange() -> None:
        for _ in range(_REPEAT // 10):
            tell(set_stage(cast, open_ledger(None), tracking=True), lambda _step: None)

    prepared: list[tuple[Stage, bytes]] = []

    def refill() -> None:
        prepared.extend(_signed_pre_commands(set_stage(cast, open_ledger(None), tracking=True), _REPEAT))

    def sent() -> None:
        for stage, octets in prepared:
            stage.manager.submit(octets, _BEGINS)

    refilled = _Refilled(refill, prepared)
    return [
        Case("refill (not of interest)", refilled.run, _REPEAT),
        Case("6.15.1 sent", sent, _REPEAT),
        Case("bare 6.15.1", lambda: bare(_SENT, _REPEAT), _REPEAT),
        Case("exchange", exchange, _REPEAT // 10),
        Case("bare exchange", lambda: bare(_EXCHANGE, _REPEAT // 10), _REPEAT // 10),
    ]


@dataclass(frozen=True, slots=True)
class _Refilled:
    """Makes fresh requests before each round, because a request ID is used once."""

    refill: Callable[[], None]
    prepared: list[tuple[Stage, bytes]]

    def run(self) -> None:
        self.prepared.clear()
        self.refill()


def _signed_pre_commands(stage: Stage, count: int) -> list[tuple[Stage, bytes]]:
    """Requests of variant 5, each after its transform, ready to be sent."""
    cast, operator = stage.cast, stage.cast.leaving
    body = duis.UpdateSecurityCredentialsKRP(
        RemotePartyRole.NETWORK_OPERATOR,
        (cast.path.der,),
        apply_time_based_cpv_checks=True,
        digital_signing_certificate=cast.broker.signing.certificate.der,
        key_agreement_certificate=cast.broker.agreement.certificate.der,
        floor_seq_number=0,
    )
    ready = []
    for counter in range(1, count + 1):
        ids = duis.RequestId(operator.entity, stage.device.eui, counter)
        request = duis.Request(ids, 4, "6.15", "6.15.1", body)
        answer = stage.manager.submit(operator.xml.sign_xml(duis.build_request(request)), _BEGINS)
        offered = duis.parse_response(answer.response).response.message
        assert isinstance(offered, duis.ResponseMessage)
        assert isinstance(offered.content, duis.PreCommand)
        pre_command = gbcs.decode(offered.content.gbcs_payload)
        signature = operator.signing.sign(gbcs.signed_octets(pre_command))
        signed = gbcs.encode(gbcs.attach_signature(pre_command, signature))
        ready.append((stage, operator.xml.sign_xml(duis.build_request(duis.signed_pre_command(request, signed)))))
    return ready
