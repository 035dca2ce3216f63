"""Tokens of the JSON API: made once, kept as digests, seen at once by a running server; and logs that hold none."""

import hashlib
import io
import json
import logging
import stat
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trustcell.app.logs import configure_logs
from trustcell.app.tokens import Principal, Role, TokenBook, make_token, revoke_token
from trustcell.cli import app
from trustcell.vocab import Eui64, Refused, Unavailable, WireError
from trustcell.web.limits import Budget, Lockout, RateLimit

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
SUPPLIER = "90-B3-D5-1F-30-01-00-00"


def octets(size: int) -> bytes:
    return b"\x5a" * size


def test_a_token_is_found_and_its_file_holds_only_its_digest(tmp_path):
    file = tmp_path / "tokens.json"
    token = make_token(file, "desk", "operator", NOW, octets)
    assert TokenBook(file).find(token) == Principal("desk", Role.OPERATOR)
    assert TokenBook(file).find(token[:-1]) is None
    assert token not in file.read_text()
    assert json.loads(file.read_text())["tokens"][0]["sha256"] == hashlib.sha256(token.encode()).hexdigest()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) >= 43, "256 bits"


def test_a_running_book_sees_what_was_made_and_revoked(tmp_path):
    file = tmp_path / "tokens.json"
    book = TokenBook(file)
    assert book.entries() == ()
    first = make_token(file, "one", "auditor", NOW, octets)
    assert book.find(first) == Principal("one", Role.AUDITOR)
    second = make_token(file, "two", f"user:{SUPPLIER}", NOW, lambda size: b"\x11" * size)
    assert book.find(second) == Principal("two", Role.USER, Eui64.parse(SUPPLIER))
    revoke_token(file, "one")
    assert (book.find(first), book.find(second)) == (None, Principal("two", Role.USER, Eui64.parse(SUPPLIER)))
    file.unlink()
    assert book.find(second) is None


@pytest.mark.parametrize("role", ["", "root", "user", "user:", "user:nonsense", f"operator:{SUPPLIER}", "OPERATOR"])
def test_roles_there_are_not(tmp_path, role):
    with pytest.raises(Refused) as caught:
        make_token(tmp_path / "tokens.json", "x", role, NOW, octets)
    assert caught.value.code == "token_role"
    assert list(tmp_path.iterdir()) == []


def test_refusals_change_nothing(tmp_path):
    file = tmp_path / "tokens.json"
    make_token(file, "x", "operator", NOW, octets)
    before = file.read_bytes()
    for name, code in (("x", "token_exists"), ("", "token_name"), ("a\nb", "token_name"), ("a" * 65, "token_name")):
        with pytest.raises(Refused) as caught:
            make_token(file, name, "operator", NOW, octets)
        assert caught.value.code == code
    with pytest.raises(Refused) as caught:
        revoke_token(file, "y")
    assert caught.value.code == "token_unknown"
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"tokens": [{}]}',
        '{"tokens": [{"name": "x", "role": "root", "sha256": "00", "made_at": ""}]}',
        '{"tokens": [{"name": "x", "role": "operator", "sha256": "", "made_at": ""}]}', "\x00",
    ],
)  # fmt: skip
def test_a_file_that_is_none_lets_nobody_in(tmp_path, text):
    """An empty digest must not be what an empty token digests to, and a broken file is said, not skipped."""
    file = tmp_path / "tokens.json"
    file.write_text(text)
    with pytest.raises(WireError) as caught:
        TokenBook(file).find("tc_x")
    assert caught.value.code == "tokens_format"


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(Unavailable):
        make_token(tmp_path / "gone" / "tokens.json", "x", "operator", NOW, octets)


