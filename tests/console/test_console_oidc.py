"""Sign-in through an OpenID Provider of its own: what it says is believed only when all of it fits."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from console.visitor import Visitor, account
from trustcell.adapters.clock import system_random
from trustcell.app.accounts import ConsoleRole
from trustcell.app.oidc import CALLBACK_PATH, Oidc, Provider, provider_of
from trustcell.app.settings import Settings
from trustcell.web import console_app

ISSUER, CONSOLE = "https://id.example", "https://console.example"
PROVIDER = Provider(ISSUER, "trustcell", "a secret", "preferred_username", CONSOLE)


class Idp:
    """A provider with its keys; ``claims`` changes the next token, ``key`` signs it."""

    def __init__(self, clock) -> None:
        self.clock, self.key, self.claims, self.codes = clock, ECKey.generate_key("P-256"), {}, {}
        self.header = {"alg": "ES256", "kid": self.key.thumbprint()}
        self.published = self.key
        self.described = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize",
                          "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys"}  # fmt: skip
        self.tokens = []
        self.application = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", lambda _: JSONResponse(self.described)),
                Route(
                    "/keys",
                    lambda _: JSONResponse(
                        {"keys": [{**self.published.as_dict(private=False), "kid": self.published.thumbprint()}]}
                    ),
                ),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    def public(self) -> dict:
        return {**self.published.as_dict(private=False), "kid": self.published.thumbprint()}

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.application))

    def agree(self, address: str, who: str) -> dict[str, str]:
        """Somebody signed in there: what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", "trustcell")
        assert asked["redirect_uri"] == CONSOLE + CALLBACK_PATH
        code = f"code {len(self.codes)}"
        self.codes[code] = (asked, who)
        return {"code": code, "state": asked["state"]}

    async def token(self, request):
        async with request.form() as form:
            asked, who = self.codes.pop(form["code"])
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
            assert challenge.rstrip("=") == asked["code_challenge"]
        assert request.headers["authorization"].startswith("Basic ")
        now = int(self.clock().timestamp())
        told = {"iss": ISSUER, "aud": "trustcell", "sub": "17", "iat": now, "exp": now + 300,
                "nonce": asked["nonce"], "preferred_username": who, **self.claims}  # fmt: skip
        told = {name: value for name, value in told.items() if value is not None}
        return JSONResponse({"id_token": jwt.encode(self.header, told, self.key), "token_type": "Bearer"})


@pytest.fixture
def idp(clock):
    return Idp(clock)


@pytest.fixture
def visitor(door, idp):
    """Somebody whose console asks this provider; ``pat`` has an account."""
    account(door.accounts, door, "pat", ConsoleRole.APPROVER, person="pat")
    door.accounts.make("newcomer", [ConsoleRole.VIEWER], "", system_random)
    return Visitor(console_app(replace(door, oidc=Oidc(PROVIDER, system_random, door.ticks, idp.client))))


def go(visitor, idp, who="pat", **changes):
    away = visitor.get("/console/oidc", follow=False)
    assert away.status == 303
    brought = idp.agree(away.header("location"), who) | changes
    query = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in brought.items())
    return visitor.get(f"{CALLBACK_PATH}?{query}")


def test_who_has_an_account_comes_in_with_its_roles(visitor, idp, authority):
    page = go(visitor, idp)
    assert (page.title, page.header("refresh")) == ("You are signed in", "0; url=/console")
    home = visitor.get("/console")
    assert home.title == "Home"
    assert "pat" in home.text
    with authority.store.reading() as books:
        (entry,) = [each for each in books.audit.entries() if each.kind == "console.sign_in"]
    assert (entry.body["actor"], entry.body["by"]) == ("pat", "OpenID Connect")


def test_who_was_signed_in_there_needs_no_password_here(visitor, idp):
    go(visitor, idp, "newcomer")
    assert visitor.get("/console/packs").title == "Manufacturing packs"


