"""Accounts: Argon2id, one-time passwords, and the lock-out of SEC Appendix P (smki.md 5.1; hostile input A9)."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.conftest import CHEAP
from trustcell.app.accounts import Account, AccountBook, ConsoleRole
from trustcell.vocab import Refused, WireError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWN = "a password of my own"


def random(size: int) -> bytes:
    return b"\x07" * size


@pytest.fixture
def book(tmp_path):
    return AccountBook(tmp_path / "accounts.json", CHEAP)


def wrong(book: AccountBook, name: str, at: datetime) -> str:
    with pytest.raises(Refused) as refused:
        book.check(name, "not it", at)
    return refused.value.code


def test_the_file_is_private_and_holds_a_hash_alone(book, tmp_path):
    password = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    text = (tmp_path / "accounts.json").read_text()
    assert password not in text
    assert json.loads(text)["accounts"][0]["argon2"].startswith("$argon2id$")
    assert stat.S_IMODE((tmp_path / "accounts.json").stat().st_mode) == 0o600
    assert password not in repr(book.find("olga"))


def test_usual_costs_are_those_that_argon2_recommends():
    from argon2 import PasswordHasher, profiles

    assert (
        AccountBook(None)._hasher.memory_cost
        == PasswordHasher().memory_cost
        >= profiles.RFC_9106_LOW_MEMORY.memory_cost
    )


def test_the_first_password_is_for_once(book):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    assert book.check("olga", once, NOW).one_time
    assert not book.change_password("olga", once, OWN, NOW).one_time
    assert wrong(book, "olga", NOW) == "sign_in_refused"
    with pytest.raises(Refused):
        book.check("olga", once, NOW)
    assert not book.check("olga", OWN, NOW).one_time


@pytest.mark.parametrize(("new", "code"), [("short", "password_short"), ("x" * 257, "password_short")])
def test_a_new_password_has_a_length(book, new, code):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    with pytest.raises(Refused) as refused:
        book.change_password("olga", once, new, NOW)
    assert refused.value.code == code
    assert book.check("olga", once, NOW).one_time


def test_a_new_password_is_new_and_needs_the_old_one(book):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    with pytest.raises(Refused) as refused:
        book.change_password("olga", once, once, NOW)
    assert refused.value.code == "password_same"
    with pytest.raises(Refused) as refused:
        book.change_password("olga", "not it", OWN, NOW)
    assert refused.value.code == "sign_in_refused"


def test_five_wrong_ones_within_an_hour_lock_for_an_hour_from_the_first(book):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    for minute in range(5):
        assert wrong(book, "olga", NOW + timedelta(minutes=minute)) == "sign_in_refused"
    with pytest.raises(Refused) as refused:
        book.check("olga", once, NOW + timedelta(minutes=59))
    assert refused.value.code == "account_locked"
    assert book.check("olga", once, NOW + timedelta(minutes=60)).name == "olga"


def test_wrong_ones_of_more_than_an_hour_ago_do_not_count(book):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    for number in range(20):
        assert wrong(book, "olga", NOW + timedelta(minutes=16 * number)) == "sign_in_refused"
    assert book.check("olga", once, NOW + timedelta(minutes=16 * 20)).name == "olga"


def test_an_aros_account_stays_locked_until_somebody_unlocks_it(book):
    once = book.make("ada", [ConsoleRole.REQUESTER], "ada", random)
    for _ in range(5):
        wrong(book, "ada", NOW)
    with pytest.raises(Refused) as refused:
        book.check("ada", once, NOW + timedelta(days=400))
    assert refused.value.code == "account_locked"
    book.unlock("ada")
    assert book.check("ada", once, NOW + timedelta(days=400)).person == "ada"


def test_a_name_that_nobody_has_is_refused_and_locked_alike(book):
    book.make("olga", [ConsoleRole.OPERATOR], "", random)
    told = {name: [wrong(book, name, NOW) for _ in range(6)] for name in ("olga", "nobody")}
    assert told["olga"] == told["nobody"] == ["sign_in_refused"] * 5 + ["account_locked"]


def test_another_process_sees_a_lock_and_an_account_that_was_removed(book, tmp_path):
    once = book.make("olga", [ConsoleRole.OPERATOR], "", random)
    other = AccountBook(tmp_path / "accounts.json", CHEAP)
    for _ in range(5):
        wrong(book, "olga", NOW)
    with pytest.raises(Refused) as refused:
        other.check("olga", once, NOW)
    assert refused.value.code == "account_locked"
    other.remove("olga")
    assert book.find("olga") is None


@pytest.mark.parametrize("name", ["", " olga", "o\nlga", "x" * 65])
def test_names_can_be_printed(book, name):
    with pytest.raises(Refused) as refused:
        book.make(name, [ConsoleRole.VIEWER], "", random)
    assert refused.value.code == "account_name"


def test_a_file_of_something_else_is_named(tmp_path):
    (tmp_path / "accounts.json").write_text('{"tokens": []}')
    with pytest.raises(WireError) as error:
        AccountBook(tmp_path / "accounts.json", CHEAP).all()
    assert error.value.code == "accounts_format"


@given(st.lists(st.integers(0, 7200), max_size=12).map(sorted), st.integers(0, 9000))
def test_whatever_the_moments_an_open_account_has_fewer_than_five_in_its_hour(seconds, at):
    account = Account("a", frozenset({ConsoleRole.VIEWER}), "")
    for second in seconds:
        moment = NOW + timedelta(seconds=second)
        if account.locked_until(moment) is None:
            recent = tuple(each for each in account.wrong if moment - each < timedelta(hours=1))
            account = Account("a", account.roles, "", wrong=(*recent, moment))
    now = NOW + timedelta(seconds=max([at, *seconds]))
    if account.locked_until(now) is None and len(account.wrong) >= 5:
        assert now - account.wrong[0] >= timedelta(hours=1)
