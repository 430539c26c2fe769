"""Programs are clustered by what they give for generated inputs, and the clusters choose the answer."""

import math
from dataclasses import replace

import pytest
from fakes import outputs
from trie import PLAIN_CHAT, TrieLM

from agent.decoding import POLICIES
from agent.errors import ProfileError
from agent.profile import ModelProfile, ReliabilityCurve
from agent.program.ends import End
from agent.program.failures import Failure, FailureKind, describe_failure
from agent.program.outputs import UNPLAIN, UNREACHED, Output, OutputKind
from agent.program.styles import PROMPT_STYLES
from agent.program.task import read_task
from agent.records import Attempt, Difference, Edge, EdgeKind, PersonExample, RunOutcome
from agent.search.answer import (
    best_answer,
    best_question,
    bound_error,
    cluster_programs,
    find_suspect,
    judge_by_person,
    share_of_first,
)
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.views.sentences import describe_ending, explain_abstention
from agent.workflow.context import Context
from agent.workflow.run import run_task
from agent.workflow.standing import Standing, find_standing
from agent.workflow.threads import open_memory_store
from sandbox import open_sandbox
from sandbox.base import Verdict


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def program(behaviours, mass, *, passed=True, prompt=0, tokens=None, **more):
    verdict, known = Verdict.PASSED if passed else Verdict.FAILED, tokens or [round(1000 * mass)]
    behaviours = tuple(each if isinstance(each, Output) else outputs(each)[0] for each in behaviours)
    return Attempt(
        prompt, tuple(known), (math.log(mass),), (), "end", "", "", (), verdict, behaviour=behaviours, **more
    )  # fmt: skip


def test_the_most_probable_cluster_comes_first_and_answers_by_its_earliest_program():
    clusters = cluster_programs(
        [program("12", 0.1), program("13", 0.25), program("12", 0.2), program("99", 0.9, passed=False)]
    )
    assert [cluster.attempts for cluster in clusters] == [(0, 2), (1,)]
    assert [cluster.mass for cluster in clusters] == pytest.approx([0.3, 0.25])


def test_inputs_on_which_all_raise_alike_say_nothing():
    one, other = (program(["raises KeyError", value], 0.1 * n) for n, value in ((1, "3"), (2, "3")))
    assert len(cluster_programs([one, other])) == 1
    assert len(cluster_programs([one, replace(other, behaviour=outputs("raises TypeError", "3"))])) == 2


def test_the_same_tokens_count_once():
    twice = [program("1", 0.3, tokens=[7]), program("1", 0.3, tokens=[7]), program("2", 0.4, tokens=[8])]
    assert [cluster.mass for cluster in cluster_programs(twice)] == pytest.approx([0.4, 0.3])


def test_close_clusters_come_with_the_shortest_input_on_which_they_differ():
    attempts = [program(["1", "5", "5"], 0.3), program(["1", "6", "7"], 0.28)]
    close = best_answer(attempts, ["(1,)", "(22222,)", "(3,)"])
    assert (close.attempt, close.rival) == (0, 1)
    assert close.differs == Difference("(3,)", *outputs("5", "7"))
    assert (close.alike, close.error_at_least) == (1, None)
    far = best_answer([attempts[0], program(["1", "6", "7"], 0.1)], ["(1,)", "(2,)", "(3,)"])
    assert (far.rival, far.differs, round(far.share, 2), round(far.margin, 2)) == (None, None, 0.75, 0.5)


def test_the_best_question_settles_most_doubt():
    attempts = [program(["1", "5", "5"], 0.3), program(["1", "5", "7"], 0.3), program(["1", "6", "8"], 0.3)]
    assert best_question(attempts, ["(1,)", "(2,)", "(3,)"]) == 2
    assert best_question(attempts[:1], ["(1,)"]) is None


def test_an_answer_of_a_person_fails_the_programs_that_gave_another():
    behaviours = ["5"], [Output(OutputKind.VALUE, "6", "[[]]")], ["raises KeyError"]
    attempts = [program(each, 0.3) for each in behaviours]
    judged = [judge_by_person(each, PersonExample(0, "f(3)", *outputs("6"))) for each in attempts]
    assert [each.verdict for each in judged] == ["failed", "passed", "failed"]
    assert [describe_failure(failure) for failure in judged[0].failures] == ["f(3) gives 5, wanted 6"]
    missing = PersonExample(0, "f(3)", *outputs("raises KeyError"))
    assert [judge_by_person(each, missing).verdict for each in attempts] == ["failed", "failed", "passed"]


