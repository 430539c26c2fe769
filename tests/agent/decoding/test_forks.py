"""Forks: the tokens that were not taken, named where a search may come back, at no forward's cost."""

import math
from dataclasses import replace

import pytest
from fakes import PROMPT, TableLM

from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.context import _LEAST_PROBABILITY, _MAX_OTHERS, DecodeContext, DecodeState
from agent.decoding.loop import decode_until_pause, resolve_pause
from agent.decoding.step import Completion, Step
from agent.decoding.stops import any_of, end_token, token_limit

TABLE = {(): [0.0, 0.6, 0.3, 0.1], (1,): [0.0, 0.001, 0.999, 0.0], (1, 2): [0.997, 0.003, 0.0, 0.0]}


def decoded(policy: Policy, *, forking: bool = True) -> tuple[list[Step], TableLM]:
    lm, steps = TableLM(TABLE, [1.0, 0.0, 0.0, 0.0]), list[Step]()
    decoding = DecodeContext(lm, policy, any_of(end_token([0]), token_limit(9)), PROMPT, forking=forking)
    state = DecodeState(lm.prefill(PROMPT), Completion())
    while state.end is None:
        for walk in (decode_until_pause, resolve_pause):
            if state.end is None:
                stream = walk(decoding, state)
                while True:
                    try:
                        steps.append(next(stream))
                    except StopIteration as arrived:
                        state = arrived.value
                        break
    return steps, lm


def others(steps: list[Step]) -> list[list[int]]:
    return [[candidate.token for candidate in step.others] for step in steps]


def test_a_step_names_what_it_did_not_take_the_likeliest_first():
    steps, _ = decoded(POLICIES["greedy"])
    assert others(steps) == [[2, 3], [], [1]]
    assert [candidate.logprob for candidate in steps[0].others] == pytest.approx([math.log(0.3), math.log(0.1)])


def test_they_cost_no_forward_and_change_no_token():
    with_forks, one = decoded(POLICIES["greedy"])
    without, other = decoded(POLICIES["greedy"], forking=False)
    assert [replace(step, others=()) for step in with_forks] == without
    assert one.forwards == other.forwards


def test_where_a_policy_paused_its_candidates_keep_their_lookahead():
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", 0.5))
    steps, _ = decoded(policy)
    assert steps[0].pause
    scores = {candidate.token: candidate.score for candidate in steps[0].pause.candidates}
    assert all(candidate.score == scores[candidate.token] for candidate in steps[0].others)
    assert steps[0].pause.chosen not in others(steps)[0]


def test_only_so_many_and_none_that_is_next_to_impossible():
    wide = [0.3] + [0.07] * 10
    lm = TableLM({}, wide)
    decoding = DecodeContext(lm, POLICIES["greedy"], any_of(end_token([0]), token_limit(1)), PROMPT, forking=True)
    (step,) = list(decode_until_pause(decoding, DecodeState(lm.prefill(PROMPT), Completion())))
    assert others([step]) == [list(range(1, 1 + _MAX_OTHERS))]
    assert _LEAST_PROBABILITY < 0.07


@pytest.mark.parametrize("name", ["greedy", "adadec"])
def test_a_reader_of_the_loop_gets_as_many_alternatives_as_it_asks_for_however_improbable(name):
    def run(alternatives: int) -> list[Step]:
        lm = TableLM(TABLE, [1.0, 0.0, 0.0, 0.0])
        stop = any_of(end_token([0]), token_limit(9))
        return list(decode(lm, PROMPT, POLICIES[name], stop=stop, alternatives=alternatives))

    assert others(run(2)) == [[2, 3], [1], [1]] and others(run(1)) == [[2], [1], [1]]
    assert [replace(step, others=()) for step in run(2)] == run(0)
