"""What the nodes of the workflow do: a context and a state in, an update of the state out. The order is graph.py's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import accumulate, islice
from typing import Any, NamedTuple

from agent.decoding.context import DecodeContext, DecodeState
from agent.decoding.step import Step
from agent.errors import BudgetSpentError
from agent.files.plain import plain
from agent.program import prompts
from agent.program.ends import NO_PYTHON, PRUNED
from agent.program.examples.example import list_earlier_code
from agent.program.failures import Failure, FailureKind, failure_of
from agent.program.lame import write_lame_prompt
from agent.program.normal_form import normal_form
from agent.program.probe_inputs import generate_inputs
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, label_of, next_label
from agent.search import answer as evidence
from agent.search.frontier import ENOUGH_EXAMPLES, goes_on, settled, spent_by
from agent.search.mutants import SECONDS, mutants
from agent.search.orders import LOOKS_AT_LINES
from agent.verification.behaviour import find_function, gives_all, observe_behaviour
from agent.verification.examples import Verification, verify, verify_steadily
from agent.verification.executed_lines import trace_lines
from agent.workflow.context import (
    Context,
    attempt_record,
    attempts_of,
    begun,
    completion_of,
    config_in,
    cost_of,
    decode_context,
    metered_sandbox,
    piece_of,
    pieces_of,
    prompt_of,
    still_thinking,
    task_of,
    within,
)
from agent.workflow.state import AgentState
from sandbox.base import Verdict
from uncertainty import PartialProgram, partial_program, program_tree

Walk = Callable[[DecodeContext, DecodeState], Generator[Step, None, DecodeState]]


def opened(context: Context, state: AgentState) -> AgentState:
    """Start: the prompt's tokens, nothing generated yet."""
    task = task_of(state)
    chat, name = context.model.chats, task.entry_point
    prompt = prompt_of(context, prompts.write_prompt(task.request, chat=chat, name=name, tests=task.tests))
    lame = prompts.write_prompt(write_lame_prompt(task.request, name), chat=chat, name=name)
    prompt["lame_ids"] = context.model.encode_prompt(lame)
    resolver = context.policy.resolver.name
    return {**begun(state), "resolver": resolver, "prompts": [prompt], "prompt": 0, "attempts": [], "inputs": []}


def advanced(context: Context, state: AgentState, walk: Walk) -> AgentState:
    """Decode along `walk`: to the next pause or the end, or through one pause; never beyond the budget."""
    start, context = context.clock(), within(context, state)
    before = Cost(forwards=context.lm.forwards, token_rows=context.lm.token_rows)
    decoding = decode_context(context, state)
    steps, ended = _drained(context, decoding, state["tokens"], walk)
    spent = Cost(
        tokens=len(steps),
        forwards=context.lm.forwards - before.forwards,
        token_rows=context.lm.token_rows - before.token_rows,
        pauses=sum(step.pause is not None for step in steps),
        seconds=context.clock() - start,
    )
    begin = len(state["tokens"])
    return {
        "tokens": [*state["tokens"], *(step.token for step in steps)],
        "logprobs": [*state["logprobs"], *(step.logprob for step in steps)],
        "forks": [*state["forks"], *(_fork(begin + i, step) for i, step in enumerate(steps) if step.others)],
        "end": (steps[-1].end if steps else state["end"]) or ended,
        "cost": asdict(cost_of(state) + spent),
    }


def drafted(context: Context, state: AgentState) -> AgentState:
    """Cut the program out of what was generated, and mark what is not to be trusted as holes."""
    start = context.clock()
    pieces = pieces_of(context, state)
    text = "".join(pieces)
    part = piece_of(context, state, text)
    source, starts = part.source(text), [0, *accumulate(len(piece) for piece in pieces)][:-1]
    offsets = part.offsets(starts, len(text))
    charges = sorted(
        (offset, -logprob) for offset, logprob in zip(offsets, state["logprobs"], strict=True) if offset is not None
    )
    lines = _lines_at(source, offsets)
    partial = partial_program(source, program_tree(source, charges), tau=context.tau, max_holes=context.max_holes)
    partial = _own_words(partial, next((offset for offset in offsets if offset is not None), 0))
    return {
        "forks": [{**fork, "line": lines[fork["position"]]} for fork in state["forks"]],
        "draft": {
            "program": partial.source,
            "partial": partial.rendered(),
            "holes": [list(hole) for hole in partial.holes],
        },
        "cost": asdict(cost_of(state) + Cost(seconds=context.clock() - start)),
    }


def _own_words(partial: PartialProgram, begin: int) -> PartialProgram:
    """Leave out of the holes what stands before the first character that the model wrote: a person gave that."""
    holes = tuple((max(start, begin), end) for start, end in partial.holes if end > begin)
    return replace(partial, holes=holes)


