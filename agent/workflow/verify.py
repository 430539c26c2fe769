"""The node `verify`: run the draft on the visible examples, and on generated inputs to compare it by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from agent.errors import BudgetSpentError
from agent.files.plain import make_plain
from agent.program.compared_inputs import choose_inputs
from agent.program.ends import CUT_OFF, PRUNED, End
from agent.program.examples.example import list_earlier_code
from agent.program.failures import Failure, FailureKind, failure_of
from agent.program.named_values import find_named_inputs
from agent.program.normal_form import normal_form
from agent.program.outputs import Output, OutputKind
from agent.program.signature import find_head_failure
from agent.program.task import Task
from agent.program.wording import drop_prose
from agent.records import Attempt, Cost, DraftProgram, Unfinished, label_of
from agent.search.answer import judge_by_person
from agent.search.orders import LOOKS_AT_LINES
from agent.verification.behaviour import find_function, observe_behaviour, write_call
from agent.verification.examples import Verification, verify_steadily
from agent.verification.executed_lines import trace_lines
from agent.verification.own_cases import run_cases
from agent.workflow.context import Context, meter_sandbox
from agent.workflow.state import AgentState
from agent.workflow.text import is_still_thinking
from sandbox.base import Verdict

_ASKS_FOR_PROSE = re.compile(r"comment|docstring|document|descri|explain", re.IGNORECASE)


class _Findings(NamedTuple):
    """The findings about a program that ran, or the reason why it did not run."""

    verification: Verification
    inputs: Sequence[str]  # of the run; generated where the program is the first to need them
    behaviour: Sequence[Output] | None = None
    cases: tuple[bool, ...] = ()
    blamed: tuple[int, ...] = ()
    duplicate_of: int | None = None


def verify_program(context: Context, state: AgentState) -> AgentState:
    """Verify the draft of the attempt in progress, and finish the attempt."""
    start, box, draft = context.clock(), meter_sandbox(context, state), state.current.draft
    assert draft is not None, "a program is extracted before it is verified"
    findings = _examine(replace(context, sandbox=box), state, draft)
    findings = findings._replace(verification=_explain_end(context, state, findings.verification))
    cost = state.cost + Cost(sandbox_runs=box.runs, seconds=context.clock() - start)
    attempt = _finish(state, draft, findings, cost)
    for example in state.person_examples:
        attempt = judge_by_person(attempt, example)
    context.emit(attempt)
    attempts = (*state.attempts, attempt)
    return replace(state, current=Unfinished(), attempts=attempts, inputs=findings.inputs, cost=cost)


def _examine(context: Context, state: AgentState, draft: DraftProgram) -> _Findings:
    """Run a draft, unless it was dropped while it was written, or an earlier program equals it."""
    end, original = state.current.end, _find_original(state, draft)
    if end in PRUNED:
        verdict = Verdict.SYNTAX_ERROR if end == End.NO_PYTHON else Verdict.FAILED
        dropped = Verification(verdict, 0, (Failure(FailureKind.DROPPED, got=end),))
        return _Findings(dropped, state.inputs, duplicate_of=original)
    if original is not None:
        earlier = state.attempts[original]
        known = Verification(earlier.verdict, earlier.checked, earlier.failures)
        return _Findings(known, state.inputs, earlier.behaviour, earlier.cases, earlier.blamed, original)
    if state.task.changes and _is_unchanged(state.task, draft.program):
        return _Findings(Verification(Verdict.FAILED, 0, (Failure(FailureKind.UNCHANGED),)), state.inputs)
    try:
        runnable = state.task.runnable(draft.program)
        result = verify_steadily(context.sandbox, runnable, state.task.examples, limits=context.limits)
        if end not in CUT_OFF:
            result = _check_head(state.task, draft.program, result)
    except BudgetSpentError as error:
        result = Verification(Verdict.FAILED, 0, (Failure(FailureKind.NOT_RUN, got=error.part),))
    with suppress(BudgetSpentError):  # the verdict on the examples stands
        return _observe(context, state, draft.program, result)
    return _Findings(result, state.inputs)


def _check_head(task: Task, program: str, result: Verification) -> Verification:
    """Let a program that no example calls fail if it does not have the function that the request asks for."""
    if not result.passed or result.checked or task.entry_point is None or task.module is not None or task.changes:
        return result
    misfit = find_head_failure(task.request, program, task.entry_point)
    return replace(result, verdict=Verdict.FAILED, failures=(misfit,)) if misfit else result


def _is_unchanged(task: Task, program: str) -> bool:
    """Whether a program has the code of the one that was to be changed; its prose counts where a change asks for it."""
    with_prose = _ASKS_FOR_PROSE.search(task.request) is not None
    runnable = task.runnable(program)
    before, after = (_list_lines(each, with_prose=with_prose) for each in (task.changes, runnable))
    return before == after


def _list_lines(program: str, *, with_prose: bool) -> list[str]:
    text = program if with_prose else drop_prose(program)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _observe(context: Context, state: AgentState, program: str, result: Verification) -> _Findings:
    """Run a program that passed on inputs to compare it by; of one that failed, find the lines to blame."""
    task = state.task
    is_method = task.module is not None and task.entry_point is None
    entry_point = None if is_method else find_function(program, task.entry_point)
    if result.passed and entry_point and result.checked < state.config.enough_examples:
        return _compare(context, state, program, entry_point, result)
    if result.failed_examples and (state.config.lines or state.config.order in LOOKS_AT_LINES):
        return _Findings(result, state.inputs, blamed=_find_blamed_lines(context, state, program, result))
    return _Findings(result, state.inputs)


def _compare(context: Context, state: AgentState, program: str, entry_point: str, result: Verification) -> _Findings:
    """Run a program on the inputs of the run. It fails if it raises on a value that the request names."""
    named = [repr(each) for each in find_named_inputs(state.task.request, program, entry_point)]
    inputs: Sequence[str] = state.inputs
    if state.config.votes > 1 and not inputs:
        inputs = choose_inputs(state.task, program, entry_point)
    tried = list(dict.fromkeys((*inputs, *named)))
    runnable = state.task.runnable(program)
    outputs = observe_behaviour(context.sandbox, runnable, entry_point, tried, context.limits) if tried else []
    failures = tuple(
        Failure(FailureKind.RAISED_ON_NAMED, expression=write_call(entry_point, source), got=output.text)
        for source, output in zip(tried, outputs, strict=True)
        if source in named and output.kind == OutputKind.EXCEPTION
    )
    if failures:
        result = replace(result, verdict=Verdict.FAILED, failures=failures)
    behaviour = outputs[: len(inputs)] if state.config.votes > 1 else None
    cases = tuple[bool, ...]()
    if state.own_cases and not failures:
        cases = run_cases(context.sandbox, runnable, state.cases_name, state.own_cases, context.limits)
    return _Findings(result, inputs, behaviour, cases)


def _find_blamed_lines(context: Context, state: AgentState, program: str, result: Verification) -> tuple[int, ...]:
    """Return the lines that the last failed example ran, or those of its traceback."""
    task, failed = state.task, result.failed_examples[-1]
    before, sources = list_earlier_code(task.examples, failed), task.examples[failed].expressions
    runs = trace_lines(context.sandbox, task.runnable(program), before, sources, context.limits) or []
    return tuple(task.find_program_lines(program, sorted({line for lines in runs for line in lines.blamed})))


def _explain_end(context: Context, state: AgentState, result: Verification) -> Verification:
    """Name the cut before the fault of a program that was cut off and is no Python. One that no example checked fails.

    Say where a thought used up the tokens.
    """
    current, end = state.current, state.current.end or ""
    if end in CUT_OFF and not result.checked and result.verdict in (Verdict.PASSED, Verdict.SYNTAX_ERROR):
        verdict = Verdict.FAILED if result.passed else result.verdict
        cut = Failure(FailureKind.CUT_OFF, got=end)
        result = replace(result, verdict=verdict, failures=(cut, *result.failures))
    if not result.passed and is_still_thinking(context, state.prompt, current.tokens):
        result = replace(result, failures=(Failure(FailureKind.STILL_THINKING, got=end),))
    return result


def _find_original(state: AgentState, draft: DraftProgram) -> int | None:
    """Return the number of the first attempt whose program equals the draft but for names and layout."""
    any_name = state.task.any_name
    form = normal_form(draft.program, any_name=any_name)
    for number, attempt in enumerate(state.attempts):
        if attempt.end not in PRUNED and normal_form(attempt.program, any_name=any_name) == form:
            return number
    return None


def _finish(state: AgentState, draft: DraftProgram, findings: _Findings, cost: Cost) -> Attempt:
    """Return the finished attempt. Texts that came from the program become valid UTF-8, as checkpoints need."""
    current, attempts, result = state.current, state.attempts, findings.verification
    original = None if findings.duplicate_of is None else attempts[findings.duplicate_of]
    attempt = Attempt(
        prompt=current.prompt,
        tokens=current.tokens,
        logprobs=current.logprobs,
        forks=current.forks,
        end=current.end or "",
        program=draft.program,
        partial=draft.partial,
        holes=draft.holes,
        guarantee=draft.guarantee,
        verdict=result.verdict,
        checked=result.checked,
        failures=tuple(failure_of(make_plain(failure)) for failure in result.failures),
        edge=current.edge,
        cost=cost - current.cost_before,
        duplicate_of=findings.duplicate_of,
        behaviour=None if findings.behaviour is None else tuple(findings.behaviour),
        cases=findings.cases,
        blamed=findings.blamed,
        number=len(attempts),
        depth=1 + attempts[current.edge.parent].depth if current.edge else 0,
        duplicate_label=label_of(original) if original else "",
    )
    return replace(attempt, label=next_label(attempts, ran=attempt.ran))


def next_label(attempts: Sequence[Attempt], *, ran: bool) -> str:
    """Return the label of the attempt that comes next. Labels count programs that ran, as a budget does."""
    programs = sum(each.ran for each in attempts)
    if ran:
        return str(programs + 1)
    since = next((number for number, each in enumerate(reversed(attempts)) if each.ran), len(attempts))
    return f"{programs}.{since + 1}"
