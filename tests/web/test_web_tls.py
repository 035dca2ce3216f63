"""Mutual TLS on the doors: who shows no certificate of the right authority is not heard (issue 4, item 8)."""

import http.client
import socket
import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from trustcell.adapters import http_server
from trustcell.adapters.http_server import Tls
from trustcell.app.serve import refuse_open_address
from trustcell.vocab import Refused, Unavailable
from web.doors import XML, duis_door

BODY = b"<I99/>"


class Pair:
    """A certificate over a new key, by itself or by another pair."""

    def __init__(self, name, folder, issuer=None):
        from datetime import UTC, datetime

        now = datetime.now(UTC)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            (issuer or self).name, self.name, self.key.public_key(), x509.random_serial_number(),
            now - timedelta(hours=1), now + timedelta(hours=1),
        )  # fmt: skip
        if issuer is None:
            builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        else:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pem, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        self.pem.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        self.key_file.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority, other = Pair("authority", folder), Pair("other", folder)
    return {
        "authority": authority,
        "server": Pair("server", folder, authority),
        "user": Pair("user", folder, authority),
        "stranger": Pair("stranger", folder, other),
    }


def ask(port, pairs, who=None):
    context = ssl.create_default_context(cafile=pairs["authority"].pem)
    if who is not None:
        context.load_cert_chain(pairs[who].pem, pairs[who].key_file)
    connection = http.client.HTTPSConnection("localhost", port, timeout=15, context=context)
    try:
        connection.request("POST", "/api/v1/serviceS", BODY, XML)
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_who_shows_a_certificate_of_the_authority_is_heard(pairs):
    tls = Tls(pairs["server"].pem, pairs["server"].key_file, pairs["authority"].pem)
    with duis_door(tls=tls) as door:
        assert ask(door.port, pairs, "user") == 200
        for who in (None, "stranger"):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
                ask(door.port, pairs, who)
        assert door.engine.seen == [(BODY, "serviceS")]


def test_without_client_authorities_it_is_plain_tls_from_1_2_on(pairs):
    with duis_door(tls=Tls(pairs["server"].pem, pairs["server"].key_file)) as door:
        assert ask(door.port, pairs) == 200
        with socket.create_connection(("127.0.0.1", door.port), timeout=15) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(4096).startswith(b"HTTP")


def test_a_handshake_that_does_not_come_ends(pairs, monkeypatch):
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.5)
    tls = Tls(pairs["server"].pem, pairs["server"].key_file)
    with duis_door(tls=tls) as door, socket.create_connection(("127.0.0.1", door.port), timeout=15) as silent:
        assert silent.recv(4096) == b""


@pytest.mark.parametrize("spoilt", ["certificate", "key", "client_authorities"])
def test_files_that_cannot_be_used_are_one_sentence(pairs, tmp_path, spoilt):
    server = pairs["server"]
    files = {"certificate": server.pem, "key": server.key_file, "client_authorities": pairs["authority"].pem}
    for text in (None, "nonsense"):
        bad = tmp_path / "bad.pem"
        if text is not None:
            bad.write_text(text)
        with pytest.raises(Unavailable) as caught:
            http_server.listen("duis", None, "127.0.0.1", 0, Tls(**{**files, spoilt: bad}))
        assert "TLS" in str(caught.value)
    with pytest.raises(Unavailable):
        http_server.listen("duis", None, "127.0.0.1", 0, Tls(server.pem, pairs["user"].key_file))


@pytest.mark.parametrize(
    ("host", "public", "told", "refused"),
    [
        ("127.0.0.1", True, False, False),
        ("127.1.2.3", True, False, False),
        ("::1", True, False, False),
        ("localhost", True, False, False),
        ("0.0.0.0", True, False, True),
        ("::", True, False, True),
        ("192.0.2.1", True, False, True),
        ("example.org", True, False, True),
        ("0.0.0.0", True, True, False),
        ("0.0.0.0", False, False, False),
    ],
)
def test_public_keys_stay_on_this_machine_unless_told(host, public, told, refused):
    if not refused:
        refuse_open_address(host, keys_are_public=public, told=told)
        return
    with pytest.raises(Refused) as caught:
        refuse_open_address(host, keys_are_public=public, told=told)
    assert caught.value.code == "public_keys_on_open_address"
    assert "--i-know-these-keys-are-public" in str(caught.value)
