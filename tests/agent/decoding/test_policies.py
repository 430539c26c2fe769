"""A policy is called by its name, and by its threshold where that is another than its own."""

from dataclasses import replace

import pytest

from agent.decoding.policies import ADADEC, GREEDY, POLICIES, USCD, name_policy
from agent.decoding.samplers import Temperature


@pytest.mark.parametrize("name", POLICIES)
def test_each_policy_has_its_own_name(name):
    assert name_policy(POLICIES[name]) == name


def test_another_threshold_stands_behind_the_name():
    assert name_policy(replace(ADADEC, gate=replace(ADADEC.gate, threshold=1.25))) == "adadec@1.25"
    assert name_policy(replace(USCD, gate=replace(USCD.gate, threshold=0.5))) == "uscd@0.5"


def test_a_policy_of_other_parts_is_told_by_them():
    other = replace(GREEDY, sampler=Temperature(0.3))
    assert name_policy(other) == repr(other) and "0.3" in name_policy(other)
