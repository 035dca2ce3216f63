"""CS02c, CS02d, CS02e: a device makes a key pair, takes its certificate, and shows the one it holds (gbcs.md 4.5)."""

from dataclasses import replace
from datetime import datetime

from trustcell.certs import Certificate, device_csr
from trustcell.devices.fleet import Device
from trustcell.devices.log import Event, LogEntry
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, critical
from trustcell.gbcs.frame import Message
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.cs02cde import (
    DeviceCredentialRequest,
    IssueCredentialsFailure,
    ProvideDeviceCertificateFailure,
    UpdateDeviceCertificateResult,
)
from trustcell.vocab import KeyUsage, RemotePartyRole

CS02C, CS02D, CS02E = 0x000A, 0x000B, 0x000C

_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_LAST_GENERATION = 2**32 - 1
_CHANGE = critical(RemotePartyRole.SUPPLIER)
_READ = critical(RemotePartyRole.SUPPLIER, replay_protected=False)


def issue(device: Device, message: Message, now: datetime) -> Outcome:
    """CS02c: a new key pair, kept beside the one in use until its certificate comes; the latest one counts."""
    command: DeviceCredentialRequest = decode_payload(message)
    device, sender = authorised(device, message, _CHANGE)
    usage = command.key_usage
    key = device.key(usage)
    answer: bytes | IssueCredentialsFailure
    if usage not in _USAGES:
        answer = IssueCredentialsFailure.INVALID_KEY_USAGE
    elif key.made >= _LAST_GENERATION:
        answer = IssueCredentialsFailure.KEY_PAIR_GENERATION_FAILED
    elif device.fails(CS02C):
        answer = IssueCredentialsFailure.CR_PRODUCTION_FAILED
    else:
        made = key.made + 1
        device = device.with_state(device.state.with_key(replace(key, made=made)))
        answer = _request(device, usage, made)
    return Outcome(device, (answered(device, message, sender, answer),))


def update(device: Device, message: Message, now: datetime) -> Outcome:
    """CS02d: the certificate of the key pair that waits; from then on this pair is in use, for this response too.

    Who issued it is not judged: the root cell holds the Root OCA, and device certificates come from the Root DCA.
    """
    certificate: bytes = decode_payload(message)
    device, sender = authorised(device, message, _CHANGE)
    parsed = device.fleet.certificate(certificate)
    result = _verdict(device, parsed)
    if parsed is not None and result is UpdateDeviceCertificateResult.SUCCESS:
        made = device.key(parsed.key_usage).made
        key = replace(device.key(parsed.key_usage), in_use=made, certificate=certificate)
        device = device.with_state(device.state.with_key(key))
    text = f"device certificate: {result.name.lower().replace('_', ' ')}"
    reason = "device_certificate_updated" if result is UpdateDeviceCertificateResult.SUCCESS else "no_update"
    device = device.logged(LogEntry(now, Event.CREDENTIALS_UPDATE, reason, text))
    return Outcome(device, (answered(device, message, sender, result),))


def provide(device: Device, message: Message, now: datetime) -> Outcome:
    """CS02e: the certificate of the key pair in use."""
    command: DeviceCredentialRequest = decode_payload(message)
    device, sender = authorised(device, message, _READ)
    answer: bytes | ProvideDeviceCertificateFailure
    if command.key_usage not in _USAGES:
        answer = ProvideDeviceCertificateFailure.INVALID_KEY_USAGE
    elif device.fails(CS02E):
        answer = ProvideDeviceCertificateFailure.CERTIFICATE_RETRIEVAL_FAILURE
    else:
        answer = device.certificate(command.key_usage) or ProvideDeviceCertificateFailure.NO_CERTIFICATE_HELD
    return Outcome(device, (answered(device, message, sender, answer),))


def _request(device: Device, usage: KeyUsage, generation: int) -> bytes:
    """A certification request that proves possession of the new key."""
    keys, eui = device.fleet.keys, device.eui
    point = keys.public_point(eui, usage, generation)
    return device_csr(eui, usage, point, lambda info: keys.sign(eui, info, generation, usage))


def _verdict(device: Device, certificate: Certificate | None) -> UpdateDeviceCertificateResult:
    """What CS02d says to a certificate; the order of the checks is that of the numbers (assumed)."""
    if certificate is None:
        return UpdateDeviceCertificateResult.INVALID_CERTIFICATE
    if certificate.entity_id != device.eui:
        return UpdateDeviceCertificateResult.WRONG_DEVICE_IDENTITY
    usage = certificate.key_usage
    if usage not in _USAGES:
        return UpdateDeviceCertificateResult.INVALID_KEY_USAGE
    waiting = device.key(usage).waiting
    if waiting is None:
        return UpdateDeviceCertificateResult.NO_CORRESPONDING_KEY_PAIR_GENERATED
    if certificate.public_key_point != device.fleet.keys.public_point(device.eui, usage, waiting):
        return UpdateDeviceCertificateResult.WRONG_PUBLIC_KEY
    if device.fails(CS02D):
        return UpdateDeviceCertificateResult.CERTIFICATE_STORAGE_FAILED
    return UpdateDeviceCertificateResult.SUCCESS
