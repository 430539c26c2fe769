"""The node `propose`: the model proposes test cases where no example checks its programs (CodeT, arXiv:2207.10397).

The cases stay apart from the task's examples. They rank programs, and verify none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.decoding.loop import decode
from agent.decoding.policies import POLICIES
from agent.decoding.step import Completion
from agent.decoding.stops import any_of, end_at_text, end_token, token_limit
from agent.errors import BudgetSpentError, ContextLengthError
from agent.program import prompts
from agent.program.cases import MOST_CASES, find_subject, read_cases, write_signature
from agent.program.compared_inputs import choose_columns, choose_inputs
from agent.records import Attempt, Cost, Prompt
from agent.search.answer import cluster_programs
from agent.verification.behaviour import find_function, observe_behaviour
from agent.verification.own_cases import run_cases
from agent.workflow.context import Context, count_forwards, limit_forwards, meter_sandbox
from agent.workflow.decode import forbid_first
from agent.workflow.prepare import encode_prompt
from agent.workflow.state import AgentState

_MOST_TOKENS = 320


def propose_cases(context: Context, state: AgentState) -> AgentState:
    """Ask the model for test cases. Run them on the programs that passed, and compare these programs anew."""
    start, before, box = context.clock(), count_forwards(context), meter_sandbox(context, state)
    best = state.attempts[cluster_programs(state.attempts)[0].attempts[0]]
    name = find_subject(best.program, state.task.entry_point)
    text, tokens = _decode_cases(context, state, best.program, name) if name else ("", 0)
    proposed = replace(state, own_cases=read_cases(text, name or ""), cases_name=name or "")
    try:
        proposed = _judge_all(replace(context, sandbox=box), proposed, best.program)
    except BudgetSpentError:  # of programs that cannot all be run on the cases, none is
        proposed = replace(state, own_cases=())
    cost = Cost(tokens=tokens, sandbox_runs=box.runs, seconds=context.clock() - start)
    return replace(proposed, cost=state.cost + cost + (count_forwards(context) - before))


def _decode_cases(context: Context, state: AgentState, program: str, name: str) -> tuple[str, int]:
    """Return what the model writes, and in how many tokens: nothing in a style without a prompt for cases."""
    budget, signature = state.config.budget, write_signature(program, name)
    text = prompts.write_cases_prompt(state.task.request, signature, name, context.model.prompt_style)
    most = _MOST_TOKENS if budget.tokens is None else min(_MOST_TOKENS, budget.tokens - state.cost.tokens)
    try:
        return _decode_greedily(context, state, encode_prompt(context, text), most) if text else ("", 0)
    except ContextLengthError:
        return "", 0


def _decode_greedily(context: Context, state: AgentState, prompt: Prompt, most: int) -> tuple[str, int]:
    """Decode up to the end of the code block, so many tokens or so many cases; the run's budget may end it."""
    room = most if context.lm.context is None else min(most, context.lm.context - len(prompt.ids))
    if room < 1:
        return "", 0

    stop = any_of(end_token(context.tokenizer.end_ids), end_at_text(("\n```",)), token_limit(room), _end_of_cases)
    lm, pieces = forbid_first(limit_forwards(context, state).lm, prompt), list[str]()
    try:
        stream = context.tokenizer.stream(prompt.ids)
        pieces.extend(step.text for step in decode(lm, prompt.ids, POLICIES["greedy"], stop=stop, text=stream))
    except BudgetSpentError:
        pass
    opening = prompt.opening.rpartition("\n")[2]
    return opening + "".join(pieces).partition("\n```")[0], len(pieces)


def _end_of_cases(completion: Completion) -> str | None:
    """Stop at enough cases, and where the last whole line repeats an earlier one: greedy decoding would go on so."""
    lines = [line for line in completion.text.splitlines()[:-1] if line.startswith("assert ")]
    repeats = bool(lines) and lines[-1] in lines[:-1]
    return "enough cases" if repeats or len(lines) >= MOST_CASES else None


def _judge_all(context: Context, state: AgentState, best: str) -> AgentState:
    """Run the programs that passed on the cases and on inputs of their types. A duplicate has what its original has.

    best: the program that the cases were proposed for.
    """
    function = find_function(best, state.task.entry_point)
    chosen = choose_inputs(state.task, best, function, state.own_cases or ()) if function and state.own_cases else ()
    more = [each for each in chosen if each not in state.inputs] if state.inputs else []
    attempts = list[Attempt]()
    for attempt in state.attempts:
        if attempt.duplicate_of is not None:
            original = attempts[attempt.duplicate_of]
            attempt = replace(attempt, behaviour=original.behaviour, cases=original.cases)
        elif attempt.passed and state.own_cases:
            attempt = _judge(context, state, attempt, more)
        attempts.append(attempt)
    judged = replace(state, attempts=tuple(attempts))
    return _choose_again(judged, [*state.inputs, *more], first=chosen) if more else judged


def _judge(context: Context, state: AgentState, attempt: Attempt, more: Sequence[str]) -> Attempt:
    """Return an attempt with the cases that it passes. A behaviour that it has goes on with that on more inputs."""
    runnable = state.task.runnable(attempt.program)
    cases = run_cases(context.sandbox, runnable, state.cases_name, state.own_cases or (), context.limits)
    function, behaviour = find_function(attempt.program, state.task.entry_point), attempt.behaviour
    if behaviour and function and more and len(behaviour) == len(state.inputs):
        behaviour = (*behaviour, *observe_behaviour(context.sandbox, runnable, function, more, context.limits))
    return replace(attempt, cases=cases, behaviour=behaviour)


def _choose_again(state: AgentState, inputs: Sequence[str], *, first: Sequence[str]) -> AgentState:
    """Keep the inputs on which some program gives a value, of these `first` before others, and the behaviours there.

    A case may be wrong, so inputs like those of the cases are not always better. inputs: of the behaviours.
    """
    rows = [each.behaviour for each in state.attempts if each.behaviour and len(each.behaviour) == len(inputs)]
    order = [inputs.index(each) for each in dict.fromkeys((*first, *inputs))]
    kept = [order[at] for at in choose_columns([[row[at] for at in order] for row in rows])]
    if not kept:
        return state

    def keep(attempt: Attempt) -> Attempt:
        row = attempt.behaviour or ()
        return replace(attempt, behaviour=tuple(row[at] for at in kept)) if len(row) == len(inputs) else attempt

    return replace(state, inputs=tuple(inputs[at] for at in kept), attempts=tuple(map(keep, state.attempts)))
