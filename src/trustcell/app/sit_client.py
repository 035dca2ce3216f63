"""The users of a system under test: they sign, send, wait for what comes later, and look into cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trustcell import duis, gbcs
from trustcell.adapters.clock import system_now_exact
from trustcell.app.plain import decoded
from trustcell.dsp.rules.effects import readable
from trustcell.sit.rules.scenario import SILENT, Do, StepPlan
from trustcell.sit.rules.verdict import Seen
from trustcell.stories import KeyPair
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

clock = system_now_exact
"""When a scenario began, and how long it took."""

_NO, _SUPPLIER = RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER
_DS = KeyUsage.DIGITAL_SIGNATURE


@dataclass(frozen=True, slots=True)
class SitParty:
    """A party: the pair it signs XML with, its pairs for commands by key identifier, what goes into cells.

    ``signing`` and ``agreement`` are certificates, DER.
    """

    entity: Eui64
    xml: KeyPair | None
    pairs: Mapping[bytes, KeyPair]
    signing: bytes
    agreement: bytes


@dataclass
class SitUsers:
    """Does steps through ``send``, variant and octets to the response, and ``later``, what came of a request."""

    parties: Mapping[str, SitParty]
    devices: Mapping[str, tuple[Eui64, str]]
    path: tuple[bytes, ...]
    broker: Eui64
    send: Callable[[int, bytes], bytes]
    later: Callable[[duis.RequestId], bytes | None]
    number: Callable[[], int]
    evidence: dict[str, str] = field(default_factory=dict)

    def do(self, step: StepPlan) -> Seen:
        """One step, with everything that was said as evidence."""
        self.evidence = {}
        ids, code = self._sent(step)
        outcome = ""
        if code == "I99" and (step.outcome or step.operator or step.supplier):
            outcome = self._outcome(ids)
        cells: dict[RemotePartyRole, str] = {}
        if step.operator or step.supplier:
            cells = self._cells(step)
        return Seen(code, outcome, cells.get(_NO, ""), cells.get(_SUPPLIER, ""), dict(self.evidence))

    def _sent(self, step: StepPlan) -> tuple[duis.RequestId, str]:
        device, mpxn = self.devices[step.device]
        who = self.parties[step.who]
        ids = duis.RequestId(who.entity, device, step.counter or self.number())
        match step.do:
            case Do.READ:
                request = self._read(ids)
            case Do.INVENTORY:
                ids = duis.RequestId(who.entity, self.broker, ids.counter)
                request = duis.Request(ids, 8, "8.2", "8.2", duis.ReadInventory(device_id=device))
            case Do.HANDOVER:
                request = duis.Request(ids, 1, "6.21", "6.21", self._handover(self.parties[step.to]))
            case Do.CHANGE_SUPPLIER:
                request = duis.Request(ids, 1, "6.23", "6.23", self._change(who, mpxn))
            case _:
                return ids, self._update(who, self.parties[step.to], ids)
        return ids, self._asked(who, request).response_code

    def _update(self, who: SitParty, to: SitParty, ids: duis.RequestId) -> str:
        """With the key that is in the cell: somebody has to look first."""
        key_id = self._key_in_cell(who, ids.target)
        body = duis.UpdateSecurityCredentialsKRP(
            _NO,
            self.path,
            apply_time_based_cpv_checks=True,
            digital_signing_certificate=to.signing,
            key_agreement_certificate=to.agreement,
            floor_seq_number=0,
        )
        request = duis.Request(ids, 4, "6.15", "6.15.1", body)
        offered = self._asked(who, request)
        message = offered.message
        if not isinstance(message, duis.ResponseMessage) or not isinstance(message.content, duis.PreCommand):
            return offered.response_code
        pair = who.pairs.get(key_id) or next(iter(who.pairs.values()))
        pre_command = gbcs.decode(message.content.gbcs_payload)
        signed = gbcs.encode(gbcs.attach_signature(pre_command, pair.sign(gbcs.signed_octets(pre_command))))
        self._keep("GBCS command", signed)
        return self._asked(who, duis.signed_pre_command(request, signed)).response_code

    def _handover(self, to: SitParty) -> duis.RequestHandoverOfDCCControlledDevice:
        return duis.RequestHandoverOfDCCControlledDevice(
            _NO,
            to.signing,
            self.path,
            apply_time_based_cpv_checks=True,
            key_agreement_certificate=to.agreement,
            floor_seq_number=0,
        )

    def _change(self, who: SitParty, mpxn: str) -> duis.UpdateSecurityCredentialsCoS:
        return duis.UpdateSecurityCredentialsCoS(
            floor_seq_number=0,
            digital_signing_certificate=who.signing,
            path_certificates=self.path,
            apply_time_based_cpv_checks=True,
            import_mpxn=mpxn,
            key_agreement_certificate=who.agreement,
            key_agreement_top_up_certificate=who.agreement,
        )

    # ---- looking ----

    def _read(self, ids: duis.RequestId) -> duis.Request:
        body = duis.RetrieveDeviceSecurityCredentialsKRP((_NO, _SUPPLIER))
        return duis.Request(ids, 1, "6.24", "6.24.1", body)

    def _looked(self, who: SitParty, device: Eui64) -> list[tuple[CellId, Eui64, bytes]]:
        ids = duis.RequestId(who.entity, device, self.number())
        if self._asked(who, self._read(ids)).response_code != "I99":
            return []
        octets = self.later(ids)
        content = None if octets is None else _content(duis.parse_response(octets).response)
        if content is None:
            return []
        self._keep("cells, as the device shows them", content)
        payload = gbcs.decode_payload(gbcs.decode(content))
        return [
            (CellId(details.role, cell.key_usage, cell.cell_usage), cell.entity, cell.key_id)
            for details in readable(payload)
            for cell in details.cells or ()
        ]

    def _key_in_cell(self, who: SitParty, device: Eui64) -> bytes:
        cell = CellId(_NO, _DS)
        return next((key_id for found, _, key_id in self._looked(who, device) if found == cell), b"")

    def _cells(self, step: StepPlan) -> dict[RemotePartyRole, str]:
        device, _ = self.devices[step.device]
        who = self.parties[step.who if step.who != "acb" else "supplier"]
        names = {party.entity: name for name, party in self.parties.items()} | {self.broker: "acb"}
        holders: dict[RemotePartyRole, set[str]] = {}
        for cell, entity, _key_id in self._looked(who, device):
            holders.setdefault(cell.role, set()).add(names.get(entity, str(entity)))
        return {role: " and ".join(sorted(found)) for role, found in holders.items()}

    # ---- saying and hearing ----

    def _asked(self, who: SitParty, request: duis.Request) -> duis.Response:
        assert who.xml is not None
        octets = who.xml.sign_xml(duis.build_request(request))
        self._keep(f"DUIS {request.service_reference_variant} sent", octets)
        answer = self.send(request.command_variant, octets)
        self._keep(f"DUIS {request.service_reference_variant} answered", answer)
        return duis.parse_response(answer).response

    def _outcome(self, ids: duis.RequestId) -> str:
        octets = self.later(ids)
        if octets is None:
            return SILENT
        self._keep("DUIS outcome", octets)
        response = duis.parse_response(octets).response
        content = _content(response)
        if content is not None:
            self._keep("GBCS response", content)
        return response.response_code

    def _keep(self, title: str, octets: bytes) -> None:
        """XML as it is, GBCS decoded field by field; the same title again is numbered."""
        number = sum(each == title or each.startswith(f"{title} (") for each in self.evidence)
        name = title if not number else f"{title} ({number + 1})"
        self.evidence[name] = octets.decode("utf-8", "replace") if octets[:1] == b"<" else _tree(octets)


def _content(response: duis.Response) -> bytes | None:
    message: Any = response.message
    content = message.content if isinstance(message, duis.ResponseMessage) else None
    return content.gbcs_payload if isinstance(content, duis.GbcsPayload) else None


def _tree(octets: bytes) -> str:
    told: list[str] = []

    def add(node: gbcs.Node, depth: int) -> None:
        told.append(f"{'  ' * depth}{node.label}{f': {node.text}' if node.text else ''}")
        for child in node.children:
            add(child, depth + 1)

    add(gbcs.as_tree(decoded(octets)), 0)
    return "\n".join(told)
