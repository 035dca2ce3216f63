"""Addresses that responses may be sent to: an allow-list, so that nobody makes the DSP call others (A8)."""

import ipaddress
import re
from dataclasses import dataclass

from trustcell.vocab import WireError

DEFAULT_PATH = "/smartdcc/duis"
_ADDRESS = re.compile(
    r"(?:http://)?(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,512})?",
    re.ASCII,
)
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """``allowed`` are ``host:port`` as somebody configured them; in a ``lab`` every loopback address is allowed too.

    Outside a lab neither loopback nor link-local addresses are ever called, whatever a name resolves to.
    """

    allowed: frozenset[str] = frozenset()
    lab: bool = False

    def may_connect(self, address: str) -> bool:
        """Whether this resolved address may be called; asked again at every connection."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        if parsed.is_loopback:
            return self.lab
        return not (parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified or parsed.is_reserved)


def read_callback(text: str, rules: CallbackRules) -> str:
    """The URL of an address as operators type it: ``host:port/path``, with or without ``http://``.

    Raises ``WireError``: ``callback_address_invalid``, ``callback_not_allowed``.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or ".." in (match["path"] or ""):
        raise WireError(-1, "callback", "host:port/path over http was expected", "callback_address_invalid")
    host, port = match["host"].lower(), int(match["port"] or 80)
    if not 1 <= port <= 65_535:
        raise WireError(-1, "callback", "a port from 1 to 65535 was expected", "callback_address_invalid")
    literal = _literal(host)
    if literal is None and not _is_name(host):
        raise WireError(-1, "callback", "a host name or an IP address was expected", "callback_address_invalid")
    is_loopback = host in _LOOPBACK_NAMES if literal is None else literal.is_loopback
    listed = f"{host}:{port}" in {each.lower() for each in rules.allowed}
    if not (rules.lab if is_loopback else listed):
        raise WireError(-1, "callback", f"{host}:{port} is not among the addresses allowed", "callback_not_allowed")
    if literal is not None and not rules.may_connect(str(literal)):
        raise WireError(-1, "callback", f"{host} is never called", "callback_not_allowed")
    return f"http://{host}:{port}{match['path'] or DEFAULT_PATH}"


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Numbers that some resolvers read as addresses (``2130706433``, ``0x7f.1``) are no names."""
    last = host.rpartition(".")[2]
    return not host.startswith("[") and not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last)
