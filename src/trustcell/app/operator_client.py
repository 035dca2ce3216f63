"""A network operator that sends its own requests: its keys out of key files, any DUIS address or a door of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from trustcell import certs, duis, gbcs
from trustcell.adapters.keyfiles import Credential, KeyFile
from trustcell.stories import KeyPair
from trustcell.vocab import Clause, Eui64, KeyUsage, Refused, RemotePartyRole

KEYS = Clause("trustcell departure", "docs/campaigns.md, whose keys")
_NO = RemotePartyRole.NETWORK_OPERATOR

Send = Callable[[int, bytes], bytes]
"""Command variant and signed octets to the signed response."""


@dataclass(frozen=True)
class OperatorClient:
    """See ``campaigns.ports.Client``. ``signing`` has the operator's keys by key identifier, ``broker`` the DS and KA
    certificates of the ACB that go into the cells.
    """

    user: Eui64
    signing: Mapping[bytes, KeyPair]
    xml: KeyPair
    broker: tuple[certs.Certificate, certs.Certificate]
    path: tuple[bytes, ...]
    send: Send

    def replace(self, device: Eui64, counter: int, key_id: bytes) -> str:
        """6.15.1: transform, sign the pre-command, send it."""
        pair = self.signing.get(key_id)
        if pair is None:
            problem = f"no key file has the private key {key_id.hex()} that {device} listens to"
            raise Refused([KEYS.breach("key_missing", "keys", problem, "name the key file that has it")])
        signing, agreement = self.broker
        body = duis.UpdateSecurityCredentialsKRP(
            _NO,
            self.path,
            apply_time_based_cpv_checks=True,
            digital_signing_certificate=signing.der,
            key_agreement_certificate=agreement.der,
            floor_seq_number=0,
        )
        request = duis.Request(duis.RequestId(self.user, device, counter), 4, "6.15", "6.15.1", body)
        offered = self._asked(request)
        message = offered.message
        if not isinstance(message, duis.ResponseMessage) or not isinstance(message.content, duis.PreCommand):
            return offered.response_code
        pre_command = gbcs.decode(message.content.gbcs_payload)
        signed = gbcs.attach_signature(pre_command, pair.sign(gbcs.signed_octets(pre_command)))
        return self._asked(duis.signed_pre_command(request, gbcs.encode(signed))).response_code

    def read(self, device: Eui64, counter: int) -> str:
        """6.24.1."""
        ids = duis.RequestId(self.user, device, counter)
        body = duis.RetrieveDeviceSecurityCredentialsKRP((_NO,))
        return self._asked(duis.Request(ids, 1, "6.24", "6.24.1", body)).response_code

    def _asked(self, request: duis.Request) -> duis.Response:
        octets = self.xml.sign_xml(duis.build_request(request))
        return duis.parse_response(self.send(request.command_variant, octets)).response


def operator_client(keys: KeyFile, operator: Eui64, path: bytes, send: Send, at: datetime) -> OperatorClient:
    """The client of an operator whose keys are in a key file. ``Refused``: ``key_missing``."""
    signing = {
        each.certificate.subject_key_identifier or b"": KeyPair(each.certificate, each.key.private_key)
        for each in keys.credentials
        if each.certificate is not None
        and each.key.private_key is not None
        and each.certificate.role == _NO
        and each.certificate.entity_id == operator
        and KeyUsage.DIGITAL_SIGNATURE in each.certificate.key_usage
    }
    if not signing:
        problem = f"no key file has a private key with which {operator} signs commands"
        raise Refused([KEYS.breach("key_missing", "keys", problem, "name the key file that has it")])
    xml = _pair(keys.credentials, operator, RemotePartyRole.XML_SIGN, KeyUsage.DIGITAL_SIGNATURE, at)
    broker = tuple(
        _newest(keys.credentials, None, RemotePartyRole.ACCESS_CONTROL_BROKER, usage, at, private=False)
        for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
    )
    assert broker[0].certificate is not None
    assert broker[1].certificate is not None
    return OperatorClient(operator, signing, xml, (broker[0].certificate, broker[1].certificate), (path,), send)


def _pair(found: Iterable[Credential], entity: Eui64, role: RemotePartyRole, usage: KeyUsage, at: datetime) -> KeyPair:
    chosen = _newest(found, entity, role, usage, at, private=True)
    assert chosen.certificate is not None
    assert chosen.key.private_key is not None
    return KeyPair(chosen.certificate, chosen.key.private_key)


def _newest(
    found: Iterable[Credential],
    entity: Eui64 | None,
    role: RemotePartyRole,
    usage: KeyUsage,
    at: datetime,
    *,
    private: bool,
) -> Credential:
    """The one that began last of those that are valid then."""
    fitting = [
        (each.certificate.not_before, each.key.name, each)
        for each in found
        if each.certificate is not None
        and each.certificate.role == role
        and usage in each.certificate.key_usage
        and entity in (None, each.certificate.entity_id)
        and each.certificate.not_before <= at <= each.certificate.not_after
        and (each.key.private_key is not None or not private)
    ]
    if not fitting:
        whose = "the ACB" if entity is None else str(entity)
        problem = f"no key file has a {role.title} certificate of {whose} for {usage.title}"
        remedy = "name the key file that has it" + (", with its private key" if private else "")
        raise Refused([KEYS.breach("key_missing", "keys", problem, remedy)])
    return max(fitting)[2]
