"""The audit program on exported logs: each way to change one is found and named."""

import io
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.audit_exports import AUDIT_KEY, OTHER_KEY, info_of, log_of
from trustcell_audit.export import check_export
from trustcell_audit.keys import sha256
from trustcell_audit.program import main

ANCHOR = sha256(info_of(AUDIT_KEY))


def check(octets: bytes, outside: bytes | None = None, *anchors: str):
    heads = None if outside is None else io.BytesIO(outside)
    return check_export(io.BytesIO(octets), heads, frozenset(anchors or [ANCHOR]))


def found(octets: bytes, outside: bytes | None = None) -> list[tuple[str, str]]:
    return [(problem.code, problem.place) for problem in check(octets, outside).problems]


def lines(octets: bytes) -> list[bytes]:
    return octets.splitlines(keepends=True)


def test_a_whole_log_is_sound():
    log = log_of(10)
    report = check(log.export(), log.outside())
    assert not report.problems
    assert report.facts["entries"] == 10
    assert report.facts["last"] == 10
    assert report.facts["outside_heads"] == report.facts["heads"] == 4
    assert not report.relied


def test_it_says_what_it_relied_on():
    report = check_export(io.BytesIO(log_of(3).export()))
    assert not report.problems
    assert "audit key" in report.relied[0]
    assert ANCHOR in report.relied[0]
    assert "tail" in report.relied[1]


@pytest.mark.parametrize("seq", range(1, 11))
def test_a_changed_octet_names_its_entry(seq):
    octets = lines(log_of(10).export())
    octets[seq] = octets[seq].replace(b"thing", b"thinG")
    (problem, *rest) = check(b"".join(octets)).problems
    assert all(f"entry {seq}" in each.place + each.message for each in (problem, *rest))
    assert {"entry_altered", "head_not_in_chain"} & {each.code for each in (problem, *rest)}
    if problem.code == "entry_altered":
        assert problem.octet == sum(map(len, octets[:seq]))


@pytest.mark.parametrize("seq", [2, 4, 7, 10])
def test_a_changed_link_names_the_field(seq):
    octets = lines(log_of(10, every=10).export())
    raw = json.loads(octets[seq])
    octets[seq] = octets[seq].replace(raw["previous"].encode(), sha256(b"other").encode())
    problems = check(b"".join(octets)).problems
    assert ("link_broken", "previous", f"entry {seq}, line {seq + 1}") in [(p.code, p.field, p.place) for p in problems]


def test_entry_taken_out():
    octets = lines(log_of(10).export())
    del octets[5]
    assert ("entry_missing", "entry 6, line 6") in found(b"".join(octets))


def test_entries_swapped():
    octets = lines(log_of(10).export())
    octets[5], octets[6] = octets[6], octets[5]
    assert ("entry_out_of_order", "entry 5, line 7") in found(b"".join(octets))


def test_entry_repeated_and_entry_put_in():
    octets = lines(log_of(10).export())
    assert found(b"".join([*octets[:6], octets[5], *octets[6:]])) == [("entry_out_of_order", "entry 5, line 7")]
    forged = octets[5].replace(b"thing 5", b"thing X")
    assert ("entry_out_of_order", "entry 5, line 7") in found(b"".join([*octets[:6], forged, *octets[6:]]))


def test_everything_rewritten_from_an_entry_on_meets_the_heads():
    forged = log_of(9)
    forged.entries = forged.entries[:4]
    for _ in range(5):
        forged.add(subject="another story")
    codes = found(forged.export())
    assert {code for code, _ in codes} == {"head_not_in_chain"}
    assert [place for _, place in codes] == ["line 12, head of entry 6", "line 13, head of entry 9"]


def test_tail_cut_off_is_found_by_the_heads_in_the_file():
    octets = lines(log_of(9).export())
    del octets[9]
    assert (
        found(b"".join(octets))
        == [
            ("tail_unsigned", "entry 8, line 9"),
            ("entries_cut", "line 12, head of entry 9"),
        ][1:]
    )


def test_tail_cut_off_with_its_heads_is_found_by_heads_kept_elsewhere_only():
    log, cut = log_of(9), log_of(6)
    assert found(cut.export()) == []
    assert found(cut.export(), log.outside()) == [("entries_cut", "heads kept elsewhere, line 3, head of entry 9")]