def test_the_output_that_was_shown_is_the_one_that_is_meant():
    sorts = Output(OutputKind.VALUE, "None", "[[3, 1]]")
    attempts = [program([sorts], 0.3), program(["None"], 0.3)]
    shown = PersonExample(0, "f([1, 3])", sorts)
    judged = [judge_by_person(each, shown) for each in attempts]
    assert [each.passed for each in judged] == [True, False]


def test_a_program_that_was_not_compared_is_a_cluster_of_its_own_and_so_is_each_where_nothing_tells_them_apart():
    alone = replace(program("1", 0.2), behaviour=None)
    assert [cluster.attempts for cluster in cluster_programs([program("1", 0.3), alone, program("1", 0.1)])] == [
        (0, 2),
        (1,),
    ]
    mute = [replace(program([UNPLAIN], mass), program=f"x = {mass}") for mass in (0.3, 0.2)]
    assert len(cluster_programs(mute)) == 2
    assert len(cluster_programs([replace(each, behaviour=None) for each in mute])) == 1


def test_programs_that_give_no_value_at_all_come_last():
    hangs = program(["raises TimeoutError", UNREACHED], 0.6)
    assert [cluster.attempts for cluster in cluster_programs([hangs, program(["1", "2"], 0.2)])] == [(1,), (0,)]


WAY = Edge(EdgeKind.BRANCH, 0, 0.0, 0.0)


def test_only_five_independent_draws_say_how_likely_a_draw_is_wrong():
    draws = [program(each, 0.1, tokens=[n]) for n, each in enumerate("11122")]
    assert best_answer(draws, ["(1,)"]).error_at_least == pytest.approx(1 - math.sqrt((9 + 4) / 25))
    assert best_answer(draws[:4], ["(1,)"]).error_at_least is None
    assert best_answer([*draws[:4], replace(draws[4], edge=WAY)], ["(1,)"]).error_at_least is None
    anew = [draws[0], *(replace(each, edge=Edge(EdgeKind.SAMPLE, 0, 0.0, 0.0)) for each in draws[1:])]
    assert best_answer(anew, ["(1,)"]).error_at_least is None, "the first was written in another way"
    sampled = best_answer(anew, ["(1,)"], majority=True)
    assert (sampled.draws, sampled.error_at_least) == (5, pytest.approx(1 - math.sqrt((9 + 4) / 25)))
    assert best_answer([replace(each, end=End.BEAM) for each in draws], ["(1,)"]).error_at_least is None


def test_draws_of_which_too_little_is_known_never_raise_the_bound():
    draws = [program(each, 0.1, tokens=[n]) for n, each in enumerate("11122")]
    failed = [replace(each, verdict=Verdict.FAILED, behaviour=None) for each in draws]
    assert bound_error([*draws[:3], *failed[3:]]) == bound_error(draws), "those that failed count as one cluster"
    assert bound_error(failed) == 0.0
    alone, dropped = replace(draws[4], behaviour=None), replace(failed[4], end=End.DUPLICATE)
    for unknown in (alone, dropped):
        assert bound_error([*draws[:4], unknown]) == pytest.approx(1 - math.sqrt((16 + 1) / 25))


def test_a_duplicate_agrees_with_an_answer_only_if_it_was_drawn():
    drawn = [program("1", 0.1, tokens=[n]) for n in range(2)]
    drawn[1] = replace(drawn[1], duplicate_of=0)
    assert best_answer(drawn, ["(1,)"]).alike == 2
    assert best_answer([drawn[0], replace(drawn[1], edge=WAY)], ["(1,)"]).alike == 1


def test_programs_too_improbable_for_a_float_settle_nothing_and_break_nothing():
    attempts = [replace(program(output, 0.3), logprobs=(-900.0,)) for output in ("1", "2")]
    assert best_question(attempts, ["(1,)"]) is None
    assert share_of_first(attempts) == 0.5


def test_an_example_that_alone_fails_in_programs_that_differ_is_suspected():
    wrong = Failure(FailureKind.RETURNED, 0, "f(1)", "2", "3")
    failed = Attempt(0, (1,), (0.0,), (), "end", "a", "", (), "failed", 2, (wrong,))
    other = replace(failed, program="b", failures=(replace(wrong, got="5"),))
    assert find_suspect([failed, other]) == "f(1)"
    assert find_suspect([failed]) is None
    assert find_suspect([failed, replace(other, failures=(replace(wrong, expression="f(2)"),))]) is None


