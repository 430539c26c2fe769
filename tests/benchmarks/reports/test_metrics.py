"""Numbers over outcomes, against numbers known from elsewhere."""

import math

import pytest

from benchmarks.reports.metrics import mcnemar, pass_at_k, wilson


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