def test_fork_is_found_by_heads_kept_elsewhere():
    log, fork = log_of(9), log_of(6)
    for _ in range(3):
        fork.add(subject="the other branch")
    fork.sign()
    assert found(fork.export()) == []
    assert found(fork.export(), log.outside()) == [
        ("head_not_in_chain", "heads kept elsewhere, line 3, head of entry 9")
    ]


def test_tail_without_a_head():
    log = log_of(9)
    log.add()
    assert found(log.export()) == [("tail_unsigned", "entry 10, line 11")]


def test_head_signed_by_another_key():
    log = log_of(8)
    log.heads.pop()
    log.sign(OTHER_KEY)
    assert found(log.export()) == [("head_signature", "line 12, head of entry 8")]


def test_another_audit_key():
    log = log_of(3)
    log.heads.clear()
    log.sign(OTHER_KEY)
    assert [code for code, _ in found(log.export(OTHER_KEY))] == ["audit_key_not_trusted"]


def test_another_environment_or_chain():
    log = log_of(3)
    log.sign(environment="production").sign(chain="other")
    assert [code for code, _ in found(log.export())] == ["head_of_another_log", "head_of_another_log"]


def test_first_entry_must_begin_the_chain():
    log = log_of(0)
    log.add(previous="11" * 32).sign()
    assert found(log.export()) == [("first_entry_wrong", "entry 1, line 2")]


@pytest.mark.parametrize(
    "octets", [b"", b"{}\n", b"[]\n", b"\xff\n", b'{"a":1,"a":1}\n', b'{"format":1.5}\n', b"{" * 9]
)
def test_what_is_no_export_is_one_problem(octets):
    (problem,) = check(octets).problems
    assert problem.octet >= 0


def test_deep_nesting_is_refused():
    octets = lines(log_of(2).export())
    octets[1] = b"[" * 100_000 + b"\n"
    assert ("not_canonical", "line 2") in found(b"".join(octets))


def test_no_entries_and_no_heads_elsewhere_are_problems():
    log = log_of(1)
    header = lines(log.export())[0]
    assert found(header, b"") == [("empty", "export"), ("no_outside_heads", "heads kept elsewhere")]


def test_every_octet_of_an_export_counts():
    octets = bytearray(log_of(5, every=2).export())
    for at in range(len(octets)):
        for bit in (0x01, 0x20, 0x80):
            octets[at] ^= bit
            assert check(bytes(octets)).problems, (at, bit)
            octets[at] ^= bit
    assert not check(bytes(octets)).problems


@given(st.data())
def test_lines_taken_out_moved_or_repeated_are_found(data):
    log = log_of(12)
    octets = lines(log.export())
    at = data.draw(st.integers(1, 12))
    other = data.draw(st.integers(1, 12).filter(lambda n: n != at))
    how = data.draw(st.sampled_from(["out", "swap", "again"]))
    if how == "out":
        del octets[at]
    elif how == "swap":
        octets[at], octets[other] = octets[other], octets[at]
    else:
        octets.insert(other, octets[at])
    assert check(b"".join(octets), log.outside()).problems


def test_the_program(tmp_path, capsys):
    log = log_of(6)
    good, bad, heads = tmp_path / "good", tmp_path / "bad", tmp_path / "heads"
    good.write_bytes(log.export())
    bad.write_bytes(log.export().replace(b"thing 4", b"thing 5"))
    heads.write_bytes(log.outside())
    assert main(["verify", str(good), "--heads", str(heads), "--anchor", ANCHOR.upper()]) == 0
    assert "sound" in capsys.readouterr().out
    assert main(["verify", str(bad), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["ok"] is False
    assert shown["problems"][0]["place"] == "entry 4, line 5"
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["verify", str(good), "--anchor", "zz"])
    assert left.value.code == 2


def test_the_program_shares_no_code_with_trustcell(tmp_path):
    script = (
        "import sys, trustcell_audit.program; print(any(name.split('.')[0] == 'trustcell' for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "False"


def test_a_line_that_a_dying_process_left_in_the_heads_is_told_and_left_out():
    log = log_of(6)
    whole = log.outside()
    torn = whole + whole[: len(whole) // 3] + b"\n" + whole[:40]
    report = check(log.export(), torn)
    assert report.problems == []
    assert [text for text in report.relied if "cut off" in text]
    changed = whole.replace(b'"seq":3', b'"seq" :3')
    assert [problem.code for problem in check(log.export(), changed).problems] == ["not_canonical"]
