"""Sign-in at the console through an OpenID Provider: authorization code flow with PKCE (OpenID Connect Core 1.0).

The provider says who somebody is; which roles he has, and whose key he may use, stays in the accounts of the home.
"""

import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trustcell.app.settings import Settings
from trustcell.vocab import Clause, Refused, Unavailable

OIDC = Clause("OpenID Connect Core 3.1", "OpenID Connect Core 1.0, authorization code flow")
CALLBACK_PATH = "/console/oidc/callback"
_ALGORITHMS = ("ES256", "RS256", "PS256")
_SECONDS, _LEEWAY = 5.0, 60
_BEGUN, _LONGEST = 1_000, 600.0
_MOST_OCTETS = 200_000
Client = Callable[[], httpx.AsyncClient]


@dataclass(frozen=True, slots=True)
class Provider:
    """What the settings say: issuer, this client, the claim that holds the name of an account, our own address."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str
    console_url: str

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for an address that is not ``https``, but for the loopback."""
        for name, url in (("issuer", self.issuer), ("console_url", self.console_url)):
            parts = urlsplit(url)
            local = parts.hostname in ("127.0.0.1", "::1", "localhost")
            if not parts.hostname or (parts.scheme != "https" and not (local and parts.scheme == "http")):
                raise ValueError(f"{name}: an https address was expected")

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to."""
        return self.console_url.rstrip("/") + CALLBACK_PATH


@dataclass(frozen=True, slots=True)
class _Begun:
    """A sign-in on its way: what has to come back, and when it began."""

    state: str
    nonce: str
    verifier: str
    at: float


def provider_of(settings: Settings) -> Provider | None:
    """The provider of the settings, if they name one. Raises ``ValueError`` for settings that do not fit together."""
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id or not settings.console_url:
        raise ValueError("TRUSTCELL_OIDC_ISSUER needs TRUSTCELL_OIDC_CLIENT_ID and TRUSTCELL_CONSOLE_URL")
    secret = settings.oidc_client_secret.get_secret_value()
    return Provider(
        settings.oidc_issuer.rstrip("/"), settings.oidc_client_id, secret, settings.oidc_claim, settings.console_url
    )


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)


class Oidc:
    """One provider; sign-ins that have begun are kept in memory, each for ten minutes."""

    def __init__(
        self, provider: Provider, random: Callable[[int], bytes], ticks: Callable[[], float], client: Client = _client
    ) -> None:
        """Nothing is asked of the provider before somebody signs in."""
        self.provider = provider
        self._random, self._ticks, self._client = random, ticks, client
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    async def begin(self) -> tuple[str, str]:
        """The name of a sign-in, for a cookie, and where to send the browser. ``Unavailable`` without the provider."""
        described = await self._described()
        name, state, nonce, verifier = (_text(self._random(32)) for _ in range(4))
        self._begun[name] = _Begun(state, nonce, verifier, self._ticks())
        if len(self._begun) > _BEGUN:
            self._begun.popitem(last=False)
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.provider.redirect_uri,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _text(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        there = _address(described, "authorization_endpoint")
        return name, f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"

    async def finish(self, name: str, answer: Mapping[str, str], now: datetime) -> str:
        """Who it is, by the claim of the settings. ``Refused`` (``oidc_...``); a sign-in is finished once."""
        begun = self._begun.pop(name, None)
        if begun is None or self._ticks() - begun.at > _LONGEST or answer.get("state") != begun.state:
            raise _refused("oidc_state", "state", "this answer is not to a sign-in that this browser began")
        if "error" in answer or "code" not in answer:
            raise _refused("oidc_denied", "code", "the provider did not sign you in")
        described = await self._described()
        token = await self._token(described, answer["code"], begun.verifier)
        claims = self._claims(token, await self._keys(described), begun.nonce, now)
        who = claims.get(self.provider.claim)
        if not isinstance(who, str) or not who:
            raise _refused("oidc_claim", self.provider.claim, "the provider does not say who it is in this claim")
        return who

    def _claims(self, token: str, keys: KeySet, nonce: str, now: datetime) -> Mapping[str, Any]:
        """3.1.3.7: issuer, audience, expiry, nonce and signature of the ID Token."""
        client = self.provider.client_id
        rules = jwt.JWTClaimsRegistry(
            int(now.timestamp()),
            _LEEWAY,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": client},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = jwt.decode(token, keys, algorithms=list(_ALGORITHMS)).claims
            rules.validate(claims)
        except (JoseError, ValueError, TypeError):
            raise _refused("oidc_token", "id_token", "the token of the provider is not one for this sign-in") from None
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
            raise _refused("oidc_token", "azp", "the token is for several, and not made out to this client")
        return claims

    async def _token(self, described: Mapping[str, Any], code: str, verifier: str) -> str:
        provider = self.provider
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.redirect_uri,
            "client_id": provider.client_id,
            "code_verifier": verifier,
        }
        secret = (provider.client_id, provider.client_secret) if provider.client_secret else None
        told = await self._ask("POST", _address(described, "token_endpoint"), data=form, auth=secret)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise _refused("oidc_token", "id_token", "the provider gave no ID Token")
        return token

    async def _keys(self, described: Mapping[str, Any]) -> KeySet:
        told: Any = await self._ask("GET", _address(described, "jwks_uri"))
        try:
            return KeySet.import_key_set(told)
        except (JoseError, ValueError, TypeError, KeyError):
            raise Unavailable("the provider's keys cannot be read [oidc_unavailable]") from None

    async def _described(self) -> Mapping[str, Any]:
        told = await self._ask("GET", f"{self.provider.issuer}/.well-known/openid-configuration")
        if str(told.get("issuer", "")).rstrip("/") != self.provider.issuer:
            raise Unavailable("the provider calls itself otherwise than the settings do [oidc_unavailable]")
        return told

    async def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        try:
            async with self._client() as client:
                answer = await client.request(method, url, **more)
            told = json.loads(answer.content) if len(answer.content) <= _MOST_OCTETS else None
        except (httpx.HTTPError, ValueError):
            told, answer = None, None
        if answer is None or answer.status_code != 200 or not isinstance(told, dict):
            raise Unavailable("the OpenID Provider gives no answer of use [oidc_unavailable]")
        return told


def _address(described: Mapping[str, Any], name: str) -> str:
    url = str(described.get(name, ""))
    if urlsplit(url).scheme not in ("https", "http"):
        raise Unavailable(f"the provider does not say its {name} [oidc_unavailable]")
    return url


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _refused(code: str, where: str, message: str) -> Refused:
    return Refused([OIDC.breach(code, where, message, "begin again at the sign-in page")])
