"""The workflow: the same tokens as the loop, a state without tensors or hidden tests, runs that survive a kill."""

import json
import math
import os
import signal
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from fakes import ScriptedSandbox
from text_model import byte_model
from trie import PLAIN_CHAT, TrieLM

import agent.workflow.decode
from agent.cli.inputs import build_task
from agent.decoding import POLICIES, Gate, Step, decode
from agent.decoding.ask import Ask
from agent.decoding.prompt_lookup import PromptLookup
from agent.decoding.step import Completion
from agent.errors import FileAccessError, InvalidRequestError, ModelLoadError
from agent.program.ends import CUT_OFF, End
from agent.program.examples.read import visible_examples
from agent.program.failures import Failure, FailureKind
from agent.program.task import Task, read_task
from agent.records import Answer, Attempt, Event, Revision, Unfinished
from agent.search.budget import Budget
from agent.search.draws import leaves_parent
from agent.search.frontier import SearchConfig
from agent.strategies import Adaptive
from agent.trace import TraceWriter, read_trace
from agent.workflow import repair
from agent.workflow.checkpoints import RecordSerializer
from agent.workflow.context import Context
from agent.workflow.decode import decode_context
from agent.workflow.graph import build, invoke
from agent.workflow.run import run_task
from agent.workflow.state import AgentState
from agent.workflow.threads import open_memory_store, open_threads
from agent.workflow.traced_prompts import TracedPrompts
from benchmarks.cli import read_problem
from sandbox import open_sandbox
from sandbox.base import Verdict

REQUEST = 'def f(x: int) -> int:\n    """Add one.\n\n    >>> f(1)\n    2\n    >>> f(1 + 0)\n    2\n    """'
TASK = Task(REQUEST, tuple(visible_examples(REQUEST)), "f", "a test")


@pytest.fixture(scope="module")
def model():
    return byte_model(sharpness=8.0)


def doubtful(name: str, threshold: float = 1.2):
    policy = POLICIES[name]
    gate = Gate("entropy", threshold) if policy.gate.threshold < float("inf") else policy.gate
    return replace(policy, gate=gate)


def programs(most: int, **options) -> SearchConfig:
    return SearchConfig(Budget(programs=most), **options)


def repairs(most: int) -> SearchConfig:
    return programs(most, branches=False, repair_after=1)


def context(model, policy, *, sandbox=None, **options) -> Context:
    return Context(model, policy, sandbox or ScriptedSandbox(value=2), **{"max_tokens": 24, **options})


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_graph_run_equals_loop_run_token_for_token(model, name):
    policy = doubtful(name)
    around = context(model, policy)
    events = []
    final = invoke(build(), replace(around, emit=events.append), AgentState(TASK, programs(1)))
    state = replace(final, current=Unfinished(), attempts=())
    place = decode_context(around, state)
    expected = list(
        decode(model.lm, place.prompt_ids, policy, stop=place.stop, lame_ids=place.lame_ids,
               text=model.tokenizer.stream(place.prompt_ids), in_code=place.in_code,
               write_traced_prompt=TracedPrompts(around, state))
    )  # fmt: skip
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.token for step in steps] == [step.token for step in expected]
    assert "".join(step.text for step in steps) == "".join(step.text for step in expected)
    assert [bool(step.pause) for step in steps] == [bool(step.pause) for step in expected]
    assert any(step.pause for step in steps) == math.isfinite(policy.gate.threshold), (
        "the threshold should make this model pause"
    )


def test_a_passing_program_is_accepted_at_once(model):
    result = run_task(context(model, doubtful("adadec")), TASK)
    assert (result.outcome, len(result.attempts), result.cost.sandbox_runs) == ("accepted", 1, 1)


def test_a_program_cut_off_by_the_budget_is_accepted_only_if_examples_say_so(model):
    unchecked = replace(TASK, examples=())
    cut = run_task(context(model, doubtful("greedy"), max_tokens=3), unchecked, config=programs(1))
    assert cut.best.failures == (Failure(FailureKind.CUT_OFF, got="token budget"),)
    assert cut.outcome == "abstained"
    assert run_task(context(model, doubtful("greedy"), max_tokens=3), TASK, config=programs(1)).outcome == "accepted"


