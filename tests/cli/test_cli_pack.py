"""``trustcell pack``: verify, show and diff on the packs of the story, build and list on a home; wrong use."""

import json

import pytest
from typer.testing import CliRunner

from trustcell.app.files import write_output
from trustcell.app.home import open_home
from trustcell.cli import app

RUN = CliRunner()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story with its home kept: two packs and an authority that made them."""
    folder = tmp_path_factory.mktemp("told")
    done = RUN.invoke(app, ["story", "mp261", "--out", str(folder), "--home", str(folder / "home"), "--json"])
    assert done.exit_code == 0, done.output
    return folder


def run(*arguments: object, code: int = 0):
    done = RUN.invoke(app, [str(each) for each in arguments])
    assert done.exit_code == code, done.output
    return done


def test_verify_says_what_it_relied_on(told):
    report = json.loads(run("pack", "verify", told / "dcc-2.zip", "--json").stdout)
    codes = {finding["code"]: finding["severity"] for finding in report["findings"]}
    assert codes["pack_not_anchored"] == "warning"
    assert "error" not in codes.values()
    assert report["not_after"] == "2041-10-18T23:59:59Z"
    assert report["generations"] == ["2016", "2024"]
    run("pack", "verify", told / "dcc-2.zip", "--strict", code=1)


def test_verify_against_trusted_certificates(told, tmp_path):
    home = open_home(told / "home")
    root, ica = tmp_path / "root.der", tmp_path / "ica.der"
    write_output(root, home.hierarchy.root_oca.certificate.der)
    write_output(ica, home.hierarchy.ica.certificate.der)
    report = json.loads(run("pack", "verify", told / "dcc-1.zip", "--root", root, "--ica", ica, "--json").stdout)
    assert report["findings"] == []
    done = run("pack", "verify", told / "dcc-1.zip", "--root", ica, "--ica", root, code=1)
    assert "pack_root_unknown" in done.stdout
    assert "pack_signature_authority" in done.stdout
    run("pack", "verify", told / "dcc-1.zip", "--root", root, code=2)


def test_an_older_pack_is_not_newer(told):
    run("pack", "verify", told / "dcc-2.zip", "--newer-than", told / "dcc-1.zip")
    done = run("pack", "verify", told / "dcc-1.zip", "--newer-than", told / "dcc-2.zip", code=1)
    assert "pack_version_older" in done.stdout


def test_show_tells_what_a_device_can_tell(told):
    text = run("pack", "show", told / "dcc-2.zip").stdout
    assert text.count("2026 or 2041, assumed 2026") == 5
    report = json.loads(run("pack", "show", told / "dcc-2.zip", "--json").stdout)
    assert report["cells"]["2016"].keys() == report["cells"]["2024"].keys() == {"ESME", "GSME", "GPF", "CHF"}
    assert not any(each["known"] for each in report["told_by_device"])


def test_diff_says_same_to_every_device(told):
    assert (
        "same to every device, different in every date"
        in run("pack", "diff", told / "dcc-1.zip", told / "dcc-2.zip").stdout
    )
    report = json.loads(run("pack", "diff", told / "dcc-1.zip", told / "dcc-1.zip", "--json").stdout)
    assert report["same_to_every_device"] is True
    assert report["different_in_every_date"] is False
    assert {cell["comparison"] for cell in report["cells"]} == {"the same certificate"}


def test_build_and_list(told, tmp_path):
    home = ("--home", told / "home")
    serials = json.loads(run("pack", "show", told / "dcc-2.zip", "--json").stdout)["told_by_device"]
    chosen = [arg for each in serials for arg in ("--certificate", f"T1:{each['certificates'][-1]}")]
    file = tmp_path / "new.zip"
    at = ("--at", "2024-12-01T12:00:00Z")
    build = ("pack", "build", "other", *chosen, *home, *at, "--out", file)
    report = json.loads(run(*build, "--as", "paula", "--include", told / "dcc-1.zip", "--json").stdout)
    assert report["generations"] == ["2016", "2024"]
    assert json.loads(run("pack", "verify", file, "--json").stdout)["pack"] == "other"
    names = [(body["name"], body["version"]) for body in json.loads(run("pack", "list", *home, "--json").stdout)]
    assert names == [("dcc", 1), ("dcc", 2), ("other", 1)]
    assert "other" in run("pack", "list", *home).stdout
    assert "pack_version_same" in run(*build, "--as", "paula", code=1).stderr
    assert "capacity_missing" in run(*build, "--version", "2", "--as", "ada", code=1).stderr
    assert "credential" in run(*build, "--version", "2", "--as", "nobody", code=1).stderr


@pytest.mark.parametrize("text", ["T1", ":12", "T1:xyz", "T1:"])
def test_a_certificate_is_named_by_issuer_and_serial(told, text):
    run("pack", "build", "x", "--as", "paula", "--certificate", text, "--home", told / "home", code=2)


@pytest.mark.parametrize("command", ["verify", "show"])
def test_files_that_are_no_packs(command, tmp_path):
    nothing, text = tmp_path / "nothing.zip", tmp_path / "text.zip"
    text.write_text("no pack")
    assert "input_missing" in run("pack", command, nothing, code=1).stderr
    assert "pack_format" in run("pack", command, text, code=1).stderr
    assert "input_missing" in run("pack", command, tmp_path, code=1).stderr
