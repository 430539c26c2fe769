"""The order in which ways not taken are tried."""

import torch

from agent.search import departure, departures, next_branch, repairs_now
from agent.state import Attempt


def attempt(tokens, pauses, prompt=0) -> Attempt:
    return Attempt(prompt, tokens, [0.0] * len(tokens), pauses, "end token", "", "", [])


def pause(position, uncertainty, *candidates) -> dict:
    told = [{"token": token, "logprob": score, "score": score, "text": ""} for token, score in candidates]
    return {"position": position, "uncertainty": uncertainty, "candidates": told}


FIRST = attempt([5, 6, 7], [pause(0, 1.1, (5, -0.5), (8, -1.0)), pause(2, 1.9, (7, -0.6), (9, -0.7), (4, -2.0))])


def test_the_most_doubtful_pause_comes_first_with_its_next_candidate():
    assert next_branch([FIRST]).tokens == [5, 6, 9]


def test_what_an_attempt_has_taken_is_not_taken_again():
    second = attempt([5, 6, 9, 3], [])
    assert next_branch([FIRST, second]).tokens == [5, 6, 4]
    third = attempt([5, 6, 4, 3], [])
    assert next_branch([FIRST, second, third]).tokens == [8]


def test_nothing_is_left_where_every_candidate_was_tried():
    tried = [FIRST, attempt([5, 6, 9], []), attempt([5, 6, 4], []), attempt([8], [])]
    assert next_branch(tried) is None


def test_attempts_at_another_prompt_do_not_count_as_tried():
    assert next_branch([FIRST, attempt([5, 6, 9], [], prompt=1)]).tokens == [5, 6, 9]


def test_repair_comes_last_or_where_no_branch_is_open():
    assert repairs_now([attempt([5], [])], 2)
    assert not repairs_now([FIRST], 2), "the only second attempt is a branch"
    assert not repairs_now([FIRST, attempt([5, 6, 9], [])], 4)
    assert repairs_now([FIRST, attempt([5, 6, 9], [])], 3)


def test_a_completion_is_left_where_another_token_comes_nearest():
    p = torch.tensor([[0.9, 0.1, 0.0], [0.1, 0.5, 0.4], [0.2, 0.1, 0.7]])
    assert departure(p.log(), [0, 1, 2]) == (1, 2)
    assert departure((p * 3).log().bfloat16(), [0, 1, 2]) == (1, 2), "logits, not probabilities"


def test_what_greedy_decoding_leaves_by_itself_is_left_alone():
    p = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    assert departure(p.log(), [0, 0]) is None
    assert departure(p[:0].log(), []) is None


def test_ways_to_leave_come_likeliest_first_and_never_the_way_that_was_taken():
    p = torch.tensor([[0.85, 0.15, 0.0], [0.1, 0.5, 0.4]])
    assert departures(p.log(), [0, 1], 3) == [(1, 2), (0, 1), (1, 0)]
    assert len(departures(p.log(), [0, 1], 99)) == 4
