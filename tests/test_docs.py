"""The documents say what the code does: tables name the registries, commands exist, examples run."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from command_tree import COMMANDS
from typer.main import get_command
from typer.testing import CliRunner

import sandbox
from agent.cli.app import app
from agent.cli.exits import STANDING_CODES, VERDICT_CODES, ExitCode
from agent.decoding import POLICIES
from agent.search.orders import ORDERS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TOUR = (ROOT / "docs" / "tour.md").read_text()
PAGES = {path.stem: path.read_text() for path in (ROOT / "docs").glob("*.md") if path.stem != "LOG"}


def test_the_policy_table_names_exactly_the_policies():
    table = PAGES["policies"].split("| policy |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(POLICIES)


def test_the_table_of_orders_names_exactly_the_orders():
    table = PAGES["search"].split("| `--order` |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ORDERS)


def test_the_tables_of_marks_and_exit_codes_are_what_commands_do():
    marks = dict(re.findall(r"^\| \S \| (\w+): .* \| (\d) \|$", PAGES["search"], re.MULTILINE))
    assert marks == {standing: str(int(code)) for standing, code in STANDING_CODES.items()}
    rows = re.findall(r"^\| (\d+)(?: to (\d+))? \| ", PAGES["cli"], re.MULTILINE)
    codes = [code for first, last in rows for code in range(int(first), int(last or first) + 1)]
    assert codes == sorted({*ExitCode, *VERDICT_CODES.values()})


@pytest.mark.parametrize("page", [README, *PAGES.values()], ids=["README", *PAGES])
def test_every_command_in_a_document_exists_with_its_options(page):
    lines = [
        line.split("#")[0].split("<")[0].removeprefix("$ ") for line in page.splitlines() if line.startswith("$ dubito")
    ]
    for line in lines:
        check_options(shlex.split(line)[1:], line)


def check_options(words, line):
    command = get_command(app)
    while hasattr(command, "get_command") and not (command.invoke_without_command and not words):
        command = command.get_command(None, words.pop(0))
    parameters = [
        *command.params,
        *(COMMANDS["bench run"].params if "ignore_unknown_options" in command.context_settings else []),
    ]
    known = {option for parameter in parameters for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, line


def test_the_file_for_skypilot_names_existing_commands_options_targets_and_extras():
    task = yaml.safe_load((ROOT / "docs" / "skypilot.yaml").read_text())
    assert set(task) == {"name", "workdir", "num_nodes", "resources", "setup", "run"}
    lines = [line.strip() for part in ("setup", "run") for line in task[part].splitlines()]
    commands = [line.removeprefix(".venv/bin/") for line in lines if line.startswith(("dubito", ".venv/bin/dubito"))]
    assert len(commands) == 3
    for line in commands:
        check_options(shlex.split(line)[1:], line)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[1] for line in lines if line.startswith("make ")} <= targets
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {extra for line in lines for extra in re.findall(r"\.\[(\w+)\]", line)} == {"ray"} <= set(extras)


def test_the_table_of_commands_names_exactly_the_commands():
    assert set(re.findall(r"^\| `dubito ([^`]*)` \|", PAGES["cli"], re.MULTILINE)) == set(COMMANDS)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_program_that_the_readme_runs_in_a_sandbox_is_made_there_and_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (name,) = re.findall(r"^\$ dubito sandbox run (\S+)", README, re.MULTILINE)
    (source,) = re.findall(rf'^\$ echo "(.*)" > {re.escape(name)}$', README, re.MULTILINE)
    Path(name).write_text(f"{source}\n")
    result = CliRunner().invoke(app, ["sandbox", "run", name, "--sandbox", "process"])
    assert (result.exit_code, result.stdout) == (ExitCode.OK, "45\n"), result.output


def test_every_make_target_that_documents_name_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [README, TOUR, *(path.read_text() for path in (ROOT / "CONTRIBUTING.md", ROOT / "models/tiny/README.md"))]
    named = {name for text in texts for name in re.findall(r"(?:`|\$ )make ([a-z-]+)", text)}
    assert named <= targets


def test_every_file_that_a_document_names_exists():
    texts = [
        README,
        *PAGES.values(),
        *((ROOT / name).read_text() for name in ("CONTRIBUTING.md", "models/tiny/README.md")),
    ]
    paths = {
        path
        for text in texts
        for path in re.findall(r"`((?:agent|uncertainty|sandbox|benchmarks|docs|models|tests)/[\w/.-]*)`", text)
    }
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_alone_lists_its_targets():
    told = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert "demo" in told
    assert "test-docker" in told


def told(text: str) -> list[str]:
    """Return a run's lines without what differs from one machine to another: digits, widths, the sandbox."""
    lines = [" ".join(re.sub(r"\d+(\.\d+)?", "N", line).split()) for line in text.splitlines()]
    return [re.sub(r"\w+Sandbox", "a sandbox", line) for line in lines if line]


