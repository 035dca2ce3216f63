"""A home made, opened, interrupted and mistreated; its PIN; people with key files and tokens."""

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from authority_world import ENVIRONMENT, FOUNDED, PIN, make_world
from keys import softhsm
from trustcell.adapters.credentials import PersonCredential, read_certificate
from trustcell.app import home as homes
from trustcell.app.cast import PEOPLE, REGISTRAR, SamplePerson
from trustcell.app.enrolment import enrol_cast, enrol_person, enrol_registrar
from trustcell.app.home import KeystorePlace, create_home, open_home
from trustcell.app.pin import find_pin, generate_pin, person_pin
from trustcell.certs import verify_rsa
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.parties import Capacity
from trustcell.smki.ports import KeyKind
from trustcell.vocab import Refused, RemotePartyRole, Unavailable, WireError

MOMENT = FOUNDED


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.setattr("trustcell.adapters.keystore_file._WORK", 2)
    for name in ("TRUSTCELL_PIN", "TRUSTCELL_DATABASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    home = create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT)
    home.close()
    return tmp_path / "home"


def opened(folder, pin=PIN):
    return open_home(folder, pin=pin)


def test_a_home_is_what_it_says(folder):
    home = opened(folder)
    with home.store.reading() as books:
        register = home.governance.register(books)
    assert home.environment == ENVIRONMENT
    assert list(register.people) == [REGISTRAR.name]
    assert register.people[REGISTRAR.name].holds(Capacity.REGISTRAR, MOMENT)
    assert register.ica == home.hierarchy.ica.certificate.der
    assert home.credential(REGISTRAR.name).person == REGISTRAR.name
    for service in ("authority", "batches", "revocation", "repository", "calendar", "archive", "packs", "evidence"):
        assert getattr(home, service) is getattr(home, service)
    home.close()


def test_files_of_a_home_are_private(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for place in ("environment.toml", "home.toml", "keys/root-oca.key", "keys/audit.key", "people/registrar.key"):
        assert stat.S_IMODE((folder / place).stat().st_mode) == 0o600, place
    assert not (folder / "pin").exists()
    for path in folder.rglob("*"):
        if path.is_file():
            assert PIN.encode() not in path.read_bytes(), path


def test_reading_needs_no_pin_and_writing_does(folder):
    home = open_home(folder)
    with home.store.reading() as books:
        assert len(list(books.certificates.all())) == 6
    assert home.repository is not None
    with (
        pytest.raises(Unavailable, match="keystore_pin_missing"),
        home.store.transaction(MOMENT) as books,
    ):
        books.audit.append("test", "x", {}, MOMENT)
    with home.store.reading() as books:
        assert [entry.kind for entry in books.audit.entries()][-1] == "register.founded"
    home.close()


def test_a_wrong_pin_opens_no_key_and_says_nothing_of_itself(folder):
    home = opened(folder, "another pin")
    for act in (lambda: home.hierarchy, lambda: home.credential("registrar"), lambda: home.keystore):
        with pytest.raises(Unavailable) as wrong:
            act()
        assert "keystore_pin" in str(wrong.value)
        assert "another pin" not in f"{wrong.value!r} {home!r}"
    home.close()


def test_a_home_made_again_is_the_same_one(folder):
    before = opened(folder)
    first = [key.certificate for key in before.hierarchy]
    before.close()
    home = create_home(folder, ENVIRONMENT, pin=PIN, now=MOMENT + timedelta(days=1))
    assert [key.certificate for key in home.hierarchy] == first
    with home.store.reading() as books:
        assert len(list(books.certificates.all())) == 6
    home.close()


class Stopped(Exception):
    pass


@pytest.mark.parametrize("step", range(12))
def test_a_home_interrupted_anywhere_is_finished_by_making_it_again(tmp_path, step):
    told = []

    def tell(name):
        told.append(name)
        if len(told) == step + 1:
            raise Stopped

    with pytest.raises(Stopped):
        create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT, step=tell)
    home = create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT)
    with home.store.reading() as books:
        assert len(list(books.certificates.all())) == 6
        assert list(home.governance.register(books).people) == [REGISTRAR.name]
    home.close()


@pytest.mark.parametrize("place", ["certificate", "file", "register"])
def test_an_enrolment_interrupted_goes_on(folder, monkeypatch, place):
    """Killed when the certificate is issued and not in its file, or in its file and nobody in the register."""
    home = opened(folder)
    registrar = home.credential(REGISTRAR.name)
    if place == "certificate":
        monkeypatch.setattr("trustcell.app.enrolment.write_private", stop)
    elif place == "file":
        monkeypatch.setattr(type(home.governance), "add_person", stop)
    else:
        monkeypatch.setattr("trustcell.app.enrolment.issue_person_certificate", stop)
    nora = SamplePerson("nora", "Nora", "Sample Auditors", RemotePartyRole.OTHER, (Capacity.AUDITOR,))
    with pytest.raises(Stopped):
        enrol_person(home.office, registrar, nora, MOMENT)
    monkeypatch.undo()
    credential = enrol_person(home.office, registrar, nora, MOMENT)
    with home.store.reading() as books:
        person = home.governance.register(books).people["nora"]
        issued = [each for each in books.certificates.all() if "CN=nora" in each.subject]
    assert person.certificates == (digest(credential.certificate),)
    assert len(issued) == 1
    home.close()


