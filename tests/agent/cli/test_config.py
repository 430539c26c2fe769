"""`dubito config`: what it writes is what it was given, and the rest of the file stays as its author wrote it."""

import json
import tomllib
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.settings_file import assign, read_settings_file, unassign
from agent.errors import InvalidRequestError

MINE = """# what I like
policy = "uscd"   # the paper's
max-tokens=7

# fast
[solve]
'accept' = 'agreed' # no examples
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "dubito" / "config.toml"


def config(*arguments, code=0):
    ended = CliRunner().invoke(app, ["config", *arguments])
    assert ended.exit_code == code, ended.output
    return ended


def test_what_is_set_is_shown_until_it_is_unset(file):
    assert config("path").stdout == f"{file}\n" and not file.exists()
    assert "nothing is set" in config().stdout and "prompt-style" in config().stdout
    assert config("set", "policy", "uscd").stderr == f"policy is uscd now, in {file}\n"
    config("set", "solve.max-tokens", "9")
    config("set", "tau", "0.5")
    assert tomllib.loads(file.read_text()) == {"policy": "uscd", "tau": 0.5, "solve": {"max-tokens": 9}}
    assert config().stdout == f"{file}\n  policy = uscd\n  tau = 0.5\n  solve.max-tokens = 9\n" == config("list").stdout
    config("unset", "policy")
    config("unset", "solve.max-tokens")
    assert config().stdout == f"{file}\n  tau = 0.5\n"


def test_json_has_each_setting_with_its_place_and_what_is_wrong_with_it(file, monkeypatch):
    file.parent.mkdir()
    file.write_text('policy = "adadce"\n[chat]\nseed = 3\n[solve]\nseeds = 4\n[fill]\npolicy = "uscd"\n')
    monkeypatch.setenv("DUBITO_SEED", "5")
    record = json.loads(config("list", "--json").stdout)
    assert record == json.loads(config("--json").stdout)
    assert (record["file"], record["error"]) == (str(file), None)
    policy, chat_seed, wrong, astray, seed = record["settings"]
    assert policy["place"] == f"{file}:1" and policy["remark"].startswith("unknown policy 'adadce'; choose from")
    expected = {"name": "seed", "command": "chat", "value": "3", "place": f"{file}:3"}
    assert chat_seed == {**expected, "remark": "DUBITO_SEED comes before it"}
    assert wrong["remark"] == "there is no setting seeds; did you mean seed?"
    assert astray["remark"].startswith("fill has no option --policy")
    assert seed == {"name": "seed", "command": None, "value": "5", "place": "DUBITO_SEED", "remark": None}


def test_a_broken_file_is_said_and_the_environment_is_shown_all_the_same(file, monkeypatch):
    file.parent.mkdir()
    file.write_text("policy = uscd\n")
    monkeypatch.setenv("DUBITO_SEED", "5")
    shown = config()
    assert "is no TOML: Invalid value (at line 1, column 10)" in shown.stderr
    assert shown.stdout == "environment\n  DUBITO_SEED = 5\n"
    assert "is no TOML" in json.loads(config("--json").stdout)["error"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["set", "polcy", "uscd"], "there is no setting polcy; did you mean policy?"),
        (["set", "bench.policy", "uscd"], "bench takes no settings; choose from solve, chat, complete, fill, holes"),
        (["set", "policy", "adadce"], "unknown policy 'adadce'; choose from adadec"),
        (["set", "seed", "x"], "Invalid value for '--seed': Input should be a valid integer"),
        (["set", "holes", "9"], "Invalid value for '--holes': Input should be less than or equal to 8"),
        (["set", "fill.policy", "uscd"], "fill has no option --policy"),
        (["set", "ask", "true"], "there is no setting ask"),
        (["unset", "polcy"], "does not set polcy; did you mean policy?"),
        (["unset", "seed"], "does not set seed"),
        (["ste"], "Did you mean 'set'?"),
        (["set", "holes.seed", "1"], "has holes as a setting already, and TOML has no place for both"),
        (["set", "solve", "1"], "there is no setting solve"),
    ],
)
def test_what_cannot_be_set_is_one_sentence_and_the_file_stays_as_it_was(arguments, sentence, file):
    file.parent.mkdir()
    file.write_text(f"holes = 3\n{MINE}")
    said = config(*arguments, code=2).stderr
    assert sentence in said and said.count("\n") == 1, said
    assert file.read_text() == f"holes = 3\n{MINE}" and list(file.parent.iterdir()) == [file]


def test_comments_and_layout_stay(file):
    file.parent.mkdir()
    file.write_text(MINE)
    config("set", "policy", "greedy")
    config("set", "solve.accept", "any")
    config("set", "seed", "3")
    config("set", "chat.model", "models/tiny")
    assert file.read_text() == (
        '# what I like\npolicy = "greedy"   # the paper\'s\nmax-tokens=7\nseed = 3\n\n# fast\n[solve]\n'
        '\'accept\' = "any" # no examples\n\n[chat]\nmodel = "models/tiny"\n'
    )


def test_a_link_is_followed_and_a_file_that_only_its_author_can_change_is_left_alone(file, tmp_path):
    file.parent.mkdir()
    file.symlink_to(tmp_path / "mine.toml")
    config("set", "seed", "3")
    assert file.is_symlink() and (tmp_path / "mine.toml").read_text() == "seed = 3\n"
    text = 'model = """\nmodels/tiny"""\n'
    file.write_text(text)
    assert "is written in a way that only you can change" in config("set", "model", "models/tiny", code=2).stderr
    assert file.read_text() == text
    file.write_text("seed = \n")
    assert "is no TOML" in config("set", "policy", "uscd", code=2).stderr


def test_a_variable_that_comes_before_the_file_is_said(file, monkeypatch):
    monkeypatch.setenv("DUBITO_POLICY", "uscd")
    assert "DUBITO_POLICY is set in the environment" in config("set", "policy", "greedy").stderr
    assert "policy = greedy  (DUBITO_POLICY comes before it)" in config().stdout


KEYS = st.sampled_from(["policy", "seed", "max-tokens", "solve.policy", "solve.seed", "chat.policy", "fill.seed"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"))
LITERALS = st.one_of(
    st.integers().map(str),
    st.booleans().map(json.dumps),
    st.floats(allow_nan=False).map(repr),
    TEXTS.map(partial(json.dumps, ensure_ascii=False)),
)
CHANGES = st.lists(st.tuples(KEYS, st.none() | LITERALS), max_size=12)


@given(CHANGES, st.booleans())
def test_any_changes_leave_what_a_dictionary_would_hold_and_every_comment(tmp_path_factory, changes, crlf):
    file = Path(tmp_path_factory.mktemp("settings") / "config.toml")
    ending = "\r\n" if crlf else "\n"
    file.write_bytes("# top\n\n[chat] # talk\n# in it\n[solve]\n# last".replace("\n", ending).encode())
    model = {}
    for key, literal in changes:
        if literal is not None:
            assign(file, key, literal)
            model[key] = tomllib.loads(f"x = {literal}")["x"]
        elif key in model:
            unassign(file, key)
            del model[key]
    assert {key: each.value for key, each in read_settings_file(file).items()} == model
    lines = [line.strip() for line in file.read_text().split("\n")]
    assert {"# top", "[chat] # talk", "# in it", "# last"} <= set(lines)
    for key, each in read_settings_file(file).items():
        assert lines[each.line - 1].startswith(key.rpartition(".")[2]), "each setting is found on its line"


@pytest.mark.parametrize("value", ["a\x7fb", "a\udcffb"])
def test_a_value_that_no_toml_holds_is_refused(value, tmp_path):
    with pytest.raises(InvalidRequestError, match="holds characters that no TOML may"):
        assign(tmp_path / "config.toml", "model", json.dumps(value, ensure_ascii=False))
    assert list(tmp_path.iterdir()) == []


def test_a_change_that_the_text_cannot_take_raises_and_writes_nothing(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('policy = [\n  "uscd" ]\n')
    with pytest.raises(InvalidRequestError, match="policy is a list"):
        assign(file, "seed", "1")
    assert file.read_text() == 'policy = [\n  "uscd" ]\n'