@pytest.mark.parametrize("who", ["mallory", "pat ", "Pat"])
def test_who_has_none_stays_out_and_the_log_has_it(visitor, idp, authority, who):
    page = go(visitor, idp, who)
    assert (page.status, page.title) == (401, "Sign in")
    assert visitor.get("/console").title == "Sign in"
    with authority.store.reading() as books:
        assert [each.kind for each in books.audit.entries()][-1] == "console.sign_in_refused"


def test_a_locked_account_is_locked_this_way_too(visitor, idp, door):
    for _ in range(5):
        visitor.sign_in("pat", "not it")
    assert go(visitor, idp).status == 401


FOREIGN = "https://other.example"
WRONG = (
    {"iss": FOREIGN}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["trustcell", "another"]},
    {"aud": ["trustcell", "another"], "azp": "another"}, {"nonce": "another"}, {"nonce": None}, {"exp": 1},
    {"exp": None}, {"iat": None}, {"preferred_username": None}, {"preferred_username": 7}, {"preferred_username": ""},
)  # fmt: skip


@pytest.mark.parametrize("claims", WRONG, ids=str)
def test_a_token_that_does_not_fit_is_refused(visitor, idp, claims):
    idp.claims = claims
    assert go(visitor, idp).status == 401
    assert visitor.get("/console").title == "Sign in"


def test_a_token_for_several_is_taken_when_it_is_made_out_to_us(visitor, idp):
    idp.claims = {"aud": ["trustcell", "another"], "azp": "trustcell"}
    assert go(visitor, idp).title == "You are signed in"


def test_a_token_of_another_key_is_refused(visitor, idp):
    idp.key = ECKey.generate_key("P-256")
    assert go(visitor, idp).status == 401


def test_a_token_made_with_the_public_key_as_a_secret_is_refused(visitor, idp):
    """Algorithm confusion (RFC 8725 2.1): HMAC under what everybody can fetch."""
    idp.key = OctKey.import_key(idp.published.as_dict(private=False)["x"])
    idp.header = {"alg": "HS256", "kid": idp.published.thumbprint()}
    assert go(visitor, idp).status == 401


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": ""}, {"error": "access_denied"}])
def test_an_answer_to_another_sign_in_is_refused(visitor, idp, changes):
    assert go(visitor, idp, **changes).status == 401


def test_an_answer_counts_once_and_for_the_browser_that_began(visitor, idp, door):
    away = visitor.get("/console/oidc", follow=False)
    brought = idp.agree(away.header("location"), "pat")
    query = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in brought.items())
    other = Visitor(visitor.application)
    assert other.get(f"{CALLBACK_PATH}?{query}").status == 401
    assert visitor.get(f"{CALLBACK_PATH}?{query}").title == "You are signed in"
    assert Visitor(visitor.application, dict(visitor.cookies)).get(f"{CALLBACK_PATH}?{query}").status == 401


def test_a_sign_in_is_given_up_after_ten_minutes(visitor, idp, clock):
    away = visitor.get("/console/oidc", follow=False)
    brought = idp.agree(away.header("location"), "pat")
    clock.later(minutes=11)
    query = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in brought.items())
    assert visitor.get(f"{CALLBACK_PATH}?{query}").status == 401


NO_USE = ({}, {"issuer": FOREIGN}, {"issuer": ISSUER}, {"issuer": ISSUER, "authorization_endpoint": "javascript:1"})


@pytest.mark.parametrize("described", NO_USE)
def test_a_provider_that_cannot_be_used_is_told(visitor, idp, described):
    idp.described = described
    page = visitor.get("/console/oidc", follow=False)
    assert (page.status, page.title) == (503, "Sign in")


def test_without_a_provider_there_is_no_such_page(stranger):
    assert b"OpenID" not in stranger.get("/console/sign-in").body
    assert stranger.get("/console/oidc", follow=False).header("location") == "/console/sign-in"


@pytest.mark.parametrize(
    "values",
    [{"oidc_issuer": ISSUER}, {"oidc_issuer": "http://id.example", "oidc_client_id": "x", "console_url": CONSOLE},
     {"oidc_issuer": ISSUER, "oidc_client_id": "x", "console_url": "ftp://x"}],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(values):
    with pytest.raises(ValueError):
        provider_of(Settings(**values))
    assert provider_of(Settings()) is None