def stop(*_, **__):
    raise Stopped


def test_a_cast_enrolled_twice_is_there_once(folder):
    home = opened(folder)
    registrar = home.credential(REGISTRAR.name)
    for _ in range(2):
        enrol_cast(home.office, registrar, MOMENT)
    assert enrol_registrar(home.office, REGISTRAR, MOMENT).certificate == registrar.certificate
    with home.store.reading() as books:
        register = home.governance.register(books)
        assert len(list(books.certificates.all())) == 6 + len(PEOPLE)
    assert set(register.people) == {REGISTRAR.name, *(each.name for each in PEOPLE)}
    assert len({person.identity for person in register.people.values()}) == len(register.people)
    assert register.parties["supplier"].is_user(MOMENT)
    assert not register.parties["dcc"].is_user(MOMENT)
    home.close()


def test_a_folder_of_another_environment_is_left_alone(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    other = type(ENVIRONMENT)("other", "another", ENVIRONMENT.begins)
    with pytest.raises(Unavailable, match="home_differs"):
        create_home(folder, other, pin=PIN, now=MOMENT)
    with pytest.raises(Unavailable, match="home_differs"):
        create_home(folder, ENVIRONMENT, pin=PIN, now=MOMENT, keystore=KeystorePlace("pkcs11", "module.so", "token"))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_environment_file_changed_by_hand_is_refused(folder):
    path = folder / "environment.toml"
    path.write_text(path.read_text().replace("organisation_years = 10", "organisation_years = 17"))
    with pytest.raises(Unavailable, match="environment_differs"):
        open_home(folder, pin=PIN)


@pytest.mark.parametrize("octets", [b"", b"\xff", b"name = 3", b"name ="])
def test_settings_that_cannot_be_read_name_their_file(folder, octets):
    for name in ("environment.toml", "home.toml"):
        path = folder / name
        whole = path.read_bytes()
        path.write_bytes(octets)
        with pytest.raises(WireError, match=name):
            open_home(folder, pin=PIN)
        path.write_bytes(whole)


def test_a_folder_that_is_no_home_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="home_missing"):
        open_home(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="home_failed"):
        create_home(tmp_path / "file" / "home", ENVIRONMENT, pin=PIN, now=MOMENT)


def test_another_database_is_found_again_and_its_password_is_not_written(tmp_path):
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT, database=url).close()
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "home" / "trustcell.db").exists()
    open_home(tmp_path / "home").close()
    secret = "postgresql+psycopg://user:hunter2@localhost/smki"
    homes._write_settings(tmp_path / "two", ENVIRONMENT, secret, homes.FILES)
    text = (tmp_path / "two" / "home.toml").read_text()
    assert "hunter2" not in text
    assert "postgresql+psycopg://user@localhost/smki" in text


def test_the_variable_names_the_database(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUSTCELL_DATABASE", f"sqlite:///{tmp_path / 'named.db'}")
    create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT).close()
    assert (tmp_path / "named.db").exists()
    assert "named.db" not in (tmp_path / "home" / "home.toml").read_text()


def test_a_pin_comes_from_file_then_variable_then_home(tmp_path, monkeypatch):
    with pytest.raises(Unavailable, match="keystore_pin_missing"):
        find_pin(tmp_path)
    made = generate_pin(tmp_path)
    assert len(made) == 32
    assert stat.S_IMODE((tmp_path / "pin").stat().st_mode) == 0o600
    assert find_pin(tmp_path) == made
    monkeypatch.setenv("TRUSTCELL_PIN", "from the variable")
    assert find_pin(tmp_path) == "from the variable"
    assert person_pin(tmp_path, "ada") == "from the variable"
    monkeypatch.setenv("TRUSTCELL_PIN_ADA_B", "her own")
    assert person_pin(tmp_path, "ada-b") == "her own"
    (tmp_path / "mine").write_text("from the file \nand more\n")
    assert find_pin(tmp_path, tmp_path / "mine") == "from the file"
    with pytest.raises(Unavailable, match="home_failed"):
        generate_pin(tmp_path)


@pytest.mark.parametrize("octets", [None, b"", b" \n", b"\xff\xfe"])
def test_a_pin_file_without_a_pin_is_unavailable(tmp_path, octets):
    path = tmp_path / "mine"
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(Unavailable, match=r"PIN file .*keystore_pin_missing"):
        find_pin(tmp_path, path)


def test_keystore_places_are_whole():
    for wrong in (("file", "m", ""), ("file", "", "t"), ("pkcs11", "m", ""), ("pkcs11", "", "t"), ("cloud", "", "")):
        with pytest.raises(ValueError, match="keystore"):
            KeystorePlace(*wrong)


