"""Numbers over outcomes, against numbers known from elsewhere."""

import itertools
import math
import statistics

import pytest

from benchmarks.reports.metrics import bootstrap_mean, bootstrap_p, mcnemar, pass_at_k, wilson


def test_pass_at_one_is_the_share_that_passes():
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)


def test_pass_at_k_counts_samples_without_a_pass():
    assert pass_at_k(5, 2, 3) == pytest.approx(1 - math.comb(3, 3) / math.comb(5, 3))
    assert pass_at_k(5, 3, 3) == 1.0


def test_pass_at_k_refuses_a_k_above_the_samples():
    with pytest.raises(ValueError, match="wanted 0 <= passed <= samples"):
        pass_at_k(2, 1, 3)


def test_wilsons_interval_holds_the_share_and_stays_a_probability():
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == pytest.approx(1.0)
    share, low, high = wilson(50, 100)
    assert (share, round(low, 4), round(high, 4)) == (0.5, 0.4038, 0.5962)


def test_mcnemar_is_exact():
    assert mcnemar(16, 4) == pytest.approx(0.011818, abs=1e-6)  # DS-1.3B, HumanEval: AdaDec against greedy
    assert mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(
    ("gained", "lost"), [(600, 500), (500, 600), (512, 512), (1023, 1), (0, 5000), (20_000, 19_000)]
)
def test_mcnemar_is_exact_however_many_problems_differ(gained, lost):
    from scipy.stats import binomtest

    assert mcnemar(gained, lost) == pytest.approx(binomtest(gained, gained + lost).pvalue, rel=1e-9)


def test_the_estimator_is_the_share_of_all_choices_of_k_samples_that_hold_a_pass():
    for samples, passed, k in ((6, 2, 3), (7, 0, 2), (5, 5, 1), (8, 1, 8)):
        choices = list(itertools.combinations([True] * passed + [False] * (samples - passed), k))
        assert pass_at_k(samples, passed, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_a_bootstrap_interval_is_that_of_the_normal_distribution_for_many_problems():
    values = [float(n % 10) for n in range(1000)]
    mean, low, high = bootstrap_mean(values)
    half = 1.96 * statistics.pstdev(values) / math.sqrt(1000)
    assert mean == pytest.approx(4.5)
    assert (low, high) == (pytest.approx(4.5 - half, abs=0.02), pytest.approx(4.5 + half, abs=0.02))


def test_a_bootstrap_is_the_same_every_time_and_holds_its_mean():
    assert bootstrap_mean([1.0, 2.0, 9.0]) == bootstrap_mean([1.0, 2.0, 9.0])
    assert bootstrap_mean([2.0]) == (2.0, 2.0, 2.0)
    assert all(map(math.isnan, bootstrap_mean([])))
    for differences in ([1] + [0] * 9, [0.5, 0.5] + [0] * 8, [1, 1, 1, -1] + [0] * 30):
        p = bootstrap_p(differences)
        assert p > 0.1 and abs(p - bootstrap_p([-each for each in differences])) < 0.05
    assert bootstrap_p([0.0, 0.0]) == 1.0 and bootstrap_p([0.5, -0.5] * 20) > 0.5 and bootstrap_p([0.2] * 9) < 0.01