def test_the_first_clusters_share_is_of_all_that_passed():
    attempts = [program("1", 0.3), program("2", 0.1), program("9", 0.4, passed=False)]
    assert share_of_first(attempts) == pytest.approx(0.75)
    assert share_of_first([program("9", 0.4, passed=False)]) == 0.0


# In the workflow

BLIND = 'def f(x: int) -> int:\n    """Count."""'
COMPLETION = PROMPT_STYLES["completion"]
KNOWN = {
    "\n    return x - 1": 0.3,
    "\n    return x + 1": 0.25,
    "\n    return 1 + x": 0.2,
    "\n    y = x + 1\n    return y": 0.15,
    "\n    return abs(x)": 0.1,
}


def search(box, request=BLIND, known=KNOWN, *, config=None, answer=None, profile=None, seen=None, style=COMPLETION):
    context = Context(TrieLM(known).model(style=style), POLICIES["greedy"], box, profile=profile or ModelProfile(""))
    saver = open_memory_store() if answer else None
    return run_task(
        context, read_task(request), config=config, checkpointer=saver, thread="t", person=answer,
        on_event=(seen or []).append,
    )  # fmt: skip


def test_without_examples_the_largest_cluster_is_answered_and_not_the_likeliest_program(box):
    result = search(box)
    assert result.best.program == BLIND + "\n    return x + 1"
    assert result.answer.share == pytest.approx(0.6)
    assert (result.answer.clusters, result.answer.programs, result.outcome) == (3, 5, "accepted")
    assert (result.answer.separate, result.answer.error_at_least, result.standing) == (1, None, "unverified")
    assert all(each.behaviour for each in result.attempts)


@pytest.mark.parametrize(("wrong", "standing"), [(0, "agreed"), (1, "agreed"), (2, "unverified")])
def test_an_answer_is_agreed_where_four_of_five_programs_written_anew_behave_alike(wrong, standing):
    outputs_of = [outputs("1")] * (5 - wrong) + [outputs("2")] * wrong
    edges = [None] + [Edge(EdgeKind.SAMPLE, 0, 0.0, 0.0)] * 4
    apart = [
        Attempt(
            0, (number,), (-0.1,), (), "end token", "x = 1", "", (), Verdict.PASSED, edge=edge, behaviour=behaviour
        )
        for number, (edge, behaviour) in enumerate(zip(edges, outputs_of, strict=True))
    ]  # fmt: skip
    branch = replace(apart[0], edge=Edge(EdgeKind.BRANCH, 0, 0.0, 0.0))
    for attempts in (apart, [*apart, branch, branch]):
        answer = best_answer(attempts, ("(1,)",))
        assert (answer.separate, answer.alike) == (5, 5 - wrong), "branches do not count"
        assert find_standing(RunOutcome.ACCEPTED, attempts[answer.attempt], answer) == standing
    silent = [replace(each, behaviour=(UNPLAIN, UNREACHED)) for each in apart]
    assert find_standing(RunOutcome.ACCEPTED, silent[0], best_answer(silent, ("(1,)", "(2,)"))) == "unverified"
    few = best_answer(apart[:4], ("(1,)",))
    assert find_standing(RunOutcome.ACCEPTED, apart[few.attempt], few) == "unverified"


def test_one_example_is_not_enough_and_programs_that_fail_it_have_no_vote(box):
    result = search(box, BLIND.replace("Count.", "Count.\n    >>> f(3)\n    4\n    "))
    assert (result.answer.programs, result.answer.clusters, result.outcome) == (3, 1, "accepted")


def test_enough_programs_that_agree_end_the_search(box):
    known = {f"\n    return x + {n} - {n - 1}": 0.1 + 0.01 * n for n in range(1, 10)}
    result = search(box, known=known)
    assert len(result.attempts) == 5


def test_a_person_is_asked_what_an_input_should_give_and_the_search_goes_on_from_there(box):
    asked = []

    def answer(question):
        asked.append(question)
        return question.outputs.index(*outputs("0")) if question.call == "f(1)" else "2"

    result = search(box, config=SearchConfig(questions=3), answer=answer)
    assert 1 <= len(asked) <= 3
    assert len(asked[0].outputs) > 1
    assert result.best.checked >= 1 and result.outcome in ("accepted", "abstained")


def test_a_question_names_a_function_that_passed_and_leaves_out_what_was_not_compared(box):
    known = {
        "\nx = (": 0.5,
        "\nf = lambda x: x": 0.2,
        "\ndef f(x: int) -> int:\n    return x + 1": 0.2,
        "\ndef f(x: int) -> int:\n    return x - 1": 0.1,
    }
    asked = []
    result = search(
        box,
        "Count.",
        known,
        config=SearchConfig(questions=1, repair_after=0),
        answer=lambda question: asked.append(question) or 0,
    )
    assert [each.call.startswith("f(") for each in asked] == [True]
    assert len(asked[0].outputs) == 2 and result.outcome == "accepted"


