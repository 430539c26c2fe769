"""The manual page has every command, option and exit code, and formatters of manual pages take it."""

import re
import shutil
import subprocess

import pytest
from command_tree import COMMANDS
from test_docs import PAGES
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.man import ENVIRONMENT, EXIT_STATUS

ESCAPES = {r"\e": "\\", r"\-": "-", r"\(aq": "'", r"\(ga": "`", r"\(ha": "^", r"\(ti": "~", r"\(dq": '"', r"\&": ""}


def read_back(roff):
    """Return a page without roff's escapes, as a reader sees it."""
    plain = re.sub(r"\\f[BIR]", "", roff)
    plain = re.sub(r"\\\[u([0-9A-F]{4,6})\]", lambda match: chr(int(match[1], 16)), plain)
    return re.sub(r"\\(?:\(..|.)", lambda match: ESCAPES[match[0]], plain)


@pytest.fixture(scope="module")
def page():
    ended = CliRunner().invoke(app, ["man"])
    assert ended.exit_code == 0 and ended.stdout.isascii()
    return ended.stdout


def sections(page, macro):
    """Return the sections of a page by their titles."""
    parts = re.split(rf"^{re.escape(macro)} (.*)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_a_section_with_its_options_their_help_and_its_example(page):
    commands = sections(read_back(page), ".SS")
    for name, command in COMMANDS.items():
        (text,) = [text for title, text in commands.items() if re.match(rf"dubito {name}(?: [\[{{]|$)", title)]
        words = " ".join(text.split())
        assert "Example: dubito " in words
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert option in words, (name, option)
            assert " ".join(parameter.help.replace("`", "").split()) in words, (name, parameter.name)


def test_the_options_before_a_command_are_there(page):
    options = sections(read_back(page), ".SH")["OPTIONS"]
    assert all(option in options for option in ("--version", "--install-completion", "--show-completion", "-h, --help"))


def test_the_exit_codes_and_the_variables_are_those_of_the_page_on_the_command_line(page):
    rows = dict(re.findall(r"^\| ([^|]*) \| (.*) \|$", PAGES["cli"], re.MULTILINE))
    for table in (EXIT_STATUS, ENVIRONMENT):
        assert {name: rows[name] for name in table} == table
    codes = PAGES["cli"].split("| exit code |")[1].split("\n\n")[0]
    variables = PAGES["cli"].split("| variable |")[1].rstrip()
    assert (codes.count("\n"), variables.count("\n")) == (len(EXIT_STATUS) + 1, len(ENVIRONMENT) + 1)
    plain = read_back(page)
    assert all(meaning.replace("`", "") in plain for meaning in (*EXIT_STATUS.values(), *ENVIRONMENT.values()))


def test_settings_of_a_person_are_not_in_the_manual(tmp_path, monkeypatch, page):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert CliRunner().invoke(app, ["config", "set", "strategy", "tree"]).exit_code == 0
    assert CliRunner().invoke(app, ["man"]).stdout == page


@pytest.mark.parametrize(
    "formatter",
    [
        ["man", "--warnings", "-E", "UTF-8", "-l", "-"],
        ["groff", "-man", "-Tutf8", "-ww"],
        ["mandoc", "-Tlint", "-Werror"],
    ],
)
def test_formatters_of_manual_pages_take_it(page, formatter):
    if shutil.which(formatter[0]) is None:
        pytest.skip(f"needs {formatter[0]} (on Debian: apt-get install man-db groff mandoc)")
    ran = subprocess.run(formatter, input=page, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    if formatter[0] != "mandoc":
        assert "EXIT STATUS" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", ran.stdout)
