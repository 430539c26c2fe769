"""Hole-sets are labelled, calibrated and measured: a bound that few programs break is chosen, and no other is."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from trie import TrieLM

from agent.decoding import POLICIES
from agent.workflow.context import Context
from benchmarks.base import Problem
from benchmarks.experiments.hole_examples import HoleExample, ScoredToken, collect_hole_examples, split_in_halves
from benchmarks.experiments.hole_labels import (
    LabelledProgram,
    choose_bound,
    choose_bounds,
    judge_containment,
    label_program,
    measure_held_out,
)
from benchmarks.experiments.hole_methods import HOLE_METHODS, KEPT_NATS, TAUS, find_by_agreement, mark_tokens
from benchmarks.experiments.plan import WorkItem
from sandbox import open_sandbox
from uncertainty.bounds import least_problems, most_errors
from uncertainty.prediction_set import PartialProgram

PROMPT = 'def f(x):\n    """Add one."""'
PROBLEM = Problem("t/0", PROMPT, "f", "\n    y = x + 1\n    return y\n", ((1,),), ((5,),))
SOURCE = f"{PROMPT}\n    z = x - 1\n    return z\n"


def read_fits(labels: LabelledProgram) -> np.ndarray:
    """Ask for all labels: [numbers of holes, bounds]."""
    return np.array(
        [[labels.is_contained(row, place) for place in range(len(TAUS))] for row in range(len(labels.holes))]
    )


def example(source=SOURCE, *, right=False, **surprisals) -> HoleExample:
    """An example whose tokens are these texts, each at its first place, with these surprisals."""
    texts = {"-": 2.0, "1": 0.5, **surprisals}
    tokens = [ScoredToken(source.index(text), nats, nats, False) for text, nats in texts.items()]
    return HoleExample("t/0", "0", source, sorted(tokens, key=lambda token: token.place), right)


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("by_tests", [False, True])
def test_a_wrong_program_fits_once_its_mistake_is_a_hole(box, by_tests):
    is_contained = judge_containment(PROBLEM, example(), box if by_tests else None)
    labels = label_program(example(), is_contained, [1, 2])
    all_fits = read_fits(labels)
    assert all_fits[:, 0].all(), "nothing is kept that costs something"
    assert not all_fits[:, -1].any() and not labels.removed[:, -1].any(), "all is kept"
    first_wrong = int(np.argmin(all_fits[0]))
    assert all_fits[0, :first_wrong].all() and not all_fits[0, first_wrong:].any()
    assert KEPT_NATS[first_wrong] >= 2.0 > KEPT_NATS[first_wrong - 1]


def test_another_right_program_fits_where_the_reference_does_not(box):
    problem = replace(PROBLEM, canonical_solution="\n    return sum((x, 4))\n")
    other = SOURCE.replace("x - 1", "x - -4")
    place = SOURCE.index("1")
    partial = PartialProgram(SOURCE, ((place, place + 1),), 1, 10, 0.0)
    assert not judge_containment(problem, example(), box)(partial)
    assert judge_containment(problem, example(), box, [other])(partial)


def test_a_right_program_fits_all_of_its_own_and_is_never_asked_about():
    def refuse(partial):
        raise AssertionError(partial)

    assert read_fits(label_program(example(right=True), refuse, [1])).all()


def test_each_set_of_holes_is_asked_about_once(box):
    asked = []
    is_contained = judge_containment(PROBLEM, example(), box, propose=lambda holes: asked.append(holes) or [])
    labels = label_program(example(), is_contained, [1, 2, 4])
    assert not asked
    assert (read_fits(labels) == read_fits(labels)).all()
    assert len(asked) == len(set(asked)) >= 1


def test_the_label_of_one_set_of_holes_says_nothing_of_another():
    answers = iter([True, False, True])
    answer = cache(lambda holes: next(answers, True))
    (fits,) = read_fits(label_program(example(), lambda partial: answer(partial.holes), [1]))
    assert fits[0] and fits[-1] and not fits.all()


def test_a_right_program_can_count_as_one_that_is_not_the_reference():
    assert not label_program(example(right=True), lambda partial: False, [1], right=False).is_contained(0, -1)


def test_a_text_that_is_no_python_fits_and_is_removed_as_a_whole():
    broken = HoleExample("t/0", "0", "def f(:", [ScoredToken(0, 1.0, 1.0, False)], False)
    for method in HOLE_METHODS.values():
        labels = label_program(broken, lambda partial: False, [1], method)
        assert read_fits(labels).all() and (labels.shares() == 1.0).all()


@pytest.mark.parametrize("name", HOLE_METHODS)
def test_a_method_keeps_more_the_more_may_be_kept_and_gives_one_program_a_bound(name):
    partials = list(HOLE_METHODS[name](example(), 2))
    removed = [partial.removed for partial in partials]
    assert len(partials) == len(KEPT_NATS) and removed == sorted(removed, reverse=True)
    assert "???" in partials[0].render() and partials[-1].render() == SOURCE


def test_the_nested_sets_never_remove_what_a_larger_tau_kept():
    partials = list(HOLE_METHODS["nested, surprisal"](example(x=1.0, z=1.5), 2))
    inside = [{at for start, end in partial.holes for at in range(start, end)} for partial in partials]
    assert all(later <= earlier for earlier, later in pairwise(inside))


def test_a_line_that_no_other_program_has_is_left_out_first():
    others = [SOURCE.replace("x - 1", "x + 1"), SOURCE.replace("x - 1", "x+1 "), f"{PROMPT}\n    return x\n"]
    partials = list(find_by_agreement(example(), 1, others))
    last = [partial for partial in partials if partial.holes][-1]
    ((start, end),) = last.holes
    assert SOURCE.index("z = ") <= start < end <= SOURCE.index("x - 1") + 5
    assert not any(partial.holes for partial in find_by_agreement(example(), 1, [SOURCE, SOURCE]))


def test_uncertain_tokens_are_left_out_with_their_nodes():
    partials = {round(bound, 3): partial for bound, partial in zip(KEPT_NATS, mark_tokens(example(), 1), strict=True)}
    least = min(bound for bound in partials if bound > 1.0)
    assert partials[least].render() == SOURCE.replace("x - 1", "???")


@pytest.fixture(scope="module")
def population() -> list[LabelledProgram]:
    """2,000 programs, each some lines of calls, where a token is wrong as often as the model says."""
    rng, labels = np.random.default_rng(0), []
    source = "\n".join(f"x{line} = f{line}(a, b)" for line in range(6)) + "\n"
    places = [at for at, text in enumerate(source) if text in "fab="]
    for _ in range(2000):
        nats = rng.exponential(0.02, len(places))
        mistakes = {place for place, cost in zip(places, nats, strict=True) if rng.random() > np.exp(-cost)}
        tokens = [ScoredToken(place, cost, cost, False) for place, cost in zip(places, nats, strict=True)]

        def fits(partial, mistakes=mistakes):
            return all(any(start <= place < end for start, end in partial.holes) for place in mistakes)

        labels.append(label_program(HoleExample("t", "0", source, tokens, not mistakes), fits, [1, 2]))
    return labels


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("epsilon", [0.1, 0.2])
def test_over_random_splits_the_held_out_risk_exceeds_epsilon_no_more_often_than_delta(population, epsilon):
    rng, delta, splits, calibration = np.random.default_rng(1), 0.1, 400, 200
    fits, shares = np.stack([read_fits(each) for each in population]), np.stack([each.shares() for each in population])
    kept, exceeded = [], 0
    for _ in range(splits):
        order = rng.permutation(len(population))
        known, others = order[:calibration], order[calibration:]
        chosen = choose_bounds([population[number] for number in known], epsilon, delta)
        risks = [1 - fits[others, each.row, each.place].mean() for each in chosen]
        exceeded += max(risks) > epsilon
        kept += [1 - shares[others, each.row, each.place].mean() for each in chosen]
    assert exceeded <= splits * delta + 2 * np.sqrt(splits * delta * (1 - delta))
    assert np.mean(kept) > 0.1, "and programs are not left out as a whole"


def labelled(number, *, breaks_at=None, removed=0):
    """A program of ten nodes, of which so many are removed, that fits up to a place in the bounds."""
    partials = [PartialProgram("", ((place, place),), removed, 10, 0.0) for place in range(len(TAUS))]
    last = len(TAUS) if breaks_at is None else breaks_at
    return LabelledProgram(f"t/{number}", {1: partials}, lambda each: each.holes[0][0] < last, right=breaks_at is None)


def test_the_last_bound_with_few_errors_is_chosen_and_measured_elsewhere():
    known = [labelled(n) for n in range(55)] + [labelled(n, breaks_at=40) for n in range(55, 60)]
    (chosen,) = choose_bounds(known, 0.1, 0.1)
    assert (chosen.place, chosen.errors, chosen.tau) == (39, 0, TAUS[39])
    tested = [labelled(0, removed=1), labelled(1, breaks_at=40, removed=3), labelled(2, breaks_at=39, removed=0)]
    held_out = measure_held_out(tested, chosen)
    assert (held_out.problems, held_out.contained, held_out.whole, held_out.nothing) == (3, 2, 1, 0)
    assert held_out.removed == pytest.approx(0.4 / 3)
    assert held_out.removed_of_wrong == pytest.approx(0.15) and held_out.in_wrong == pytest.approx(0.75)


def test_nothing_is_labelled_behind_the_first_bound_that_too_many_break():
    asked = []
    partials = [PartialProgram("", ((place, place),), 0, 10, 0.0) for place in range(len(TAUS))]

    def fits(partial):
        asked.append(partial.holes[0][0])
        return asked[-1] < 3

    chosen = choose_bound([LabelledProgram(f"t/{n}", {1: partials}, fits, right=False) for n in range(60)], 0, 0.1, 0.1)
    assert (chosen.place, chosen.errors) == (2, 0)
    allowed = most_errors(60, 0.1, 0.1)
    assert asked == [*[0] * 60, *[1] * 60, *[2] * 60, *[3] * (allowed + 1)]


def test_too_few_problems_choose_nothing():
    few = least_problems(0.1, 0.1) - 1
    (chosen,) = choose_bounds([labelled(n) for n in range(few)], 0.1, 0.1)
    assert (chosen.place, chosen.tau, chosen.errors) == (None, None, None)
    with pytest.raises(ValueError, match="nothing was shown for 1 holes"):
        measure_held_out([labelled(0)], chosen)


def test_the_halves_do_not_depend_on_the_order_of_the_problems():
    problems = [Problem(f"t/{n}", f"{PROMPT} # {n}", "f", "", (), ()) for n in range(9)]
    first, second = split_in_halves(problems)
    assert (len(first), len(second)) == (4, 5) and {*first, *second} == set(problems)
    again, _ = split_in_halves(problems[::-1])
    assert again[::-1] == first


def test_a_program_is_collected_with_its_tokens_and_its_verdict(box):
    known = {"\n    return x - 1": 0.6, "\n    return x + 1": 0.4}
    context = Context(TrieLM(known).model(), POLICIES["greedy"], box)
    (collected,) = collect_hole_examples([WorkItem(PROBLEM)], context, tasks=1)
    assert collected.program.rstrip("\n") == f"{PROMPT}\n    return x - 1" and not collected.right
    by_place = {token.place: token for token in collected.tokens}
    minus = by_place[collected.program.index("-")]
    assert minus.surprisal == pytest.approx(-np.log(0.6), abs=1e-3) and minus.entropy > 0.6
    assert min(by_place) == len(PROMPT), "nothing of the prompt is the model's"