def test_an_answer_that_no_program_gives_leads_to_an_abstention(box):
    result = search(box, config=SearchConfig(questions=1, repair_after=0), answer=lambda question: "'nothing of these'")
    assert result.outcome == "abstained"
    assert all(each.failures[0].wanted == "'nothing of these'" for each in result.attempts)


def test_who_cannot_say_is_asked_something_else_or_nothing(box):
    asked = []
    result = search(box, config=SearchConfig(questions=2), answer=lambda question: asked.append(question) or "")
    assert (len({each.call for each in asked}), result.outcome, result.answer.clusters) == (2, "accepted", 3)


def test_programs_found_after_a_question_are_judged_by_its_answer_too(box):
    config = SearchConfig(Budget(programs=3), questions=1, repair_after=0)
    result = search(box, config=config, answer=lambda question: "'x'")
    assert all(not each.passed for each in result.attempts)


CURVE = ReliabilityCurve({"logprob": 1.0}, 1.0, (-1.0, 1.0), (0.0, 1.0), examples=0)


def test_an_answer_states_its_learned_probability_and_is_withheld_below_the_least(box):
    profile = ModelProfile("m", edge_weights={"path": 1.0}, reliability=CURVE)
    stated = search(box, profile=profile).answer.probability
    assert 0.2 < stated < 0.7
    withheld = search(box, profile=profile, config=SearchConfig(min_probability=0.7))
    assert (withheld.outcome, withheld.best.verdict) == ("abstained", "passed")
    with pytest.raises(ProfileError, match="minimum probability needs a reliability curve"):
        search(box, config=SearchConfig(min_probability=0.7))
    with pytest.raises(ProfileError, match="the order learned needs edge weights"):
        search(box, config=SearchConfig(order="learned"))


def test_of_fewer_examples_than_it_was_learned_with_no_probability_is_stated_and_none_is_enough(box):
    profile = ModelProfile("m", edge_weights={"path": 1.0}, reliability=replace(CURVE, examples=2))
    assert search(box, profile=profile).answer.probability is None
    assert search(box, profile=profile).outcome == "accepted"
    assert search(box, profile=profile, config=SearchConfig(min_probability=0.1)).outcome == "abstained"


def test_a_program_that_does_something_else_each_time_is_not_accepted(box):
    request = 'def f(x):\n    """Toss.\n    >>> f(1) in (0, 1)\n    True\n    >>> f(2)\n    1\n    """'
    body = "\n    import random, os\n    return 1 if x == 1 else os.getpid() % 7"
    result = search(box, request, {body: 1.0})
    assert result.outcome == "abstained"


def test_inputs_are_made_for_a_sentence_too_from_what_was_written(box):
    known = {"\ndef g(x: int) -> int:\n    return x": 0.6, "\ndef g(x: int) -> int:\n    return x * 1": 0.4}
    result = search(box, "Give it back.", known)
    assert (result.answer.clusters, result.answer.programs) == (1, 2)


def test_a_program_under_other_names_is_no_second_vote_where_nobody_asked_for_one(box):
    known = {"\ndef g(x: int) -> int:\n    return x": 0.6, "\ndef h(y: int) -> int:\n    return y * 1": 0.4}
    result = search(box, "Give it back.", known)
    assert [each.end for each in result.attempts] == ["end token", "duplicate of an earlier program"]
    assert result.answer.programs == 1 and result.attempts[1].cost.tokens < 26


def test_what_has_no_function_is_accepted_as_it_runs(box):
    result = search(box, "Print a greeting.", {"\nprint('hello')": 1.0})
    assert (result.outcome, len(result.attempts)) == ("accepted", 1)


@pytest.mark.parametrize("examples", ["", "\n    >>> f(1)\n    2"])
def test_a_program_that_passed_with_the_last_run_is_not_lost(box, examples):
    request = f'def f(x: int) -> int:\n    """Add one.{examples}\n    """'
    result = search(box, request, {"\n    return x + 1": 1.0}, config=SearchConfig(Budget(runs=1)))
    assert (result.outcome, result.cost.sandbox_runs) == ("accepted", 1)