@pytest.mark.parametrize("task", [TASK, replace(TASK, examples=())], ids=["examples", "no examples"])
def test_what_the_budget_cut_off_is_said_to_be_cut_off_before_it_is_said_to_be_no_python(model, task):
    unparsed = ScriptedSandbox(lambda program: Verdict.SYNTAX_ERROR)
    cut = run_task(context(model, doubtful("greedy"), sandbox=unparsed, max_tokens=3), task, config=programs(1))
    first, second = cut.best.failures
    assert first == Failure(FailureKind.CUT_OFF, got="token budget") and second.kind == FailureKind.SYNTAX_ERROR
    assert (cut.best.verdict, cut.best.checked) == (Verdict.SYNTAX_ERROR, 0)
    raising = ScriptedSandbox(lambda program: Verdict.FAILED)
    ran = run_task(context(model, doubtful("greedy"), sandbox=raising, max_tokens=3), task, config=programs(1))
    assert ran.best.end in CUT_OFF and ran.best.failures[0].kind == FailureKind.FAILED, "it was whole enough to run"


def test_failed_programs_lead_to_branches_then_an_abstention(model):
    events = []
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    result = run_task(
        context(model, doubtful("adadec"), sandbox=failing), TASK, config=programs(4), on_event=events.append
    )
    assert [event.kind for event in events if isinstance(event, Revision)] == ["branch"] * 3
    assert (result.outcome, len(result.attempts), len(failing.programs)) == ("abstained", 4, 4)
    completions = [(attempt.prompt, tuple(attempt.tokens)) for attempt in result.attempts]
    assert len(set(completions)) == 4, "no completion is decoded twice"


def test_a_branch_decodes_only_its_own_tail(model):
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    events = []
    result = run_task(
        context(model, doubtful("adadec"), sandbox=failing), TASK, config=programs(2), on_event=events.append
    )
    first, second = result.attempts
    shared = next(i for i, (a, b) in enumerate(zip(first.tokens, second.tokens, strict=False)) if a != b)
    assert any(fork.position == shared for fork in first.forks)
    assert result.cost.tokens == len(first.tokens) + len(second.tokens) - shared
    assert second.cost.tokens == len(second.tokens) - shared


def test_a_repair_prompt_shows_the_program_and_its_failure(model):
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    final = invoke(build(), context(model, doubtful("greedy"), sandbox=failing), AgentState(TASK, repairs(2)))
    prompt = final.prompts[1].text
    assert final.attempts[0].program.strip() in prompt
    assert "# the program failed: NameError: name 'x' is not defined" in prompt
    assert final.prompts[1].opening == REQUEST


def test_a_repair_prompt_that_the_model_cannot_read_costs_nothing_and_ends_no_run():
    failing, events = ScriptedSandbox(lambda program: Verdict.FAILED), []
    around = context(byte_model(sharpness=8.0, context=200), doubtful("greedy"), sandbox=failing)
    result = run_task(around, TASK, config=repairs(3), on_event=events.append)
    first, second = result.attempts
    assert (result.outcome, second.duplicate_of, second.tokens, second.forks) == ("abstained", 0, first.tokens, ())
    assert result.cost.tokens == len(first.tokens) and len(failing.programs) == 1
    (revision,) = [event for event in events if isinstance(event, Revision)]
    assert revision.detail.startswith("program 1 cannot be repaired: the prompt has ")


def parroting(monkeypatch, place):
    """Make the model repeat what it has read, and doubt it most `place` tokens before the end, where 65 comes next."""

    def logits_before(lm, prompt, tokens):
        lm.forwards += 1
        logits = torch.zeros(len(tokens), 257)
        logits[range(len(tokens)), tokens] = 9.0
        logits[-place, 65] = 8.0
        return logits

    monkeypatch.setattr(repair, "logits_before", logits_before)