def test_a_home_on_a_token(tmp_path):
    """The same home with its authorities on SoftHSM: made, interrupted, opened, and signing."""
    place = KeystorePlace("pkcs11", str(softhsm.module()), softhsm.unused_token())
    folder = tmp_path / "home"
    told = []

    def tell(name):
        told.append(name)
        if name == "certificate issuing-oca":
            raise Stopped

    with pytest.raises(Stopped):
        create_home(folder, ENVIRONMENT, pin=softhsm.PIN, keystore=place, now=MOMENT, step=tell)
    home = create_home(folder, ENVIRONMENT, pin=softhsm.PIN, keystore=place, now=MOMENT)
    assert not list((folder / "keys").glob("*")) if (folder / "keys").exists() else True
    assert not home.hierarchy.root_oca.signer.deterministic
    assert home.hierarchy.issuing_oca.sign(b"octets", MOMENT)
    home.close()
    again = open_home(folder, pin=softhsm.PIN)
    assert [key.record.kind for key in again.hierarchy] == ["root OCA", "issuing OCA", "root DCA", "issuing DCA", "ICA"]
    again.close()
    with pytest.raises(Unavailable, match="keystore_pin"):
        _ = open_home(folder, pin="wrong pin").hierarchy


def test_a_person_with_a_token(tmp_path, monkeypatch):
    world = make_world(tmp_path)
    token = softhsm.unused_token()
    people = type(world.people)(world.people.folder, world.people.keystore, lambda name: softhsm.PIN)
    world.people = people
    people.use_token("tina", softhsm.module(), token)
    tina = SamplePerson("tina", "Tina, with a token", "Sample SMKI PMA", RemotePartyRole.OTHER, (Capacity.PMA,))
    credential = enrol_person(world.office, world["registrar"], tina, world.now)
    assert not (people.folder / "tina.key").exists()
    signature = world["tina"].sign(b"octets")
    spki = people.signer("tina").public_key
    assert verify_rsa(spki, signature, b"octets")
    assert world["tina"].certificate == credential.certificate
    with world.store.reading() as books:
        assert "tina" in world.governance.register(books).people
    with pytest.raises(Refused) as taken:
        people.use_token("ada", softhsm.module(), token)
    assert taken.value.code == "key_label_in_use"
    without = type(people)(people.folder, people.keystore)
    with pytest.raises(Unavailable, match="keystore_pin_missing"):
        without.credential("tina")
    world.close()


def test_a_certificate_over_another_key_is_no_credential(tmp_path):
    world = make_world(tmp_path)
    with pytest.raises(Unavailable, match="credential_mismatch"):
        PersonCredential("ada", world["ada"].certificate, world.people.signer("sam"))
    with pytest.raises(Unavailable, match="credential_mismatch"):
        PersonCredential("ada", world["ada"].certificate, world.keystore.signer("audit"))
    with pytest.raises(Unavailable, match="credential_missing"):
        world.people.credential("nobody")
    with pytest.raises(ValueError, match="label"):
        world.people.credential("../keys/ica")
    (tmp_path / "two.pem").write_bytes((tmp_path / "people" / "ada.pem").read_bytes() * 2)
    for name in ("two.pem", "people/ada.key"):
        with pytest.raises(Unavailable, match="credential_unreadable"):
            read_certificate(tmp_path / name)
    world.close()


def test_two_processes_share_a_home(folder):
    """A key made by one is seen by the other; both write one chain."""
    home = opened(folder)
    code = (
        "import sys\nfrom pathlib import Path\nfrom datetime import datetime\n"
        "from trustcell.app.home import open_home\n"
        "home = open_home(Path(sys.argv[1]))\n"
        "now = datetime.fromisoformat(sys.argv[2])\n"
        "with home.store.transaction(now) as books:\n"
        "    books.audit.append('test', 'other', {}, now)\n"
        "home.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), MOMENT.isoformat()],
        capture_output=True,
        text=True,
        env={**os.environ, "TRUSTCELL_PIN": PIN},
    )
    assert done.returncode == 0, done.stderr
    with home.store.transaction(MOMENT) as books:
        books.audit.append("test", "own", {}, MOMENT)
    with home.store.reading() as books:
        assert [entry.subject for entry in books.audit.entries()][-2:] == ["other", "own"]
    home.close()


def test_a_home_is_made_by_one_of_many(tmp_path):
    """Six threads make the same home at once: one set of keys, one of certificates."""
    failures, homes_made = [], []

    def make():
        try:
            homes_made.append(create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT))
        except (Refused, Unavailable) as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for home in homes_made:
        home.close()
    home = create_home(tmp_path / "home", ENVIRONMENT, pin=PIN, now=MOMENT)
    with home.store.reading() as books:
        found = list(books.certificates.all())
    assert len(found) == 6
    assert home.keystore.labels() == ["audit", "ica", "issuing-dca", "issuing-oca", "root-dca", "root-oca"]
    home.close()


def test_the_default_moment_is_in_whole_seconds(folder):
    home = opened(folder)
    now = home.now()
    assert (now.microsecond, now.tzinfo) == (0, UTC)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    home.close()


def test_keys_of_people_are_rsa(folder):
    home = opened(folder)
    assert home.people.signer("registrar").kind is KeyKind.RSA2048
    assert home.people.names() == ["registrar"]
    home.close()
