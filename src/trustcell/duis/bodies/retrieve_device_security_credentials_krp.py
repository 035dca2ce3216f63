"""6.24.1: read which credentials of remote parties a device holds."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.lexical import ROLE
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.vocab import RemotePartyRole


@dataclass(frozen=True, slots=True)
class RetrieveDeviceSecurityCredentialsKRP(Shaped):
    """Service 6.24.1 (DUIS schema 5.4): ``RemotePartyRole[1..7]``, in the order asked for."""

    ELEMENT: ClassVar[str] = "RetrieveDeviceSecurityCredentialsKRP"
    SHAPE: ClassVar[Shape] = (Leaf("RemotePartyRole", "remote_party_roles", ROLE, most=7),)

    remote_party_roles: tuple[RemotePartyRole, ...]
