"""Thresholds follow from pairs of score and rank; the paper's recipe gives the paper's thresholds."""

import math
from itertools import pairwise

import numpy as np
import pytest
from data import found
from hypothesis import given
from hypothesis import strategies as st

from uncertainty.thresholds import (
    RECIPES,
    Ranked,
    find_recipe,
    pause_rate_threshold,
    threshold_curve,
    threshold_point,
    utility_threshold,
    youden_threshold,
)

TOKENS = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), st.integers(1, 5)), min_size=1, max_size=40)


def ranked(pairs, tasks=()):
    scores, ranks = zip(*pairs, strict=True)
    return Ranked(np.array(scores, float), np.array(ranks), np.array(tasks, np.int64))


def sample_tokens(count, *, seed=0, gap=1.0):
    """Tokens whose rank is above 1 the more often, the higher the score."""
    random = np.random.default_rng(seed)
    scores = random.exponential(0.7, count)
    ranks = np.where(random.random(count) < 1 / (1 + np.exp(2 - 2 * gap * scores)), random.integers(2, 6, count), 1)
    return Ranked(scores, ranks, np.arange(count) // 20)


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "published"), [("qwen3-0.6b", 1.321288), ("stable-3b", 1.100469)])
def test_the_papers_recipe_gives_the_published_thresholds(name, published):
    import pyarrow.parquet as parquet

    file = found(f"entropy-rank-{name}.parquet")
    if not file.is_file():
        pytest.skip(f"needs {file.name}, a table of AdaDec's authors, beside HumanEvalPlus.jsonl.gz")
    table = parquet.read_table(file, columns=["Entropy", "Rank"])
    data = Ranked(table["Entropy"].to_numpy().astype(float), table["Rank"].to_numpy())
    assert round(find_recipe("adadec")(data), 6) == published


@given(TOKENS, st.floats(0, 1))
def test_a_budget_is_kept_and_no_lower_threshold_keeps_it(pairs, share):
    data = ranked(pairs)
    threshold = pause_rate_threshold(data, share)
    assert threshold_point(data, threshold).paused <= share
    lower = data.scores[data.scores < threshold]
    assert not len(lower) or threshold_point(data, float(lower.max())).paused > share


@given(TOKENS)
def test_youden_is_the_best_of_all_thresholds(pairs):
    data = ranked(pairs)
    wrong = data.misranked
    if 0 < wrong.sum() < len(wrong):

        def gain(threshold):
            paused = data.scores >= threshold
            return paused[wrong].mean() - paused[~wrong].mean()

        best = max(map(gain, data.scores))
        if best > 0:
            assert math.isclose(gain(youden_threshold(data)), best)
        else:
            with pytest.raises(ValueError, match="no threshold follows"):
                youden_threshold(data)


def test_youden_finds_nothing_where_right_tokens_have_the_higher_scores():
    with pytest.raises(ValueError, match="no threshold follows"):
        youden_threshold(Ranked(np.array([2.0, 1.0]), np.array([1, 2])))


@given(TOKENS)
def test_the_curve_rises_with_the_pause_rate(pairs):
    points = threshold_curve(ranked(pairs))
    assert all(before.paused <= after.paused for before, after in pairwise(points))
    if ranked(pairs).misranked.any():
        assert all(each.reachable <= each.caught <= 1 for each in points)


def test_expected_pauses_where_a_pause_pays():
    data = ranked([(0.1, 1)] * 60 + [(2.0, 2)] * 30 + [(1.0, 1)] * 30, [number % 10 for number in range(120)])
    assert utility_threshold(data) == 2.0


def test_one_task_is_too_few_to_leave_one_out():
    with pytest.raises(ValueError, match="at least two"):
        utility_threshold(ranked([(1.0, 1), (2.0, 2)], [0, 0]))
    assert utility_threshold(ranked([(1.0, 1), (2.0, 2)] * 4, [0, 0, 1, 1] * 2)) == 2.0


def test_expected_never_pauses_where_no_pause_pays():
    assert utility_threshold(ranked([(0.1, 1), (2.0, 9)] * 50)) == math.inf


def test_no_task_decides_about_itself():
    """One task alone gains by pausing, so a threshold learned without it gains nothing on it."""
    data = ranked([(0.5, 1)] * 50 + [(3.0, 2)] * 10, [number // 10 for number in range(60)])
    assert utility_threshold(data) == math.inf


@pytest.mark.parametrize("recipe", [*RECIPES, "budget=0.1"])
def test_each_recipe_learns_a_threshold_that_separates(recipe):
    data = sample_tokens(4_000)
    effect = threshold_point(data, find_recipe(recipe)(data))
    assert 0 < effect.paused < 0.5 and effect.caught > effect.paused
    assert 0.7 < data.auroc() < 1


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ("mean", "unknown recipe 'mean'; choose from adadec, youden, expected, budget=R"),
        ("budget=1.5", "budget=1.5 came; wanted a share"),
        ("budget", "budget= came; wanted a share of the tokens, as in budget=0.05"),
    ],
)
def test_an_unknown_recipe_is_refused_with_the_recipes(recipe, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_recipe(recipe)


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([(1.0, 1), (math.nan, 1)], "score 1 is nan; wanted finite numbers"),
        ([(1.0, 0)], "rank 0 is 0; wanted whole numbers from 1"),
    ],
)
def test_what_is_no_data_is_refused(pairs, sentence):
    with pytest.raises(ValueError, match=sentence):
        ranked(pairs)


def test_an_empty_table_and_columns_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="no tokens"):
        Ranked(np.empty(0), np.empty(0, np.int64))
    with pytest.raises(ValueError, match="2 scores, 1 ranks and 0 tasks came"):
        Ranked(np.ones(2), np.ones(1, np.int64))


@pytest.mark.parametrize("recipe", ["adadec", "youden"])
@pytest.mark.parametrize(("rank", "kind"), [(1, "no"), (2, "every")])
def test_tokens_of_one_kind_teach_nothing(recipe, rank, kind):
    with pytest.raises(ValueError, match=f"{kind} token is misranked"):
        find_recipe(recipe)(ranked([(0.5, rank)] * 9))


def test_the_papers_recipe_refuses_what_it_cannot_fit():
    with pytest.raises(ValueError, match="no threshold follows"):
        find_recipe("adadec")(sample_tokens(500, gap=-1.0))
    with pytest.raises(ValueError, match="2 tokens are too few"):
        find_recipe("adadec")(ranked([(0.5, 1), (1.0, 2)]))


def test_a_budget_of_all_tokens_pauses_everywhere_and_of_none_nowhere():
    data = ranked([(0.5, 1), (0.2, 2), (0.9, 1)])
    assert (pause_rate_threshold(data, 1.0), pause_rate_threshold(data, 0.0), pause_rate_threshold(data, 0.4)) == (
        0.2,
        math.inf,
        0.9,
    )
    hundred = ranked([(number / 100, 1) for number in range(100)])
    assert threshold_point(hundred, pause_rate_threshold(hundred, 0.29)).paused == 0.29
    assert pause_rate_threshold(data, math.nextafter(2 / 3, 0)) == 0.9


def test_a_budget_is_a_share():
    with pytest.raises(ValueError, match="the budget is 3"):
        pause_rate_threshold(sample_tokens(10), 3)
    assert math.isnan(ranked([(1.0, 1)]).auroc()) and math.isnan(threshold_point(ranked([(1.0, 1)]), 0).caught)
