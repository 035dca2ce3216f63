"""What ``make dist`` makes, from the tracked files alone, and used as a stranger would: outside the checkout."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command, cwd, **environment):
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "COLUMNS": "100", **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The tracked files as they are now, in a folder of their own with the environment of these tests."""
    folder = tmp_path_factory.mktemp("clone")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(BIN.parent)
    return folder


@pytest.fixture(scope="module")
def dist(tree):
    run("tools/dist.sh", "dist", cwd=tree)
    return tree / "dist"


@pytest.fixture(scope="module")
def wheel(dist):
    (found,) = dist.glob("trustcell-*.whl")
    return found


def test_the_wheel_runs_in_an_empty_environment_outside_the_checkout(wheel, tmp_path):
    venv.create(tmp_path / "empty", with_pip=True)
    pip = [tmp_path / "empty/bin/pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, wheel, cwd=tmp_path, PIP_CONSTRAINT=str(ROOT / "constraints.txt"))
    place = tmp_path / "place"
    place.mkdir()
    trustcell = tmp_path / "empty/bin/trustcell"
    assert wheel.name.split("-")[1] in run(trustcell, "--version", cwd=place)
    run(trustcell, "demo", cwd=place)
    summary = json.loads((place / "out/demo/summary.json").read_text())
    assert summary["mp261"]["same_to_every_device"] is True
    assert "missing" not in run(trustcell, "doctor", "--no-ports", cwd=place)
    assert run(tmp_path / "empty/bin/trustcell-audit", "--help", cwd=place)


def test_the_sdist_makes_the_same_wheel(dist, wheel, tmp_path):
    (sdist,) = dist.glob("trustcell-*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "again", source, cwd=source)
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_wheel_has_code_and_tables_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name.split("/")[0] for name in names} <= {"trustcell", "trustcell_audit", f"{wheel.name[:-17]}.dist-info"}
    tracked = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True)
    kept = {name.removeprefix("src/") for name in tracked.stdout.split() if (ROOT / name).is_file()}
    assert kept == {name for name in names if ".dist-info/" not in name}


def test_the_bill_of_materials_names_every_library_with_its_version(dist, wheel):
    parts = json.loads((dist / "trustcell.cdx.json").read_text())
    assert parts["bomFormat"] == "CycloneDX"
    named = {part["name"].lower().replace("_", "-"): part["version"] for part in parts["components"]}
    with zipfile.ZipFile(wheel) as packed:
        (metadata,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
        wanted = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", packed.read(metadata).decode(), re.MULTILINE)
    assert {name.lower().replace("_", "-") for name in wanted} <= set(named)
    assert "pytest" not in named
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
    for name in wanted:
        key = next(key for key in pinned if key.replace("_", "-") == name.lower().replace("_", "-"))
        assert named[name.lower().replace("_", "-")] == pinned[key]


def test_the_manual_page_has_every_command(dist):
    page = gzip.decompress((dist / "trustcell.1.gz").read_bytes()).decode()
    plain = page.replace("\\fB", "").replace("\\fP", "").replace("\\-", "-").upper()
    for heading in re.findall(r"^## `(.*)`$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE):
        assert heading.upper() in plain, heading


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_asks_the_command(dist, shell):
    assert "_TRUSTCELL_COMPLETE" in (dist / f"completion/trustcell.{shell}").read_text()


def test_the_sums_are_right_and_complete(dist):
    run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=dist)
    named = {line.split("  ", 1)[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
    assert named == {str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file()} - {"SHA256SUMS"}


def test_the_unit_is_one_that_systemd_understands(dist, tmp_path):
    unit = (dist / "trustcell.service").read_text().replace("/opt/trustcell/bin/trustcell", "/bin/true")
    (tmp_path / "trustcell.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "trustcell.service"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_unit_and_image_start_is_a_command_there_is(dist):
    image = (dist / "Containerfile").read_text()
    (arguments,) = re.findall(r"^CMD (\[.*\])$", image, re.MULTILINE)
    (started,) = re.findall(r"^ExecStart=\S+ (.*)$", (dist / "trustcell.service").read_text(), re.MULTILINE)
    reference = (ROOT / "docs/cli.md").read_text().split("## `trustcell serve`")[1].split("\n## ")[0]
    for words in (json.loads(arguments), started.split()):
        assert words[0] == "serve"
        for option in (word for word in words if word.startswith("--")):
            assert f"`{option}" in reference, option
