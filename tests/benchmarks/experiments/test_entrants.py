"""Contestants by name, alone and side by side; what cannot be run gets its sentence."""

import pytest
from text_model import byte_model
from typer.testing import CliRunner

from agent.errors import InvalidRequestError
from agent.search.budget import Budget
from agent.strategies import TreeSearch
from benchmarks.experiments.entrants import entrant, file_in, made_folder, names_in
from benchmarks.experiments.outcomes import outcomes_in


def named(name, **more):
    return entrant(name, **{"threshold": None, "budget": None, "model": "m", "problems": [], "equal": None, **more})


def test_a_budget_bounds_a_search_and_leaves_what_it_does_not_name():
    assert named("greedy-tree-20", budget="tokens=300").contestant.config.budget == Budget(programs=20, tokens=300)
    assert isinstance(named("tree-20-gap").contestant, TreeSearch)
    with pytest.raises(InvalidRequestError, match="--budget bounds searches, and best-of-5 is none"):
        named("best-of-5", budget="tokens=300")


def test_a_name_may_hold_its_threshold():
    assert named("adadec@0.25").policy.gate.threshold == 0.25
    assert named("adadec-tree-5@0.25", threshold="0.5").policy.gate.threshold == 0.25
    with pytest.raises(InvalidRequestError, match=r"adadec@x\.json came; wanted a number of nats behind the @"):
        named("adadec@x.json")
    with pytest.raises(InvalidRequestError, match="never pauses"):
        named("greedy@1")


def test_what_does_not_exist_or_lacks_its_file_is_said():
    with pytest.raises(InvalidRequestError, match="unknown contestant 'beam-4'; choose from adadec"):
        named("beam-4")
    with pytest.raises(InvalidRequestError, match="go with --equal FILE"):
        named("best-of-equal")


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InvalidRequestError, match=r"cannot make the folder .*: .*; choose another --out"):
        made_folder(tmp_path / "a")
    assert made_folder(tmp_path / "b" / "c").is_dir()
    assert file_in(made_folder(None), "greedy") is None


def test_what_cannot_go_on_side_by_side_is_said():
    assert names_in("greedy,adadec", "tokens=9") == ["greedy", "adadec"]
    assert names_in("greedy", "seconds=9") == ["greedy"]
    with pytest.raises(InvalidRequestError, match="'greedy' came twice"):
        names_in("greedy,adadec,greedy", None)
    with pytest.raises(InvalidRequestError, match="seconds cannot bound contestants side by side"):
        names_in("greedy,adadec", "tokens=9,seconds=9")


def test_contestants_side_by_side_leave_the_files_that_each_leaves_alone(tmp_path):
    from agent.cli.app import app

    model = byte_model(sharpness=8.0, context=600)
    model.lm.model.save_pretrained(tmp_path / "model")
    model.tokenizer.tokenizer.save_pretrained(tmp_path / "model")
    command = ["bench", "run", "--model", str(tmp_path / "model"), "--limit", "2", "--sandbox", "process"]
    options = ["--max-tokens", "8", "--budget", "programs=4,tokens=60"]

    def told(names, out):
        result = CliRunner().invoke(app, [*command, *options, "--policy", names, "--out", str(tmp_path / out)])
        assert result.exit_code == 0, result.output
        return result.stdout

    both = told("greedy-tree-20,tree-20-entropy", "both")
    assert "feedback=visible" in both and "tree-20-entropy" in both
    assert "solved" in told("tree-20-entropy", "alone.jsonl")
    beside, once = (outcomes_in(tmp_path / name) for name in ("both/tree-20-entropy.jsonl", "alone.jsonl"))
    assert [(o.task_id, o.program, o.tokens, o.forwards, o.token_rows) for o in beside] == [
        (o.task_id, o.program, o.tokens, o.forwards, o.token_rows) for o in once
    ]
    assert len(beside) == 2 and beside[0].attempts > 1
    again = told("greedy-tree-20,tree-20-entropy", "both")
    assert again == both, "what is there is not run again"
