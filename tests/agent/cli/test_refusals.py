"""A request that cannot be carried out is refused in one sentence, before anything that takes time is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import choices
from agent.cli.app import app

ROOT = Path(__file__).parents[3]
HEAVY = {"torch", "transformers", "langgraph", "scipy", "sklearn", "tokenizers", "numpy", "matplotlib", "evalplus"}
PROMPT = 'def f(x: int) -> int:\n    """Add one.\n\n    >>> f(1)\n    2\n    """\n'
FILES = {
    "prompt.py": PROMPT,
    "empty.py": " \n",
    "nul.py": PROMPT + "\0",
    "bad.py": "assert f(1) == 2\nassert f(",
    "none.py": "x = 1\n",
    "other.py": "assert total([1]) == 1\n",
}
REFUSED = [  # arguments of solve (@: the folder of the files above), what stdin gives, the sentence
    ("--policy nosuch", "unknown policy 'nosuch'; choose from adadec, adadec-reference, adapt, eg-cfg, greedy"),
    ("--policy=", "unknown policy ''"),
    ("--policy Greedy", "unknown policy 'Greedy'"),
    ("--policy greedy --ask", "--policy greedy never pauses, so --ask has nothing to ask; choose adadec"),
    ("--policy sample --ask", "--policy sample never pauses"),
    ("--policy adapt --ask", "--policy adapt never pauses"),
    ("--policy greedy --threshold 1", "this policy never pauses, so it takes no threshold"),
    ("--threshold=-1", "the threshold '-1' is not a number from 0 on"),
    ("--threshold=-inf", "the threshold '-inf' is not a number from 0 on"),
    ("--threshold nan", "the threshold 'nan' is not a number from 0 on"),
    ("--threshold=", "the threshold is empty"),
    ("--threshold x.json", "cannot read 'x.json'"),
    ("--threshold std=0.1", "this policy pauses by entropy"),
    ("--policy uscd --threshold std=2", "wanted a standard deviation"),
    ("--policy uscd --threshold std=", "wanted a standard deviation"),
    ("--order best", "unknown order 'best'; choose from probability, blame"),
    ("--budget programs=0", "the budget 'programs=0' came; wanted positive numbers"),
    ("--budget programs=-1", "the budget 'programs=-1' came"),
    ("--budget programs=1.5", "the budget 'programs=1.5' came"),
    ("--budget seconds=nan", "the budget 'seconds=nan' came"),
    ("--budget seconds=inf", "the budget 'seconds=inf' came"),
    ("--budget words=3", "the budget 'words=3' came"),
    ("--budget=,", "the budget ',' came"),
    ("--budget programs=2,programs=3", "the budget names programs twice"),
    ("--budget programs=2,seconds=1,programs=2", "the budget names programs twice"),
    ("--min-probability nan", "--min-probability is nan; wanted a probability"),
    ("--min-probability 1.1", "--min-probability is 1.1; wanted a probability"),
    ("--min-probability=-0.1", "--min-probability is -0.1"),
    ("--tau 0", "wanted 0 < tau <= 1"),
    ("--tau nan", "wanted 0 < tau <= 1"),
    ("--holes 0", "Invalid value for '--holes'"),
    ("--max-tokens 0", "Invalid value for '--max-tokens'"),
    ("--quiet --verbose", "--quiet and --verbose came; choose one of them"),
    ("--quiet --explain", "--quiet and --explain came; choose one of them"),
    ("--quiet --ask", "--ask needs somebody to talk to, and --quiet prints only the answer"),
    ("--device gpu", "unknown device 'gpu'; choose cpu, cuda, cuda:1 or another of torch's"),
    ("--device cuda:x", "unknown device 'cuda:x'"),
    ("--weights float7", "unknown weights 'float7'"),
    ("--prompt-style turns", "unknown prompt style 'turns'; choose from auto, evalplus, qwen, dubito, completion"),
    ("--sandbox jail", "unknown sandbox 'jail'; choose from bubblewrap, docker, gvisor, process"),
    ("--model @nowhere", "there is no such folder"),
    ("--model @", "it has no config.json"),
    ("--json --ask", "choose one of them"),
    ("--tests @bad.py", "this is no valid Python"),
    ("--tests @missing.py", "there is no such file"),
    ("--tests @", "wanted a regular file"),
    ("--tests /dev/zero", "is a device; wanted a regular file"),
    ("--tests @other.py", "needs total, and the prompt defines"),
    ("--tests @none.py", "holds no assert"),
    ("--trace @prompt.py", "prompt.py'"),
    ("--trace @no/such/t.jsonl", "No such file or directory"),
    ("--task exercises/12", "--task and --file came; wanted one of"),
]
REQUESTS = [  # arguments instead of a file, what stdin gives, the sentence
    ([], "", "nothing was asked for"),
    ([], " \n", "nothing was asked for"),
    (["-"], "", "nothing was asked for"),
    (["-"], "a\0b", "the request holds a NUL character"),
    (["-", "--ask"], "a", "--ask reads answers from stdin"),
    (["--file", "-", "--ask"], PROMPT, "--ask reads answers from stdin"),
    (["--file", "-", "--tests", "-"], PROMPT, "stdin can be read once"),
    ([""], "", "nothing was asked for"),
    (["x.py"], "", "'x.py' is the name of a file, and a sentence was wanted"),
    (["A \udcff sentence."], "", "the request is not UTF-8 text"),
    (["--file", "@nul.py"], "", "the request holds a NUL character"),
    (["--file", "@empty.py"], "", "nothing was asked for"),
    (["--file", "@missing.py"], "", "there is no such file"),
    (["--file", "/dev/zero"], "", "is a device; wanted a regular file"),
    (["--file", "@"], "", "is a folder; wanted a regular file"),
    (["--task", "Nothing/1"], "", "exercises"),
    (["--task", "exercises/99999"], "", "exercises/N"),
    (["--task", ""], "", "exercises"),
    (["one", "two"], "", "Got unexpected extra argument"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refused")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def every(place):
    """Return all command lines, with what stdin gives and what is said."""
    there = f"{place}/"
    files = [([*line.replace("@", there).split(), "--file", f"{there}prompt.py"], "", said) for line, said in REFUSED]
    requests = [([each.replace("@", there) for each in given], stdin, said) for given, stdin, said in REQUESTS]
    return [(["solve", "--sandbox", "process", *given], stdin, said) for given, stdin, said in [*files, *requests]]


@pytest.mark.parametrize(
    "number", range(len(REFUSED) + len(REQUESTS)), ids=[*(line for line, _ in REFUSED), *map(str, REQUESTS)]
)
def test_a_wrong_request_is_code_2_and_one_sentence(place, number):
    arguments, stdin, said = every(place)[number]
    ended = CliRunner().invoke(app, arguments, input=stdin)
    assert ended.exit_code == 2, ended.output
    assert ended.stdout == "" or ("--json" in arguments and json.loads(ended.stdout)["exit_code"] == 2)
    assert said in ended.stderr
    assert ended.stderr.startswith("dubito: ") and ended.stderr.count("\n") == 1, ended.stderr


def test_nothing_heavy_is_imported_to_refuse(place, tmp_path):
    code = (
        "import functools, json, sys, typer.testing; from agent.cli.app import app\n"
        "typer.testing._get_command = functools.cache(typer.testing._get_command)\n"
        "for arguments, stdin, _ in json.load(open(sys.argv[1])):\n"
        "    ended = typer.testing.CliRunner().invoke(app, arguments, input=stdin)\n"
        f"    heavy = sorted({HEAVY} & set(sys.modules))\n"
        "    assert (ended.exit_code, heavy) == (2, []), (arguments, heavy, ended.output)\n"
    )
    (tmp_path / "lines.json").write_text(json.dumps(every(place)))
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lines.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_choices_are_the_registries():
    import torch

    from agent.decoding import POLICIES
    from uncertainty.scores import SCORES
    from uncertainty.thresholds import RECIPES

    paused = {
        name: policy.gate.score if policy.gate.threshold < float("inf") else None for name, policy in POLICIES.items()
    }
    assert paused == choices.POLICY_SCORES
    assert tuple(SCORES) == choices.SCORE_NAMES and tuple(RECIPES) == choices.RECIPE_NAMES
    with pytest.raises(RuntimeError) as refused:
        torch.device("gpu")
    assert f"one of {', '.join(choices.DEVICE_TYPES)} device type" in str(refused.value)