def test_the_command_makes_lists_and_revokes(tmp_path):
    file = str(tmp_path / "tokens.json")
    runner = CliRunner()
    made = runner.invoke(app, ["token", "make", "desk", "--role", "operator", "--tokens", file])
    assert made.exit_code == 0
    token = made.output.strip()
    assert TokenBook(tmp_path / "tokens.json").find(token) == Principal("desk", Role.OPERATOR)
    listed = runner.invoke(app, ["token", "list", "--tokens", file, "--json"])
    assert [(each["name"], each["role"]) for each in json.loads(listed.output)] == [("desk", "operator")]
    assert token not in listed.output
    assert runner.invoke(app, ["token", "revoke", "desk", "--tokens", file]).exit_code == 0
    assert runner.invoke(app, ["token", "revoke", "desk", "--tokens", file]).exit_code == 1
    assert runner.invoke(app, ["token", "list", "--tokens", file]).output == "no tokens\n"


# Limits, with time as an argument.


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200), st.floats(0.5, 20), st.integers(1, 20))
def test_no_more_than_rate_and_burst_allow(pauses, rate, burst):
    limit = RateLimit(rate, burst)
    now, allowed = 0.0, 0
    for pause in pauses:
        now += pause
        wait = limit.wait("k", now)
        allowed += wait == 0.0
        assert allowed <= burst + now * rate + 1e-6
        assert wait >= 0


@given(st.floats(0.5, 20), st.integers(1, 20))
def test_who_waits_as_told_may_go_on(rate, burst):
    limit = RateLimit(rate, burst)
    for _ in range(burst):
        assert limit.wait("k", 0.0) == 0.0
    wait = limit.wait("k", 0.0)
    assert wait > 0
    assert limit.wait("k", wait + 1e-6) == 0.0
    assert limit.wait("other", 0.0) == 0.0


def test_a_clock_that_stands_still_or_goes_back_gives_nothing():
    limit = RateLimit(1.0, 2.0)
    assert [limit.wait("k", now) == 0.0 for now in (10.0, 10.0, 9.0, 5.0)] == [True, True, False, False]
    with pytest.raises(ValueError):
        RateLimit(0, 1)


def test_memory_for_clients_is_bounded():
    limit, lockout = RateLimit(1.0, 1.0), Lockout()
    for number in range(30_000):
        limit.wait(str(number), 0.0)
        lockout.failed(str(number), 0.0)
    assert sys.getsizeof(limit._buckets) < 2 << 20
    assert len(limit._buckets) == len(lockout._wrong) == 10_000


def test_a_lockout_ends_and_begins_again():
    lockout = Lockout(attempts=2, seconds=10)
    lockout.failed("a", 0)
    assert lockout.wait("a", 0) == 0
    lockout.failed("a", 0)
    assert lockout.wait("a", 4) == 6
    assert lockout.wait("b", 4) == 0
    assert lockout.wait("a", 10) == 0
    lockout.failed("a", 11)
    assert lockout.wait("a", 11) == 0


def test_a_budget_gives_back():
    budget = Budget(10)
    assert budget.take(7)
    assert not budget.take(4)
    assert budget.take(3)
    budget.give_back(7)
    assert budget.take(7)


# Logs.


@pytest.fixture
def lines():
    root, own = logging.getLogger(), logging.getLogger("trustcell")
    before = root.handlers[:], root.level, own.level
    yield io.StringIO()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.mark.parametrize("as_json", [True, False])
def test_lines_hold_no_secrets(lines, as_json):
    configure_logs(as_json=as_json, stream=lines)
    log = logging.getLogger("trustcell.web")
    token = "tc_" + "A" * 43
    log.info("GET /x?apikey=hidden1&y=1 with %s and Authorization: Bearer hidden2", token)
    try:
        raise ValueError(f"no {token}")
    except ValueError:
        log.exception("1709283600-abc failed")
    logging.getLogger("other").info("not ours")
    text = lines.getvalue()
    assert "hidden" not in text
    assert "1709283600-abc failed" in text
    assert "not ours" not in text
    assert token not in text
    if as_json:
        rows = [json.loads(line) for line in text.splitlines()]
        assert [row["level"] for row in rows] == ["info", "error"]
        assert rows[0]["logger"] == "trustcell.web"
        assert rows[0]["timestamp"].endswith("Z")
        assert "ValueError" in rows[1]["exception"]
