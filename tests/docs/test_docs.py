"""Documents that fail: every command shown is run, every command, clause and edge case has its place."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from conftest import shared_folder
from trustcell.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def examples(page: Path) -> list[tuple[str, str]]:
    """Command and shown output of every console block of a page, in order."""
    found = []
    for block in _CONSOLE.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


PORTS = {"duis": 8079, "api": 8081, "repository": 8083}


class Shell:
    """Runs the commands of one page. A server that a page starts with ``&`` gets free ports; the page shows its own."""

    def __init__(self, place: Path, session: Path) -> None:
        self.place, self.servers = place, []
        self.script = Path(sys.executable).with_name("trustcell")
        self.environment = {**os.environ, "COLUMNS": "80", "XDG_RUNTIME_DIR": str(session)}

    def run(self, command: str) -> str:
        words = shlex.split(command)
        assert words[0] == "trustcell", "documents show trustcell commands only"
        if words[-1] == "&":
            return self.serve(words[1:-1])
        done = subprocess.run(
            [self.script, *words[1:]], cwd=self.place, capture_output=True, text=True, env=self.environment
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, words: list[str]) -> str:
        free = [word for name in PORTS for word in (f"--{name}-port", "0")]
        server = subprocess.Popen(
            [self.script, *words, *free], cwd=self.place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=self.environment,
        )  # fmt: skip
        self.servers.append(server)
        told = []
        for line in server.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(told)
        for name, port in PORTS.items():
            (taken,) = re.findall(rf"^{name} of \S+ at (http://\S+)", text, re.MULTILINE)
            text = text.replace(taken, f"http://127.0.0.1:{port}")
            self.environment |= {{"duis": "TRUSTCELL_DUIS_URL", "api": "TRUSTCELL_URL"}.get(name, "UNUSED"): taken}
        return text

    def stop(self) -> None:
        for server in self.servers:
            server.terminate()
            server.wait(20)
            server.stdout.close()


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.name)
def test_commands_in_the_documents_print_what_is_shown(page, tmp_path, shared):
    (tmp_path / "shared").symlink_to(shared)
    place = tmp_path / "main"  # an empty folder beside "shared", where a page is followed from top to bottom
    place.mkdir()
    (place / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "session").mkdir(mode=0o700)
    shell = Shell(place, tmp_path / "session")
    try:
        for command, output in examples(page):
            shown = shell.run(command)
            expected = "".join(map(pattern, output.splitlines(keepends=True)))
            assert re.fullmatch(expected, shown, re.DOTALL), f"{command}\n{shown}"
    finally:
        shell.stop()


def pattern(line: str) -> str:
    """A line of dots stands for lines, dots within a line for the rest of what stands there."""
    return ".*" if line == "...\n" else re.escape(line).replace(re.escape("..."), "[^\n]*")


def test_there_are_examples_to_run():
    assert sum(len(examples(page)) for page in PAGES) >= 6


def commands() -> list[tuple[str, list[str]]]:
    """Every command with its options, walked from the root."""
    found = []

    def walk(command, name):
        if isinstance(command, TyperGroup):
            within = typer.Context(command)
            for key in command.list_commands(within):
                walk(command.get_command(within, key), f"{name} {key}")
        else:
            options = [option for each in command.params for option in each.opts if option.startswith("--")]
            found.append((name, [option for option in options if option != "--help"]))

    walk(typer.main.get_command(app), "trustcell")
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_every_command_and_option_has_a_line_in_the_reference(command):
    name, options = command
    text = (ROOT / "docs" / "cli.md").read_text()
    section = text.split(f"## `{name}`")
    assert len(section) == 2, f"docs/cli.md has no section for {name}"
    body = section[1].split("\n## ")[0]
    for option in options:
        assert f"`{option}" in body, f"{name}: {option} is not in docs/cli.md"


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_every_command_prints_json_on_request(command):
    assert "--json" in command[1]


def test_the_clauses_page_is_what_the_source_cites():
    tool = [sys.executable, ROOT / "tools" / "clauses.py", "--print"]
    page = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
    assert page.count("\n| ") > 10
    assert page == (ROOT / "docs" / "clauses.md").read_text(), "run: .venv/bin/python tools/clauses.py"


def test_the_reference_is_what_the_source_says():
    tool = [sys.executable, ROOT / "tools" / "reference.py", "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, f"run: .venv/bin/python tools/reference.py\n{done.stdout}{done.stderr}"


def test_every_setting_says_what_it_is():
    from trustcell.app.settings import Settings

    assert all(field.description for field in Settings.model_fields.values())


def test_the_manual_builds_and_every_page_has_its_place(tmp_path):
    builder = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", ROOT / "docs", tmp_path / "site"]
    done = subprocess.run(builder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fetched = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="https?:')
    for page in (tmp_path / "site").rglob("*.html"):
        assert not fetched.search(page.read_text()), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_files_named_in_the_assumptions_exist():
    for name in re.findall(r"`([\w/]+\.(?:py|csv|toml))`", (ROOT / "docs" / "assumptions.md").read_text()):
        assert (ROOT / "src" / "trustcell" / name).exists(), name


def test_no_page_names_a_package_index_or_a_machine():
    words = re.compile("py" + r"pi\.org|registry\.npm" + r"js|/ho" + "me/|" + "/wo" + "rk/")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        file = ROOT / name
        if file.is_file():
            assert not words.search(file.read_text(errors="replace")), name


def test_public_things_have_docstrings():
    from trustcell import certs, devices, dsp, duis, gbcs, vocab

    for room in (vocab, gbcs, duis, certs, devices, dsp):
        for name in room.__all__:
            thing = getattr(room, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert inspect.getdoc(thing), f"{room.__name__}.{name}"


def test_the_shared_folder_is_named_the_same_everywhere():
    assert shared_folder().name == "shared"