def _lines_at(source: str, offsets: Sequence[int | None]) -> list[int]:
    """Return the line of the program, from 1, at which each token stands; outside of it, that of the token before."""
    inside = [offset for offset in offsets if offset is not None]
    breaks = [at for at, character in enumerate(source) if character == "\n"]
    lines, line = list[int](), 1 + bisect_left(breaks, inside[0] if inside else 0)
    for offset in offsets:
        line = line if offset is None else 1 + bisect_left(breaks, offset)
        lines.append(line)
    return lines


def verified(context: Context, state: AgentState) -> AgentState:
    """Run the draft on the visible examples, unless its like was run before; what passes, on other inputs too."""
    start, box = context.clock(), metered_sandbox(context, state)
    context, task, attempts, draft = replace(context, sandbox=box), task_of(state), attempts_of(state), state["draft"]
    duplicate_of = _duplicate_of(attempts, draft["program"], any_name=task.any_name)
    seen = _Seen(state["inputs"])
    if state["end"] in PRUNED:
        dropped = Verdict.SYNTAX_ERROR if state["end"] == NO_PYTHON else Verdict.FAILED
        result = Verification(dropped, 0, (Failure(FailureKind.DROPPED, got=state["end"]),))
    elif duplicate_of is not None:
        original = attempts[duplicate_of]
        result = Verification(Verdict(original.verdict), original.checked, original.failures)
        seen = _Seen(state["inputs"], original.behaviour, original.blamed)
    else:
        try:
            result = verify_steadily(context.sandbox, draft["program"], task.examples, limits=context.limits)
        except BudgetSpentError as error:
            result = Verification(Verdict.FAILED, 0, (Failure(FailureKind.NOT_RUN, got=error.args[0]),))
        with suppress(BudgetSpentError):  # what was found on the examples stands
            seen = _seen(context, state, task, draft["program"], result)
    if (state["end"] or "").endswith("budget") and result.passed and not result.checked:
        cut_off = Failure(FailureKind.CUT_OFF, got=state["end"] or "")
        result = replace(result, verdict=Verdict.FAILED, failures=(cut_off,))
    if not result.passed and still_thinking(context, state):
        result = replace(result, failures=(Failure(FailureKind.STILL_THINKING, got=state["end"] or ""),))
    # What a program said may be any text; a checkpoint and a tokenizer take what UTF-8 can write.
    failures, behaviour = tuple(failure_of(plain(failure)) for failure in result.failures), plain(seen.behaviour)
    cost = cost_of(state) + Cost(sandbox_runs=box.runs, seconds=context.clock() - start)
    attempt = Attempt(
        state["prompt"], state["tokens"], state["logprobs"], state["forks"], state["end"] or "", draft["program"],
        draft["partial"], draft["holes"], result.verdict.value, result.checked, failures, state["edge"],
        asdict(cost - Cost(**state["before"])), duplicate_of, behaviour, seen.blamed, len(attempts),
        1 + attempts[state["edge"]["parent"]].depth if state["edge"] else 0,
    )  # fmt: skip
    duplicate_label = label_of(attempts[duplicate_of]) if duplicate_of is not None else ""
    attempt = replace(attempt, label=next_label(attempts, ran=attempt.ran), duplicate_label=duplicate_label)
    for column, source, right in state.get("told", []):
        (attempt,) = evidence.settle([attempt], column, source, right)
    context.emit(attempt)
    return {"attempts": [*state["attempts"], attempt_record(attempt)], "inputs": seen.inputs, "cost": asdict(cost)}


def next_move(state: AgentState) -> str:
    """Return what follows a verification: another attempt, a question, or the end."""
    if _goes_on(state) or _question(state) is not None:
        return "revise"
    return "accept" if any(attempt["verdict"] == "passed" for attempt in state["attempts"]) else "abstain"


def question_of(state: AgentState) -> int | None:
    """Return the number of the input whose right output a person should be asked for; None where there is no doubt.

    Nobody is asked while the search goes on by itself.
    """
    return None if _goes_on(state) else _question(state)


def _goes_on(state: AgentState) -> bool:
    attempts = attempts_of(state)
    return goes_on(attempts, config_in(state), cost_of(state), evidence.share_of_first(attempts))


def _question(state: AgentState) -> int | None:
    asked = state.get("asked", [])
    more = len(asked) < config_in(state).questions
    return evidence.best_question(attempts_of(state), state["inputs"], asked) if more else None