@pytest.mark.model
def test_the_demo_prints_what_the_readme_shows():
    exercise = re.search(r"^EXERCISE \?= (\d+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    parts = README.split("```text\n")[1].split("```")[0].split("…\n")
    result = CliRunner().invoke(app, ["solve", "-v", "--task", f"exercises/{exercise}", "--sandbox", "process"])
    assert result.exit_code == 0
    assert f"exercises/{exercise}: adadec with models/tiny" in parts[0]
    # The page wraps lines, as a terminal does and a pipe does not.
    shown = " ".join(" ".join(line for line in told(result.stderr) if "does not isolate" not in line).split())
    first, *others = (" ".join(" ".join(told(part)).split()) for part in parts)
    assert shown.startswith(first)
    for part in others:
        assert part in shown


def examples_in(page: str) -> str:
    """Return the Python examples of a page as one program."""
    return "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))


@pytest.mark.model
@pytest.mark.parametrize("page", [name for name, text in {"README": README, **PAGES}.items() if examples_in(text)])
def test_the_python_examples_of_a_page_run_and_print(page, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    open_sandbox = sandbox.open_sandbox  # the page's own choice, else one that is there without an engine
    monkeypatch.setattr(sandbox, "open_sandbox", lambda name="process": open_sandbox(name))
    exec(compile(examples_in(README if page == "README" else PAGES[page]), page, "exec"), {})
    printed = capsys.readouterr().out
    assert printed if page != "README" else "verified" in printed and "return" in printed


def read_session(page: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a page with the lines that it shows below each."""
    blocks = "".join(re.findall(r"```console\n(.*?)```", page, re.DOTALL))
    session, here_document = [], False
    for line in blocks.splitlines():
        if line.startswith("$ "):
            session.append((line[2:], []))
            here_document = "<<'END'" in line
        elif here_document:
            session[-1] = (f"{session[-1][0]}\n{line}", [])
            here_document = line != "END"
        else:
            session[-1][1].append(line)
    return session


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_first_steps_can_be_followed_command_by_command(tmp_path):
    script, wanted = [f'dubito() {{ {shlex.quote(sys.executable)} -m agent "$@"; }}'], []
    for number, (command, shown) in enumerate(read_session(PAGES["first-steps"])):
        script += [f"echo '== {number}'", command, f"echo '== {number} ended with' $?"]
        wanted.append(shown)
    kept = {
        "DUBITO_SANDBOX": "process",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(tmp_path),
    }
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env={**os.environ, **kept}, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    for number, shown in enumerate(wanted):
        _, _, said = ran.stdout.partition(f"== {number}\n")
        said, _, rest = said.partition(f"== {number} ended with ")
        assert rest.startswith("0\n"), (number, ran.stdout)
        for line in shown:  # a long path breaks a line elsewhere
            assert " ".join(line.split()) in " ".join(said.split()), (line, said)
