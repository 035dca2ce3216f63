"""CS02c, CS02d, CS02e: a device's own key pairs and certificates (gbcs.md 4.5)."""

from dataclasses import dataclass
from enum import IntEnum

from trustcell.gbcs.der import Choice, Field, Sequence
from trustcell.gbcs.der_types import Enumeration, Verbatim
from trustcell.gbcs.usecases import common
from trustcell.vocab import KeyUsage


@dataclass(frozen=True, slots=True)
class DeviceCredentialRequest:
    """CS02c and CS02e command payload ::= SEQUENCE { keyUsage KeyUsage }."""

    key_usage: KeyUsage


class IssueCredentialsFailure(IntEnum):
    """CS02c response: why there is no certification request."""

    INVALID_KEY_USAGE = 1
    KEY_PAIR_GENERATION_FAILED = 2
    CR_PRODUCTION_FAILED = 3


class UpdateDeviceCertificateResult(IntEnum):
    """CS02d response payload ::= INTEGER."""

    SUCCESS = 0
    INVALID_CERTIFICATE = 1
    WRONG_DEVICE_IDENTITY = 2
    INVALID_KEY_USAGE = 3
    NO_CORRESPONDING_KEY_PAIR_GENERATED = 4
    WRONG_PUBLIC_KEY = 5
    CERTIFICATE_STORAGE_FAILED = 6
    PRIVATE_KEY_CHANGE_FAILED = 7


class ProvideDeviceCertificateFailure(IntEnum):
    """CS02e response: why there is no certificate."""

    INVALID_KEY_USAGE = 1
    NO_CERTIFICATE_HELD = 2
    CERTIFICATE_RETRIEVAL_FAILURE = 3


REQUEST = Sequence(DeviceCredentialRequest, Field("key_usage", common.KEY_USAGE))
CS02C_RESPONSE = Choice(Enumeration(IssueCredentialsFailure), Verbatim())
CS02D_COMMAND = Verbatim()
CS02D_RESPONSE = Enumeration(UpdateDeviceCertificateResult)
CS02E_RESPONSE = Choice(Enumeration(ProvideDeviceCertificateFailure), Verbatim())