def test_a_repair_that_would_repeat_the_failed_program_leaves_it_where_it_is_doubted_most(model, monkeypatch):
    parroting(monkeypatch, place=10)
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    start, events = model.lm.forwards, []
    around = context(model, doubtful("greedy"), sandbox=failing, max_tokens=30)
    result = run_task(around, TASK, config=repairs(2), on_event=events.append)
    first, second = result.attempts
    left = next(i for i, (a, b) in enumerate(zip(first.tokens, second.tokens, strict=False)) if a != b)
    assert second.tokens[left] == 65 and left <= len(first.tokens) - 10
    assert second.prompt == 1 and len(second.logprobs) == len(second.tokens)
    assert result.cost.forwards == model.lm.forwards - start
    assert result.cost.tokens == len(first.tokens) + len(second.tokens) - left
    (revision,) = [event for event in events if isinstance(event, Revision)]
    assert revision.kind == "repair" and revision.text and second.program != first.program


def test_a_repair_that_differs_by_itself_is_decoded_from_its_start_and_every_forward_is_counted(model):
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    start = model.lm.forwards
    result = run_task(context(model, doubtful("greedy"), sandbox=failing), TASK, config=repairs(2))
    assert result.cost.tokens == sum(len(attempt.tokens) for attempt in result.attempts)
    assert result.cost.forwards == model.lm.forwards - start


def test_a_repair_is_drafted_and_says_the_same_as_one_that_is_not(model, monkeypatch):
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)

    def programs():
        around = context(model, doubtful("adadec"), sandbox=failing, max_tokens=60)
        result = run_task(around, TASK, config=repairs(2))
        return [(attempt.prompt, attempt.tokens, attempt.forks) for attempt in result.attempts]

    asked = []
    monkeypatch.setattr(PromptLookup, "__call__", lambda self, ids: asked.append(ids) or ids[-40:-36])
    drafted = programs()
    assert asked and drafted[-1][0] == 1, "the last attempt answers the repair prompt"
    monkeypatch.setattr(agent.workflow.decode, "PromptLookup", lambda: None)
    plain = programs()
    assert [(prompt, tokens) for prompt, tokens, _ in drafted] == [(prompt, tokens) for prompt, tokens, _ in plain]
    assert [len(forks) for *_, forks in drafted] == [len(forks) for *_, forks in plain]


def test_a_fresh_sample_draws_also_where_the_policy_would_pause():
    box, events = open_sandbox("process"), list[Event]()
    texts = {f"\n    return x - {number}": 0.2 for number in range(1, 6)}
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", 0.5))
    context = Context(TrieLM(texts).model(), policy, box, emit=events.append)
    task = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(2)\n    3\n    """', entry_point="f")
    result = Adaptive.within(5, branches=False, repair_after=0)(context, task)
    box.close()
    parts = [[]]
    for event in events:
        if isinstance(event, Step):
            parts[-1].append(event.pause is not None)
        elif isinstance(event, Attempt):
            parts.append([])
    assert any(parts[0]), "the first program pauses"
    assert len(result.attempts) > 3 and not any(map(any, parts[1:]))
    assert len({each.program for each in result.attempts}) == len(result.attempts), "nothing is drawn twice"
    tokens = [each.cost.tokens for each in result.attempts]
    assert tokens[0] > 10 and set(tokens[1:]) == {2}, "a sample writes the other digit, and the end"
    assert all(
        leaves_parent(each.edge) and each.tokens[:-2] == result.attempts[0].tokens[:-2] for each in result.attempts[1:]
    )


def test_a_fresh_sample_may_end_with_the_token_by_which_it_leaves():
    known = {"\n    return x + 12": 0.6, "\n    return x + 1": 0.4}
    task = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(2)\n    3\n    """', entry_point="f")
    with closing(open_sandbox("process")) as box:
        context = Context(TrieLM(known).model(), POLICIES["greedy"], box)
        result = Adaptive.within(2, branches=False, repair_after=0)(context, task)
    assert result.outcome == "accepted" and result.best.tokens[-1] == 0, "the token that ends a text"
    assert (result.best.tokens.count(0), result.best.cost.tokens) == (1, 1), "nothing was decoded"


