"""Stories: where pauses, doubts and branches stand in each program; files of them; nothing that is hidden."""

import json
import tracemalloc
from contextlib import ExitStack, closing
from dataclasses import asdict, replace

import pytest
from results import written

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.lm import open_lm
from agent.strategies import Beam, BestOf, Once, Tree
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import RecordFile, read_run
from benchmarks.experiments.runner import run_item
from benchmarks.experiments.stories import Story, find_stories_beside, name_story_file, open_stories, read_stories
from sandbox import open_sandbox

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def context():
    with closing(open_sandbox("process")) as box:
        yield Context(open_lm("models/tiny"), POLICIES["adadec"], box, max_tokens=120)


@pytest.fixture(scope="module")
def problem():
    problem = open_benchmark("exercises").problem("exercises/1")  # the embedded model fails it, and searches
    return replace(problem, plus_inputs=(*problem.plus_inputs, ("a hidden input",)))


def story_of(problem, context, strategy):
    stories = []
    outcome = run_item(WorkItem(problem), context, strategy, stories.append)
    (story,) = stories
    assert (story.task_id, story.prompt_sha256, story.request) == (
        problem.task_id,
        outcome.prompt_sha256,
        problem.prompt,
    )
    assert story.attempts[story.best].program == outcome.program
    return story, outcome


@pytest.fixture(scope="module")
def tree(problem, context):
    return story_of(problem, context, Tree.within(4))


def test_a_pause_stands_before_the_text_that_won(tree):
    story, outcome = tree
    pauses = [(attempt, pause) for attempt in story.attempts for pause in attempt.pauses]
    assert len(pauses) == outcome.pauses >= 5
    for attempt, pause in pauses:
        text = pause.candidates[pause.chosen].text
        assert attempt.answer[pause.at :][:2] == text[:2] == attempt.program[pause.place :][:2]
        assert pause.line == 1 + attempt.program[: pause.place].count("\n")


def test_a_branch_shares_the_text_of_its_parent_up_to_its_departure(tree):
    story, _ = tree
    branches = [attempt for attempt in story.attempts if attempt.edge and attempt.edge.kind == "branch"]
    assert len(branches) >= 3
    for branch in branches:
        parent, edge = story.attempts[branch.edge.parent], branch.edge
        assert branch.answer[: edge.at] == parent.answer[: edge.at] != ""
        assert branch.answer[edge.at :][:2] == edge.text[:2] != parent.answer[edge.at :][:2]


def test_doubts_and_holes_are_parts_of_the_program_with_their_surprisal(tree):
    story, _ = tree
    for attempt in story.attempts:
        for span in (*attempt.doubts, *attempt.holes):
            assert 0 <= span.start < span.end <= len(attempt.program)
        for hole in attempt.holes:
            inside = [span for span in attempt.doubts if hole.start <= span.start < hole.end]
            assert sum(span.surprisal for span in inside) <= hole.surprisal + 1e-2
        assert sum(span.surprisal for span in attempt.doubts) <= attempt.surprisal + 1e-2
    assert any(attempt.holes for attempt in story.attempts) and any(attempt.doubts for attempt in story.attempts)


def test_a_story_has_the_failures_on_visible_examples_and_nothing_of_hidden_tests(tree, problem):
    story, outcome = tree
    text = json.dumps(asdict(story))
    assert outcome.base == "failed" and "inspect_step('aaaaybbbyyy') returned" in text
    assert "a hidden input" not in text and problem.canonical_solution not in text


@pytest.mark.parametrize(
    "strategy", [Once(), Beam(3, choose_by_examples=True), BestOf.within(3)], ids=["once", "beam", "best"]
)
def test_every_strategy_tells_each_program_with_its_answer(problem, context, strategy):
    policies = {Beam: "greedy", BestOf: "sample"}
    policy = POLICIES[policies.get(type(strategy), "adadec")]
    story, outcome = story_of(problem, replace(context, policy=policy), strategy)
    assert len(story.attempts) == outcome.attempts
    assert all(attempt.program.endswith(attempt.answer) for attempt in story.attempts)
    assert sum(len(attempt.pauses) for attempt in story.attempts) == outcome.pauses


def test_a_file_has_each_story_once_and_gives_it_back(tree, tmp_path):
    story, _ = tree
    path = name_story_file(tmp_path / "adadec-tree.jsonl")
    assert path.name == "adadec-tree.stories.jsonl"
    for stories in ([story], [story, replace(story, sample=1)]):  # the second time as after a kill
        with closing(RecordFile(path, Story, {"policy": "adadec"})) as file:
            for each in stories:
                file.append(each)
    run = read_stories(path)
    assert (run.records, run.options) == ([story, replace(story, sample=1)], {"policy": "adadec"})


def test_stories_lie_beside_the_file_of_outcomes_and_not_beside_a_link_to_it(tree, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    link = tmp_path / "here" / "a.jsonl"
    link.symlink_to(tmp_path / "there" / "b.jsonl")
    with ExitStack() as cleanup:
        open_stories(link, {}, cleanup).append(tree[0])
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["b.stories.jsonl"]
    assert name_story_file(link) == name_story_file(link.readlink())


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("best", 99, "best is 99, and there are"),
        ("label", 7, "label is 7"),
        ("pauses", [{"at": 0}], "it has no candidates"),
        ("edge", {"kind": "branch", "parent": 9, "at": 0, "line": 0, "text": ""}, "which is no earlier one"),
    ],
)
def test_a_story_that_is_none_is_refused(tree, tmp_path, field, value, sentence):
    line = {"kind": "story", **asdict(tree[0])}
    (line if field in line else line["attempts"][0])[field] = value
    path = tmp_path / "bad.stories.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(InvalidRequestError, match="line 1: this is no sound story: ") as error:
        read_stories(path)
    assert sentence in str(error.value)


def test_stories_beside_outcomes_are_read_when_they_are_asked_for(tree, tmp_path):
    _, outcome = tree
    story = replace(tree[0], request="x" * 2**19)
    keys = [f"exercises/{number}" for number in range(40)]
    written(tmp_path / "a.jsonl", *(replace(outcome, task_id=key) for key in keys))
    written(tmp_path / "a.stories.jsonl", *(replace(story, task_id=key) for key in reversed(keys)))
    run = read_run(tmp_path / "a.jsonl", ProblemOutcome)
    tracemalloc.start()
    stories = find_stories_beside(tmp_path / "a.jsonl", run)
    assert [stories[each].task_id for each in stories] == keys[::-1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**19, peak
    assert stories.get(("exercises/40", 0)) is None