@pytest.mark.parametrize(
    ("hints", "examples"),
    [
        ("x: list[Union['Node', None]]", ""),
        ("x: float", "\n    >>> f(1e308)\n    1.0"),
        ("x", "\n    >>> f(...)\n    1"),
        ("x: int", f"\n    >>> f(0x{'f' * 4000})\n    1"),
        ("x: Callable[[int], int]", ""),
    ],
)
def test_odd_prompts_are_searched_like_others(box, hints, examples):
    request = f'def f({hints}):\n    """Do.{examples}\n    """'
    request = "from typing import *\n" + request.replace("'Node'", "'int'")
    assert search(box, request, {"\n    return 1": 0.6, "\n    return x": 0.4}).outcome in ("accepted", "abstained")


def test_what_a_person_wrote_is_never_marked_as_doubtful(box):
    request = 'def f(x):\n    """Do."""'
    answer = search(box, request, {"\n    return (x +": 1.0}).best
    assert answer.holes and all(start >= len(request) for start, _ in answer.holes)
    assert answer.partial.startswith(request)


def test_a_run_abstains_where_all_that_runs_breaks(box):
    request = 'def order(words: list[str]) -> list[str]:\n    """Sort the words by their length."""'
    known = {"\n    return sorted(words, key=lambda y: len(x) + 1)": 0.9, "\n    return lenght(words)": 0.1}
    result = search(box, request, known)
    assert (result.outcome, result.best.passed) == ("abstained", True)
    assert result.answer.breakage.exceptions == ("NameError",)
    known["\n    return words"] = 0.01
    assert search(box, request, known).best.program.endswith("return words")


PARSE = "Turn a duration such as '2m' into seconds."
LIKELY_BREAKS = {
    "\ndef seconds(text):\n    return int(text) * 60": 0.7,
    "\ndef seconds(text):\n    return int(text[:-1]) * 60 if text[-1:] == 'm' else 0": 0.3,
}


def test_a_program_that_raises_on_a_value_that_the_request_names_is_not_accepted(box):
    result = search(box, PARSE, LIKELY_BREAKS)
    assert result.best.program.endswith("else 0") and result.outcome == "accepted"
    assert [describe_failure(each) for each in result.attempts[0].failures] == [
        "seconds('2m') raised ValueError, and the request names this value"
    ]
    only = search(box, PARSE, {text: 1.0 for text in list(LIKELY_BREAKS)[:1]}, config=SearchConfig(votes=1))
    assert (only.outcome, only.best.failures[0].kind) == ("abstained", FailureKind.RAISED_ON_NAMED)


def test_a_program_whose_function_takes_no_call_of_the_request_is_not_accepted(box):
    config, wrong, right = SearchConfig(votes=1), ", more):\n    return 2 * x\n", "):\n    return x * factor\n"
    result = search(box, "Write scaled(x, factor).", {wrong: 1.0}, config=config)
    assert [describe_failure(each) for each in result.best.failures] == [
        "the request asks for scaled(x, factor), and the program defines scaled(x, factor, more)"
    ]
    assert result.outcome == "abstained" and describe_ending(result).sentence == "abstained: no program passed"
    assert search(box, "Write scaled(x, factor).", {right: 1.0}, config=config).outcome == "accepted"


def test_a_program_without_the_function_that_the_request_names_is_not_accepted(box):
    program = "\ndef scale(x, factor):\n    return x * factor\n"
    result = search(box, "Write scaled(x, factor).", {program: 1.0}, config=SearchConfig(votes=1), style=PLAIN_CHAT)
    assert (result.outcome, explain_abstention(result)) == ("abstained", "no program defines scaled")
    assert [describe_failure(each) for each in result.best.failures] == [
        "the program does not define scaled, which the request asks for"
    ]


def test_examples_verify_an_answer_only_where_it_is_probable_enough(box):
    request = 'def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(5)\n    6\n    """'
    known = {"\n    return x + 1": 0.6, "\n    return x": 0.4}
    sure, doubtful = (ModelProfile("m", reliability=replace(CURVE, enough=enough)) for enough in (0.0, 1.0))
    result = search(box, request, known, profile=sure)
    assert (result.standing, result.answer.probability is None) == (Standing.VERIFIED, False)
    result = search(box, request, known, profile=doubtful)
    assert (result.outcome, result.standing) == ("accepted", Standing.UNVERIFIED)
    assert describe_ending(result).sentence.startswith("unverified: the program passed 2 examples, but too many")
    of_mutants = replace(doubtful, reliability=replace(CURVE, weights={"undecided": -1.0}, enough=1.0))
    result = search(box, request, known, profile=of_mutants, config=SearchConfig(mutants=0))
    assert (result.standing, result.answer.probability) == (Standing.VERIFIED, None), "such a search was not learned of"