def test_a_fresh_sample_that_only_rewords_is_dropped_at_the_end_of_its_first_line():
    known = {"\n    y = x + 2\n    return y": 0.6, "\n    z = x + 2\n    return z": 0.3, "\n    return x + 1": 0.1}
    task = read_task('def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(2)\n    3\n    """', entry_point="f")
    with closing(open_sandbox("process")) as box:
        context = Context(TrieLM(known).model(), POLICIES["greedy"], box, seed=3)
        result = Adaptive.within(3, branches=False, repair_after=0)(context, task)
    ends = {each.program.splitlines()[-1].strip(): each.end for each in result.attempts[1:]}
    assert ends.pop("z = x + 2") == End.DUPLICATE and list(ends) == ["return x + 1"]
    assert [each.ran for each in result.attempts] == [True, False, True], "the dropped one is no program of the budget"


def test_every_state_is_plain_json_and_small(model):
    graph = build(open_memory_store())
    invoke(graph, context(model, doubtful("adadec")), AgentState(TASK), thread="t")
    for snapshot in graph.get_state_history({"configurable": {"thread_id": "t"}}):
        form, text = RecordSerializer().dumps_typed(snapshot.values)
        assert form == "dubito" and len(text) < 60_000
        assert json.loads(text).keys() == snapshot.values.keys()


def serialized(value) -> str:
    return RecordSerializer().dumps_typed(value)[1].decode()


def test_hidden_tests_never_enter_the_state(model):
    problem = read_problem("exercises/3")
    wanted = build_task(problem.prompt, None, None, entry_point=problem.entry_point)
    graph = build(open_memory_store())
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    invoke(graph, context(model, doubtful("adadec"), sandbox=failing), AgentState(wanted, programs(2)), thread="t")
    states = serialized([s.values for s in graph.get_state_history({"configurable": {"thread_id": "t"}})])
    hidden = [repr(arguments) for arguments in problem.plus_inputs if repr(arguments[0]) not in problem.prompt]
    assert len(hidden) > 10
    assert problem.canonical_solution.strip() not in states
    seen = [
        text
        for text in (*failing.programs, states)
        for arguments in hidden
        if len(arguments) > 12 and arguments in text
    ]
    assert seen == []


def test_a_person_chooses_a_candidate_or_writes_text(model):
    asked = []

    def answer(question):
        asked.append(question)
        return 1 if len(asked) == 1 else "ab"

    policy = replace(doubtful("adadec"), resolver=Ask())
    result = run_task(
        context(model, policy, max_tokens=12), TASK, checkpointer=open_memory_store(), thread="t", person=answer
    )
    steps = [step for step in result.steps if step.pause]
    first, second = (result.steps.index(step) for step in steps[:2])
    tokens = result.attempts[0].tokens
    assert tokens[first] == asked[0].candidates[1].token
    assert list(tokens[second : second + 2]) == model.tokenizer.encode("ab")


def test_each_forward_before_and_behind_a_question_is_counted_and_done_once(model):
    policy, before = replace(doubtful("adadec"), resolver=Ask()), model.lm.forwards
    result = run_task(
        context(model, policy, max_tokens=12), TASK, checkpointer=open_memory_store(), thread="t", person=lambda _: 0
    )
    assert result.cost.forwards == model.lm.forwards - before
    assert sum(step.pause.forwards for step in result.steps if step.pause) > 0


def test_a_question_that_nobody_answers_is_an_error_and_no_hang(model):
    policy = replace(doubtful("adadec"), resolver=Ask())
    with pytest.raises(ValueError, match="nobody is there"):
        run_task(context(model, policy), TASK, checkpointer=open_memory_store(), thread="t")


def test_a_finished_thread_is_replayed_without_a_forward(model):
    saver = open_memory_store()
    first = run_task(context(model, doubtful("adadec")), TASK, checkpointer=saver, thread="t", identity={"model": "m"})
    forwards = model.lm.forwards
    again = run_task(context(model, doubtful("adadec")), TASK, checkpointer=saver, thread="t", identity={"model": "m"})
    assert (again.best, again.outcome, model.lm.forwards) == (first.best, first.outcome, forwards)


