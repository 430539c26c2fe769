"""Teacher forcing measures what decoding would have measured, and `calibrate threshold` learns from it."""

import json
from dataclasses import replace

import pytest
from text_model import byte_model
from typer.testing import CliRunner

from agent import profile
from agent.cli.app import app
from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.profile import find_profile
from benchmarks.base import Problem
from benchmarks.exercises import make_problem
from benchmarks.experiments.teacher_forcing import (
    MEASURED,
    encode_solution,
    find_head,
    force_solutions,
    rank_by_scores,
    write_before_solution,
)
from uncertainty.thresholds import threshold_point

PROBLEMS = [make_problem(f"exercises/calibration/{number}") for number in range(2)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def calibrate(*arguments):
    return CliRunner().invoke(app, ["calibrate", "threshold", *map(str, arguments)])


def test_scores_and_ranks_are_those_of_the_distributions_before_each_token():
    model = byte_model()
    (seen,) = force_solutions(model, PROBLEMS[:1])
    ids, starts = model.tokenizer.encode_with_offsets(PROBLEMS[0].reference_program)
    first = next(at for at, start in enumerate(starts) if start >= len(PROBLEMS[0].prompt))
    assert len(seen.ranks) == len(ids) - first and {len(each) for each in seen.scores.values()} == {len(seen.ranks)}
    for number in (0, 1, len(seen.ranks) - 1):
        logits = model.lm.prefill(ids[: first + number]).logits
        order = logits.argsort(descending=True, stable=True).tolist()
        assert seen.ranks[number] == 1 + order.index(ids[first + number])
        for name, score in MEASURED.items():
            assert seen.scores[name][number] == pytest.approx(score(logits), abs=1e-5)


def test_one_forward_a_problem():
    model = byte_model()
    found = rank_by_scores(force_solutions(model, PROBLEMS))["entropy"]
    assert model.lm.forwards == 2 and set(found.tasks.tolist()) == {0, 1}


def test_a_problem_that_does_not_fit_is_passed_over_and_none_is_an_error():
    model = byte_model()
    long = replace(PROBLEMS[0], canonical_solution="\n    return 0  # " + "x" * 5000 + "\n")
    assert [each.task_id for each in force_solutions(model, [long, PROBLEMS[1]])] == [PROBLEMS[1].task_id]
    with pytest.raises(InvalidRequestError, match="no tokens to learn from"):
        rank_by_scores(force_solutions(model, [long]))


@pytest.mark.model
def test_the_command_reports_every_score_and_writes_what_runs_then_find(folder):
    result = calibrate("--limit", 4)
    assert result.exit_code == 0 and all(f"\n{name} " in result.stdout for name in MEASURED)
    assert not list(folder.rglob("*.json")), "no recipe is chosen silently"
    done = calibrate("--limit", 4, "--recipe", "budget=0.05")
    (file,) = folder.rglob("*.json")
    written = json.loads(file.read_text())
    assert done.exit_code == 0 and str(file) in done.stdout
    learned = written["thresholds"]["entropy"]
    assert (written["model"], learned["tasks"]) == ("models/tiny", 4)
    assert find_profile("models/tiny").threshold("entropy") == learned["threshold"]
    assert all(each["paused"] <= 0.3 for each in learned["curve"])


def table(path, **columns):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), path)
    return path


def test_a_table_of_others_is_learned_from(folder):
    scores = [0.1 * number for number in range(200)]
    file = table(folder / "t.parquet", Entropy=scores, Rank=[1 + (number > 150) for number in range(200)])
    done = calibrate("--from", file, "--recipe", "youden", "--out", folder / "t.json", "--model", "me/model")
    assert done.exit_code == 0
    learned = profile.load_profile(folder / "t.json")
    calibration = learned.thresholds["entropy"]
    assert (learned.model, learned.weights, calibration.tokens) == ("me/model", "", 200)
    assert calibration.threshold == pytest.approx(15.1) and calibration.auroc == {"entropy": 1.0}


TABLES = {
    "empty": {"Entropy": [], "Rank": []},
    "nan": {"Entropy": [1.0, float("nan")], "Rank": [1, 2]},
    "half": {"Entropy": [1.0], "Rank": [1.5]},
    "missing": {"Entropy": [1.0], "Rank": [None]},
    "nested": {"Entropy": [{"a": 1}], "Rank": [1]},
    "other": {"Surprise": [1.0]},
    "good": {"Entropy": [1.0], "Rank": [1]},
}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "empty"), "there are no tokens to learn from"),
        (("--from", "nan"), "score 1 is nan; wanted finite numbers"),
        (("--from", "half"), "no whole number"),
        (("--from", "missing"), "no whole number"),
        (("--from", "nested"), "wanted a parquet file"),
        (("--from", "other"), "Entropy"),
        (("--from", "text"), "wanted a parquet file with columns Entropy (nats) and Rank"),
        (("--from", "none"), "there is no file"),
        (("--from", "good", "--recipe", "youden"), "name the model with --model"),
        (("--from", "good", "--recipe", "youden", "--model", "m"), "no token is misranked"),
        (("--from", "good", "--recipe", "youden", "--model", "m", "--out", "."), "is a folder"),
        (("--from", "good", "--score", "margin"), "choose from entropy, which is all that a table holds"),
        (("--score", "mood"), "choose from entropy, top-entropy"),
        (("--recipe", "best"), "unknown recipe 'best'; choose from adadec, youden, expected, budget=R"),
        (("--recipe", "budget=5"), "wanted a share of the tokens"),
        (("--problems", "sums"), "sums"),
    ],
)
def test_bad_input_gets_one_sentence(folder, monkeypatch, arguments, sentence):
    monkeypatch.chdir(folder)
    for name, columns in TABLES.items():
        table(folder / name, **columns)
    (folder / "text").write_text("no parquet")
    result = calibrate(*arguments)
    assert result.exit_code == 2 and sentence in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not list(folder.rglob("*.json"))