def answered(context: Context, state: AgentState) -> AgentState:
    """End: say which program stands for the run, how probable it is to be right, and what ended the search."""
    attempts, config = attempts_of(state), config_in(state)
    spent = spent_by(config.budget, attempts, cost_of(state))
    ended = spent if spent and not settled(attempts, config, evidence.share_of_first(attempts)) else ""
    start, box = context.clock(), metered_sandbox(context, state)
    found = evidence.answer(attempts, state["inputs"], ended)
    chosen, asked = attempts[found.attempt], True
    if chosen.passed:
        found, asked = _doubted(replace(context, sandbox=box), state, found)
    if asked and config.trust and chosen.checked >= config.trust.examples:  # of fewer examples nothing was learned
        found = replace(found, probability=config.trust.probability(evidence.features(attempts, found)))
    context.emit(found)
    sure = not config.min_probability or (found.probability or 0.0) >= config.min_probability
    cost = cost_of(state) + Cost(sandbox_runs=box.runs, seconds=context.clock() - start)
    outcome = "accepted" if chosen.passed and sure and not found.breaks else "abstained"
    return {"answer": asdict(found), "outcome": outcome, "cost": asdict(cost)}


class _Doubted(NamedTuple):
    answer: Answer
    whole: bool  # each mutant was run that was to be


def _doubted(context: Context, state: AgentState, found: Answer) -> _Doubted:
    """Run the examples on programs that the model nearly wrote instead: those that pass, too, are undecided."""
    attempts, task, config = attempts_of(state), task_of(state), config_in(state)
    told = {state["inputs"][column]: right for column, _, right in state.get("told", [])}
    chosen, tried, undecided = attempts[found.attempt], 0, list[dict[str, Any]]()
    if not config.mutants or not (task.examples or told):
        return _Doubted(found, whole=config.mutants > 0)

    def written(tokens: Sequence[int]) -> str:
        mutated: AgentState = {**state, "prompt": chosen.prompt, "tokens": list(tokens)}
        text = "".join(pieces_of(context, mutated))
        return piece_of(context, mutated, text).source(text)

    bounds, whole = context.limits, True
    limits = replace(
        bounds, cpu_seconds=min(SECONDS, bounds.cpu_seconds), wall_seconds=min(2 * SECONDS, bounds.wall_seconds)
    )
    try:
        for mutant in islice(mutants(attempts, found.attempt, written, any_name=task.any_name), config.mutants):
            if verify(context.sandbox, mutant.program, task.examples, limits=limits).passed and gives_all(
                context.sandbox, mutant.program, task.entry_point, told, limits
            ):
                undecided.append({"weight": mutant.weight, "line": mutant.line, "text": mutant.text})
            tried += 1
    except BudgetSpentError:  # what was found out until then stands, but nobody knows the rest
        whole = False
    return _Doubted(replace(found, mutants=tried, undecided=undecided), whole)


class _Seen(NamedTuple):
    """What a program showed beyond the examples."""

    inputs: list[str]
    behaviour: list[str] | None = None
    blamed: list[int] = []  # noqa: RUF012 - nobody changes it


def _seen(context: Context, state: AgentState, task: Task, program: str, result: Verification) -> _Seen:
    """Run what passed too few examples on inputs to compare it by; find, if wanted, what failing lines to blame."""
    config, inputs = config_in(state), state["inputs"]
    entry_point = find_function(program, task.entry_point)
    compares = result.checked < ENOUGH_EXAMPLES and config.votes > 1
    if result.passed and compares and entry_point:
        if not inputs:
            source = task.request if task.entry_point else program
            made = generate_inputs(source, entry_point, task.examples, asked=task.request)
            inputs = [repr(arguments) for arguments in made]
        told = observe_behaviour(context.sandbox, program, entry_point, inputs, context.limits) if inputs else []
        return _Seen(inputs, told)
    if not result.failed_examples or not (config.lines or config.order in LOOKS_AT_LINES):
        return _Seen(inputs)
    failed = result.failed_examples[-1]
    before, sources = list_earlier_code(task.examples, failed), task.examples[failed].expressions
    found = trace_lines(context.sandbox, program, before, sources, context.limits) or []
    return _Seen(inputs, None, sorted({line for lines in found for line in lines.blamed}))


def _duplicate_of(attempts: list[Attempt], program: str, *, any_name: bool) -> int | None:
    form = normal_form(program, any_name=any_name)
    whole = (number for number, attempt in enumerate(attempts) if attempt.end not in PRUNED)
    return next((number for number in whole if normal_form(attempts[number].program, any_name=any_name) == form), None)


def _drained(context: Context, decoding: DecodeContext, tokens: list[int], walk: Walk) -> tuple[list[Step], str | None]:
    """Follow a walk; return its steps, and what of the budget ended it before its end."""
    steps: list[Step] = []
    try:
        completion = completion_of(decoding, context, tokens)
        place = DecodeState(context.lm.prefill([*decoding.prompt_ids, *tokens]), completion)
        for step in walk(decoding, place):
            context.emit(step)
            steps.append(step)
    except BudgetSpentError as error:
        return steps, f"{error.args[0]} budget"
    return steps, None


def _fork(position: int, step: Step) -> dict[str, Any]:
    candidates = [asdict(candidate) for candidate in step.others]
    return {
        "position": position, "entropy": step.scores["entropy"], "logprob": step.logprob, "candidates": candidates
    }  # fmt: skip
