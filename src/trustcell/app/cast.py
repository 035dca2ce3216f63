"""The sample cast: parties and people a newcomer needs to see everything once; sample data, no rule depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.vocab import Eui64, RemotePartyRole

_R = RemotePartyRole
_SUBSCRIBES = frozenset({"organisation", "device", "iki"})


@dataclass(frozen=True, slots=True)
class SampleParty:
    """A party of the sample: its EUI-64s with the roles each is used in, and whether it is a DCC User."""

    name: str
    title: str
    kind: PartyKind
    entities: Mapping[Eui64, frozenset[RemotePartyRole]]
    subscribes: frozenset[str] = _SUBSCRIBES
    user: bool = False


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person of the sample; ``organisation`` and ``role`` go into O and OU of the IKI Certificate."""

    name: str
    title: str
    organisation: str
    role: RemotePartyRole
    capacities: tuple[Capacity, ...]
    acts_for: tuple[str, ...] = ()
    identity: str = field(default="")

    @property
    def human(self) -> str:
        """Who stands behind the account."""
        return self.identity or f"{self.name}, sample person"


def _entities(*rows: tuple[str, tuple[RemotePartyRole, ...]]) -> Mapping[Eui64, frozenset[RemotePartyRole]]:
    return {Eui64.parse(text): frozenset(roles) for text, roles in rows}


PARTIES = (
    SampleParty(
        "dcc",
        "Data Communications Company",
        PartyKind.DCC,
        _entities(
            ("90-B3-D5-1F-30-00-00-01", (_R.RECOVERY,)),
            ("90-B3-D5-1F-30-00-00-02", (_R.ACCESS_CONTROL_BROKER, _R.DSP_XML_SIGN)),
            ("90-B3-D5-1F-30-00-00-04", (_R.TRANSITIONAL_COS,)),
            ("90-B3-D5-1F-30-00-00-07", (_R.WAN_PROVIDER,)),
        ),
    ),
    SampleParty(
        "supplier",
        "Sample Supplier",
        PartyKind.SUPPLIER,
        _entities(("90-B3-D5-1F-30-01-00-00", (_R.SUPPLIER, _R.XML_SIGN))),
        user=True,
    ),
    SampleParty(
        "gas-network",
        "Sample Gas Network",
        PartyKind.GAS_NETWORK,
        _entities(("90-B3-D5-1F-30-02-00-00", (_R.NETWORK_OPERATOR, _R.XML_SIGN))),
        user=True,
    ),
    SampleParty(
        "electricity-network",
        "Sample Electricity Network",
        PartyKind.ELECTRICITY_NETWORK,
        _entities(("90-B3-D5-1F-30-02-00-01", (_R.NETWORK_OPERATOR, _R.XML_SIGN))),
        user=True,
    ),
    SampleParty(
        "manufacturer", "Sample Manufacturer", PartyKind.MANUFACTURER, {}, subscribes=frozenset({"device", "iki"})
    ),
)
"""EUI-64s of the DCC are those of the public test environment (smki.md 11)."""

_AUTHORITY = "Sample SMKI Registration Authority"
REGISTRAR = SamplePerson("registrar", "Registrar", _AUTHORITY, _R.OTHER, (Capacity.REGISTRAR,))
"""Who is enrolled by the ceremony, and enrols everybody else."""

PEOPLE = (
    SamplePerson("ada", "Ada, of the DCC", PARTIES[0].title, _R.ACCESS_CONTROL_BROKER, (Capacity.ARO,), ("dcc",)),
    SamplePerson("sam", "Sam, of the supplier", PARTIES[1].title, _R.SUPPLIER, (Capacity.ARO,), ("supplier",)),
    SamplePerson(
        "gwen", "Gwen, of the gas network", PARTIES[2].title, _R.NETWORK_OPERATOR, (Capacity.ARO,), ("gas-network",)
    ),
    SamplePerson(
        "eve",
        "Eve, of the electricity network",
        PARTIES[3].title,
        _R.NETWORK_OPERATOR,
        (Capacity.ARO,),
        ("electricity-network",),
    ),
    SamplePerson("max", "Max, of the manufacturer", PARTIES[4].title, _R.OTHER, (Capacity.ARO,), ("manufacturer",)),
    SamplePerson("sue", "Sue, for the SSC", "Sample Security Sub-Committee", _R.OTHER, (Capacity.SSC,)),
    SamplePerson("pat", "Pat, for the SMKI PMA", "Sample SMKI PMA", _R.OTHER, (Capacity.PMA,)),
    SamplePerson("ian", "Ian, who issues", PARTIES[0].title, _R.ISSUING_AUTHORITY, (Capacity.ISSUER,)),
    SamplePerson("paula", "Paula, who packs", PARTIES[0].title, _R.OTHER, (Capacity.PACKER,)),
    SamplePerson("otto", "Otto, who audits", "Sample Auditors", _R.OTHER, (Capacity.AUDITOR,)),
)
