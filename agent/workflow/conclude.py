"""The nodes `accept` and `abstain`: choose the answer, and say how probable it is to be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from agent.errors import BudgetSpentError
from agent.records import Answer, Cost, RunOutcome, Spent, Undecided
from agent.search.answer import answer_features, best_answer, share_of_first
from agent.search.frontier import SearchConfig, find_spent, is_settled
from agent.search.mutants import MUTANT_SECONDS, Mutant, make_mutants
from agent.verification.behaviour import gives_all
from agent.verification.examples import verify
from agent.workflow.context import Context, meter_sandbox
from agent.workflow.state import AgentState
from agent.workflow.text import read_program
from sandbox.base import Limits


class _MutantRuns(NamedTuple):
    number: int = 0
    undecided: tuple[Undecided, ...] = ()  # those that passed
    complete: bool = True  # every mutant was run that was to be


def choose_answer(context: Context, state: AgentState) -> AgentState:
    """Choose the program that stands for the run; accept it or abstain."""
    start, box = context.clock(), meter_sandbox(context, state)
    end, entry_point, majority = _find_end(state), state.task.entry_point, state.config.majority
    answer = best_answer(state.attempts, state.inputs, end, entry_point=entry_point, majority=majority)
    best, runs = state.attempts[answer.attempt], _MutantRuns()
    if best.passed:
        runs = _run_mutants(replace(context, sandbox=box), state, answer)
        answer = replace(answer, mutants=runs.number, undecided=runs.undecided)
    answer = _state_probability(state, answer, all_mutants_ran=runs.complete)
    context.emit(answer)
    accepted = best.passed and answer.breakage is None and _is_probable(answer, state.config)
    cost = state.cost + Cost(sandbox_runs=box.runs, seconds=context.clock() - start)
    return replace(state, answer=answer, outcome=RunOutcome.ACCEPTED if accepted else RunOutcome.ABSTAINED, cost=cost)


def _state_probability(state: AgentState, answer: Answer, *, all_mutants_ran: bool) -> Answer:
    """Return the answer with its probability of being right, where a curve was learned of such answers."""
    curve, best = state.config.reliability, state.attempts[answer.attempt]
    if curve is None or (curve.needs_mutants and not state.config.mutants):
        return answer
    known = all_mutants_ran or not curve.needs_mutants
    judged = best.checked >= curve.examples  # from fewer examples nothing was learned
    probability = curve.probability(answer_features(state.attempts, answer)) if known and judged else None
    return replace(answer, enough=curve.enough, probability=probability)


def _find_end(state: AgentState) -> Spent | None:
    """Return the part of the budget that ended the search; None where the search had enough."""
    settled = is_settled(state.attempts, state.config, share_of_first(state.attempts, majority=state.config.majority))
    return None if settled else find_spent(state.config.budget, state.attempts, state.cost)


def _is_probable(answer: Answer, config: SearchConfig) -> bool:
    return not config.min_probability or (answer.probability or 0.0) >= config.min_probability


def _run_mutants(context: Context, state: AgentState, answer: Answer) -> _MutantRuns:
    """Run the examples on the answer's mutants. A mutant that passes, too, is undecided."""
    most, best = state.config.mutants, state.attempts[answer.attempt]
    if not most or not (state.task.examples or state.person_examples):  # nothing could refute a mutant
        return _MutantRuns(complete=most > 0)

    def read(tokens: Sequence[int]) -> str:
        return read_program(context, state.task, state.prompts[best.prompt], tokens)

    limits, count, undecided = _mutant_limits(context.limits), 0, list[Undecided]()
    try:
        for mutant in islice(make_mutants(state.attempts, answer.attempt, read, any_name=state.task.any_name), most):
            if _passes(context, state, mutant, limits):
                undecided.append(Undecided(mutant.weight, mutant.line, mutant.text))
            count += 1
    except BudgetSpentError:  # the runs until then count, but the rest stays unknown
        return _MutantRuns(count, tuple(undecided), complete=False)
    return _MutantRuns(count, tuple(undecided))


def _passes(context: Context, state: AgentState, mutant: Mutant, limits: Limits) -> bool:
    """Whether a mutant passes the examples of the prompt and those of a person."""
    task, wanted = state.task, {state.inputs[each.input_number]: each.wanted for each in state.person_examples}
    program = task.runnable(mutant.program)
    if not verify(context.sandbox, program, task.examples, limits=limits).passed:
        return False
    return gives_all(context.sandbox, program, task.entry_point, wanted, limits)


def _mutant_limits(limits: Limits) -> Limits:
    return replace(
        limits,
        cpu_seconds=min(MUTANT_SECONDS, limits.cpu_seconds),
        wall_seconds=min(2 * MUTANT_SECONDS, limits.wall_seconds),
    )