def test_a_thread_of_another_task_or_model_is_refused(model):
    saver = open_memory_store()
    run_task(context(model, doubtful("greedy")), TASK, checkpointer=saver, thread="t", identity={"model": "m"})
    with pytest.raises(InvalidRequestError, match="begun with another task"):
        run_task(
            context(model, doubtful("greedy")),
            replace(TASK, request="x"),
            checkpointer=saver,
            thread="t",
            identity={"model": "m"},
        )
    with pytest.raises(InvalidRequestError, match="begun with another model"):
        run_task(context(model, doubtful("greedy")), TASK, checkpointer=saver, thread="t", identity={"model": "n"})


def run_forked(work: Callable[[], None]) -> int:
    """Run work in a process of its own and return how it ended; a new interpreter would import for ten seconds."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    signal.alarm(60)  # a child that hangs ends by itself, with a code that no assertion wants
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def test_a_run_killed_at_pauses_and_resumed_in_new_processes_ends_in_the_same_programs_with_no_step_twice(tmp_path):
    def go(kill_at: int | None, folder: Path) -> None:
        pauses = 0

        def on_event(event):
            nonlocal pauses
            pauses += isinstance(event, Step) and event.pause is not None
            if pauses == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        failing = ScriptedSandbox(lambda program: Verdict.FAILED)
        with open_threads(folder) as saver:
            doing = context(byte_model(sharpness=8.0), doubtful("adadec"), sandbox=failing)
            result = run_task(doing, TASK, config=programs(3), checkpointer=saver, thread="t", on_event=on_event)
        summary = {"programs": [attempt.tokens for attempt in result.attempts], "steps": len(result.steps)}
        (folder / "summary.json").write_text(json.dumps(summary))

    # Inside the node that settles a pause, then again in a run that was resumed, then left alone.
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert [run_forked(partial(go, at, killed)) for at in (2, 3, None)] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert run_forked(partial(go, None, whole)) == 0
    last, expected = (json.loads((folder / "summary.json").read_text()) for folder in (killed, whole))
    assert last["programs"] == expected["programs"]
    assert last["steps"] < expected["steps"], "a resumed run does not start over"


def test_a_search_killed_while_it_verifies_revises_and_accepts_grows_the_same_tree(tmp_path):
    request = 'def f(x: int) -> int:\n    """Add one."""'
    known = {
        "\n    return x - 1": 0.4, "\n    return x + 1": 0.3, "\n    return 1 + x": 0.2, "\n    return x": 0.06,
        "\n    return x * 2": 0.04,
    }  # fmt: skip

    def go(kind: type, kill_at: int | None, folder: Path) -> None:
        seen = 0

        def on_event(event):
            nonlocal seen
            seen += isinstance(event, kind)
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        box = open_sandbox("process")
        with open_threads(folder) as saver, closing(box):
            doing = Context(TrieLM(known).model(), POLICIES["greedy"], box)
            task = build_task(request, None, None)
            result = run_task(
                doing, task, config=programs(9, order="blame"), checkpointer=saver, thread="t", on_event=on_event
            )
        summary = [{**asdict(attempt), "cost": attempt.cost.tokens} for attempt in result.attempts]
        (folder / "summary.json").write_text(json.dumps([summary, asdict(result.answer), result.cost.tokens]))

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    ways = [(Attempt, 2), (Revision, 2), (Attempt, 1), (Revision, 1), (Answer, 1), (Attempt, None)]
    assert [run_forked(partial(go, *way, killed)) for way in ways] == [-signal.SIGKILL] * 5 + [0]
    assert run_forked(partial(go, Attempt, None, whole)) == 0
    last, expected = (json.loads((folder / "summary.json").read_text()) for folder in (killed, whole))
    assert last == expected
    assert len(expected[0]) == 5 and expected[1]["clusters"] > 1


def test_a_trace_holds_each_event_once_however_often_its_run_was_killed_and_replayed(tmp_path):
    def go(kill_at: int | None, folder: Path) -> None:
        heard = 0

        def on_event(event):
            nonlocal heard
            heard += 1
            if heard == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        failing = ScriptedSandbox(lambda program: Verdict.FAILED)
        with (
            open_threads(folder) as saver,
            closing(TraceWriter(folder / "t.jsonl", {"thread": "t"}, resume=True)) as trace,
        ):
            doing = context(byte_model(sharpness=8.0), doubtful("adadec"), sandbox=failing)
            config = programs(2)
            run_task(doing, TASK, config=config, checkpointer=saver, thread="t", on_event=on_event, log=trace.log)

    def events(folder: Path) -> list[tuple]:
        names = ("event", "kind", "token", "tokens", "program", "detail")
        return [tuple(map(line.get, names)) for line in read_trace(folder / "t.jsonl") if "event" in line]

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
    assert [run_forked(partial(go, at, killed)) for at in (3, 9, None, None)] == [-signal.SIGKILL] * 2 + [0, 0]
    assert run_forked(partial(go, None, whole)) == 0
    assert events(killed) == events(whole)
    assert [number for number, *_ in events(whole)] == list(range(1, len(events(whole)) + 1))
    with pytest.raises(FileAccessError, match="holds the run of the thread 't'; choose another name"):
        TraceWriter(killed / "t.jsonl", {"thread": "other"}, resume=True)


def test_a_chat_model_is_asked_in_turns_and_read_up_to_the_end_of_its_code_block():
    model = replace(byte_model(sharpness=8.0), prompt_style=PLAIN_CHAT)
    model.tokenizer.tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    )
    final = invoke(build(), context(model, doubtful("greedy"), max_tokens=6), AgentState(TASK))
    asked = model.tokenizer.tokenizer.decode(list(final.prompts[0].ids))
    assert asked.startswith("<user>Write:\n```python")
    assert asked.endswith("```<assistant>")
    answer = model.tokenizer.encode("Here:\n```python\ndef f(x): return x + 1\n```\nThat")
    stop = decode_context(context(model, doubtful("greedy"), max_tokens=99), final).stop
    completion = Completion(stream=model.tokenizer.stream(list(final.prompts[0].ids)))
    for token in answer:
        completion = completion.append(token)
        if stop(completion):
            break
    assert (stop(completion), completion.text[-4:]) == ("end of code block", "\n```")


def test_the_compiled_graph_is_the_picture_in_the_tour():
    tour = (Path(__file__).parents[3] / "docs" / "tour.md").read_text()
    picture = tour.split("```mermaid")[1].split("```")[0]

    def edges(mermaid: str) -> list[str]:
        return sorted(line.strip() for line in mermaid.splitlines() if "->" in line)

    assert edges(picture) == edges(build().get_graph().draw_mermaid())


def test_a_sentence_with_tests_asks_for_the_function_that_they_call(tmp_path):
    (tmp_path / "tests.py").write_text("assert total([1, 2]) == 3\nassert total([]) == 0\n")
    with closing(open_sandbox("process")) as box:
        task = build_task("Return the sum.", None, tmp_path / "tests.py")
        lm = TrieLM({"xs):\n    return sum(xs)\n": 1.0})
        result = run_task(Context(lm.model(), POLICIES["adadec"], box), task, config=programs(1))
    prompt = max(("".join(map(chr, ids)) for ids in lm.prompts), key=len)
    assert "# assert total([1, 2]) == 3\n" in prompt and task.entry_point == "total"
    assert (result.outcome, result.best.program) == (
        "accepted",
        "# Return the sum.\ndef total(xs):\n    return sum(xs)\n",
    )


def test_a_repair_prompt_that_fails_for_another_reason_than_its_length_ends_the_run(model, monkeypatch):
    failing = ScriptedSandbox(lambda program: Verdict.FAILED)
    encode = type(model.tokenizer).encode

    def fails(self, text, **options):
        if "# The program above failed" in text:
            raise ModelLoadError("this model came without a tokenizer")
        return encode(self, text, **options)

    monkeypatch.setattr(type(model.tokenizer), "encode", fails)
    with pytest.raises(ModelLoadError, match="without a tokenizer"):
        run_task(context(model, doubtful("greedy"), sandbox=failing), TASK, config=repairs(3))