def test_a_threshold_is_what_its_point_says():
    found = rank_by_scores(force_solutions(byte_model(), PROBLEMS))["entropy"]
    assert threshold_point(found, float(found.scores.min())).paused == 1.0


@pytest.mark.model
def test_a_profile_keeps_what_every_recipe_gives_beside_the_chosen_one(folder):
    assert calibrate("--limit", 4, "--recipe", "budget=0.07", "--out", folder / "t.json").exit_code == 0
    learned = profile.load_profile(folder / "t.json").thresholds["entropy"]
    assert learned.recipes["budget=0.07"] == learned.threshold and {"adadec", "youden"} < learned.recipes.keys()


@pytest.mark.oracle
@pytest.mark.parametrize("begins", [False, True], ids=["as it is", "with a token that begins each text"])
def test_what_the_authors_learn_from_is_the_same_but_for_a_token_before_the_solution(tmp_path, begins):
    generator = pytest.importorskip("adadec.generator", reason="needs adadec (pip install 'dubito[dev]')")
    import pandas
    from tokenizers.processors import TemplateProcessing

    model, problem = byte_model(), PROBLEMS[0]
    tokenizer = model.tokenizer.tokenizer
    if begins:
        template = TemplateProcessing(single="<end> $A", special_tokens=[("<end>", 0)])
        tokenizer.backend_tokenizer.post_processor = template
    authors, file = generator.Generator(model.lm.model, tokenizer, "m"), tmp_path / "t.parquet"
    authors.generate_base_on_ground_truth(problem.prompt, problem.canonical_solution, file)
    theirs, (ours,) = pandas.read_parquet(file), force_solutions(model, [problem])
    assert len(theirs) - len(ours.ranks) == begins
    if not begins:
        assert theirs["Rank"].tolist() == ours.ranks
        assert theirs["Entropy"].tolist() == pytest.approx(ours.scores["entropy"], abs=1e-6)


SOLUTION = Problem("t/0", 'import re\n\n\ndef f(x):\n    """Double."""\n', "f", "\n    return 2 * x\n", (), ())
HEAD = "import re\n\n\ndef f(x):\n"


@pytest.mark.parametrize(
    ("opening", "before"),
    [
        ("", f"```python\n{HEAD}"),
        ("Sure:\n```python\n", HEAD),
        ("```python\nimport re\n", "\n\ndef f(x):\n"),
        ("```python\nimport re\n\n\ndef f(x):", "\n"),
        ('```python\nimport re\n\n\ndef f(x):\n    """Double."""\n', ""),
        ('```python\nimport re\n\n\ndef f(x):\n    """Double."""', "\n"),
    ],
    ids=["nothing", "a fence", "an import", "the signature", "the prompt", "the prompt without its end"],
)
def test_a_chat_answer_holds_what_its_beginning_lacks_before_the_solution(opening, before):
    assert write_before_solution(SOLUTION, opening) == before


@pytest.mark.parametrize(
    ("prompt", "head"),
    [
        (SOLUTION.prompt, HEAD.rstrip()),
        (f'{HEAD}    """Do it.\n\n    >>> f("")\n    \'\'\n    """\n', HEAD.rstrip()),
        (HEAD, HEAD.rstrip()),
        (f"{HEAD}    return 2 * x\n\n\ndef g(x):\n", f"{HEAD}    return 2 * x\n\n\ndef g(x):"),
        ('def f(x): "Add é"', "def f(x):"),
        ("def f(x", "def f(x"),
        ('class Stack:\n    """A stack."""\n\n    def push(self, x):\n        """Add x."""\n', "class Stack:"),
        ('"""Write a function.\nassert f(1) == 2\n"""\n', ""),
        ("import re", ""),
    ],
)
def test_the_head_of_a_prompt_ends_before_its_docstring(prompt, head):
    assert find_head(prompt) == head


def test_a_prompt_without_a_signature_has_its_solution_right_behind_the_fence():
    sentence = '"""Double it.\nassert f(2) == 4\n"""\n'
    text = replace(SOLUTION, prompt=sentence, canonical_solution="def f(x):\n    return 2 * x")
    assert [write_before_solution(text, opening) for opening in ("", "```python\n")] == ["```python\n", ""]


def test_a_chat_solution_is_forced_behind_the_prompt_that_decoding_uses(tmp_path):
    from agent.program.styles import PROMPT_STYLES
    from agent.program.task import read_task
    from agent.workflow.context import Context
    from agent.workflow.prepare import build_prompt
    from agent.workflow.state import AgentState

    model = byte_model()
    model.tokenizer.tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<model>"
    model = replace(model, prompt_style=PROMPT_STYLES["qwen"])
    prompt, tokens = encode_solution(model, SOLUTION)
    task = read_task(SOLUTION.prompt, entry_point="f")
    decoded = build_prompt(Context(model, POLICIES["greedy"], None), AgentState(task)).prompt.ids
    assert prompt[: len(decoded)] == list(decoded)
    assert bytes_of(model, prompt[len(decoded) :]) == HEAD and bytes_of(model, tokens) == "    return 2 * x\n"


def bytes_of(model, ids):
    return model.tokenizer.tokenizer.decode(ids)
