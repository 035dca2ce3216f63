"""6.15.2, 6.17 and 6.24.2: the device's own keys and certificates (CS02c, CS02d, CS02e, gbcs.md 4.5)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from trustcell import certs, duis
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.plan import Ask, CommandPlan, DeviceChange, Effects, Reply
from trustcell.dsp.rules.services.base import ServiceRule, needs_hub
from trustcell.dsp.rules.services.originator import critical, fixed
from trustcell.gbcs.usecases.cs02cde import DeviceCredentialRequest, UpdateDeviceCertificateResult
from trustcell.vocab import Finding, KeyUsage, WireError

_CS02C, _CS02D, _CS02E = 0x000A, 0x000B, 0x000C
_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)


def _update(ask: Ask) -> CommandPlan:
    body = cast(duis.UpdateSecurityCredentialsDevice, ask.request.body)
    return critical(_CS02D, fixed(_CS02D, body.device_certificate))


def _update_findings(ask: Ask) -> Iterator[Finding]:
    """The device would refuse a certificate of another device or of no single use; so the DSP does not send it."""
    body, target = cast(duis.UpdateSecurityCredentialsDevice, ask.request.body), ask.request.request_id.target
    try:
        certificate = certs.Certificate.from_der(body.device_certificate)
    except WireError as error:
        yield _unfit(f"the octets are no certificate: {error}")
        return
    if certificate.entity_id != target:
        yield _unfit(f"the certificate is for {certificate.entity_id or 'no device'}, not for {target}")
    if certificate.key_usage not in _USAGES or not certificate.public_key_point:
        yield _unfit("the certificate has not exactly one of digitalSignature and keyAgreement, or no P-256 key")


def _unfit(message: str) -> Finding:
    return PROCESSING.breach(
        "device_certificate_unfit", "DeviceCertificate", message, "send the certificate issued for this device"
    )


def _updated(reply: Reply) -> Effects:
    """A device that took its new certificate uses that key from now on."""
    if reply.payload is not UpdateDeviceCertificateResult.SUCCESS or reply.request is None:
        return Effects()
    body = cast(duis.UpdateSecurityCredentialsDevice, reply.request.body)
    certificate = certs.Certificate.from_der(body.device_certificate)
    after = with_key(reply.device, certificate.key_usage, certificate.public_key_point)
    if after == reply.device:
        return Effects()
    return Effects(devices=(DeviceChange(reply.device.eui, after, f"new {certificate.key_usage.title} key by 6.15.2"),))


def with_key(device: DeviceRecord, usage: KeyUsage, point: bytes) -> DeviceRecord:
    """The entry with another public key of the device."""
    if usage is KeyUsage.DIGITAL_SIGNATURE:
        return replace(device, signing_point=point)
    return replace(device, agreement_point=point)


def _issue(ask: Ask) -> CommandPlan:
    body = cast(duis.IssueSecurityCredentials, ask.request.body)
    return critical(_CS02C, fixed(_CS02C, DeviceCredentialRequest(body.credential_type)))


def _retrieve(ask: Ask) -> CommandPlan:
    body = cast(duis.RetrieveDeviceSecurityCredentialsDevice, ask.request.body)
    return critical(_CS02E, fixed(_CS02E, DeviceCredentialRequest(body.credential_type)))


UPDATE = ServiceRule(_update, _update_findings, _updated, needs_hub, needs_request=True)
ISSUE = ServiceRule(_issue, needs=needs_hub)
RETRIEVE = ServiceRule(_retrieve, needs=needs_hub)
