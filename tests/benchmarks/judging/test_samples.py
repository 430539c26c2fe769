"""Samples are judged one by one; a broken record is named and stops no other; the numbers are those by hand."""

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from data import SHARED
from fakes_sandbox import InProcessSandbox
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import benchmarks
from agent.cli import components
from agent.cli.app import app
from agent.errors import InvalidRequestError
from benchmarks import find_problem
from benchmarks.base import Problem
from benchmarks.judging.expected import References
from benchmarks.judging.report import build_report, describe_too_few_samples
from benchmarks.judging.sample_file import read_samples
from benchmarks.judging.samples import JudgedSample, Sample, UnjudgedSample, judge_samples
from sandbox import SandboxError, open_sandbox
from sandbox.forkserver import Starved

FIRST, SECOND = find_problem("exercises/0"), find_problem("exercises/1")
WRONG = "def {}(*_): return 'no'"
RIGHT = {"task_id": "exercises/0", "solution": FIRST.reference_program}


def line(task_id, **fields):
    return json.dumps({"task_id": task_id, **fields})


def right(task, note=""):
    return line(task.task_id, solution=f"{task.reference_program}# {note}")


def wrong(task, note=""):
    return line(task.task_id, solution=f"{WRONG.format(task.entry_point)}  # {note}")


def base_only(task):
    """A sample that knows the base tests by heart."""
    known = f"{list(map(list, task.base_inputs))!r}"
    program = f"{task.reference_program}\nreal = {task.entry_point}\n"
    return line(
        task.task_id,
        solution=f"{program}def {task.entry_point}(*a): return real(*a) if list(a) in {known} else Ellipsis\n",
    )


def written(folder, *lines, name="samples.jsonl"):
    path = folder / name
    data = "\n".join([*lines, ""]).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def sample(number):
    return Sample(number, FIRST, f"{FIRST.reference_program}# {number}")


def verdicts(reading, box=None, **options):
    return build_report(judge_samples(reading.samples, box or InProcessSandbox(), **options), [1])


def check(*arguments):
    return CliRunner().invoke(app, ["bench", "check", "--sandbox", "process", *map(str, arguments)])


BROKEN = [
    ("nonsense", "this is not JSON (Expecting value)"),
    ("[1]", "not a JSON object but a list"),
    ('"exercises/0"', "not a JSON object but a str"),
    ('{"solution": ""}', "the record has no task_id"),
    ('{"task_id": ["exercises/0"], "solution": ""}', "the record has no task_id"),
    (line("exercises/99999", solution=""), "no exercise 'exercises/99999'"),
    (line("human\ud800eval/0", solution=""), "no benchmark 'human\\ud800eval'"),
    (line("exercises/0"), "neither solution nor completion"),
    (line("exercises/0", solution=["a", "b"]), "the solution of exercises/0 is not a string"),
    (line("exercises/0", solution=None, completion=""), "the solution of exercises/0 is not a string"),
    (line("exercises/0", completion=7), "the completion of exercises/0 is not a string"),
    (line("exercises/0", solution="#" * ((1 << 24) + 1)), "has 16777217 characters; the most is 16777216"),
    ("[" * 100_000, "this is not JSON (maximum recursion depth exceeded"),
    (f'{{"task_id": {"7" * 5000}}}', "this is not JSON (Exceeds the limit"),
]


@pytest.mark.parametrize(("bad", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_a_broken_record_is_named_by_its_line_and_stops_no_other(tmp_path, bad, reason):
    reading = read_samples(written(tmp_path, right(FIRST), bad, "", right(SECOND)))
    assert [sample.line for sample in reading.samples] == [1, 4]
    assert [each.line for each in reading.broken] == [2] and reason in reading.broken[0].reason


def test_bytes_that_are_no_text_are_a_broken_record_too(tmp_path):
    path = written(tmp_path, right(FIRST))
    path.write_bytes(b"\xff\xfe\n" + path.read_bytes())
    assert [each.line for each in read_samples(path).broken] == [1]


def test_a_last_record_without_its_newline_counts_and_a_torn_one_is_named(tmp_path):
    path = written(tmp_path, right(FIRST), right(SECOND))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert len(read_samples(path).samples) == 2
    path.write_bytes(whole[:-9])
    reading = read_samples(path)
    assert ([each.line for each in reading.samples], [each.line for each in reading.broken]) == ([1], [2])
    assert "the last record is cut off" in reading.broken[0].reason


def test_a_gzipped_file_reads_the_same_and_a_torn_one_up_to_there(tmp_path):
    lines = [right(FIRST, number) for number in range(2000)]
    path = written(tmp_path, *lines, name="samples.jsonl.gz")
    assert read_samples(path).samples == read_samples(written(tmp_path, *lines)).samples
    path.write_bytes(path.read_bytes()[:-2000])
    reading = read_samples(path)
    assert 0 < len(reading.samples) < 2000
    assert [(each.line, "cut off" in each.reason) for each in reading.broken] == [(len(reading.samples) + 1, True)]


def test_a_completion_goes_behind_the_prompt_and_a_solution_wins_over_it(tmp_path):
    both = line("exercises/0", solution="pass", completion=FIRST.canonical_solution)
    path = written(tmp_path, line("exercises/0", completion=FIRST.canonical_solution), both)
    assert [sample.program for sample in read_samples(path).samples] == [FIRST.reference_program, "pass"]


def test_a_completion_of_an_exported_prompt_is_judged_with_its_line_break_and_without(tmp_path):
    bodies = [FIRST.canonical_solution, FIRST.canonical_solution.removeprefix("\n")]
    assert bodies[0] == "\n" + bodies[1]
    path = written(tmp_path, *(line("exercises/0", completion=body) for body in bodies))
    assert {sample.program for sample in read_samples(path).samples} == {FIRST.reference_program}


def test_a_file_of_two_data_sets_is_refused_until_one_is_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", "nowhere")  # a data set that is not asked for is not opened
    path = written(tmp_path, right(FIRST), right(find_problem("exercises/far/0")))
    with pytest.raises(
        InvalidRequestError, match=r"holds samples of exercises and exercises/far, .*name the one to judge"
    ):
        read_samples(path)
    path = written(tmp_path, right(FIRST), right(find_problem("exercises/far/0")), line("HumanEval/0", solution=""))
    assert [sample.line for sample in read_samples(path, dataset="Exercises").samples] == [1]
    assert [sample.line for sample in read_samples(path, dataset="exercises/far").samples] == [2]
    assert [sample.line for sample in read_samples(path, tasks=["exercises/0"]).samples] == [1]


def test_only_the_named_tasks_are_read(tmp_path):
    path = written(tmp_path, right(FIRST), right(SECOND), wrong(FIRST))
    assert [sample.line for sample in read_samples(path, tasks=["exercises/0"]).samples] == [1, 3]
    with pytest.raises(InvalidRequestError, match="holds no samples of exercises/7"):
        read_samples(path, tasks=["exercises/7"])


def test_equal_programs_of_a_task_are_judged_once(tmp_path):
    lines = [right(FIRST), wrong(FIRST), right(FIRST), right(SECOND), right(FIRST)]
    reading, box = read_samples(written(tmp_path, *lines)), InProcessSandbox()
    verdicts(reading)  # the canonical solutions are known from here on
    outcomes = verdicts(reading, box)
    assert len(box.runs) == 3 * 2, "a base and a plus run of each program, the wrong one too"
    assert [(each.line, each.passed) for each in outcomes.judged] == [(n, n != 2) for n in range(1, 6)]


def test_pass_at_k_is_as_by_hand(tmp_path):
    lines = [right(FIRST), wrong(FIRST), base_only(FIRST), right(SECOND), right(SECOND, "again")]
    outcomes = verdicts(read_samples(written(tmp_path, *lines)))
    assert outcomes.pass_at(1, "base") == pytest.approx((2 / 3 + 1) / 2)
    assert outcomes.pass_at(1, "plus") == pytest.approx((1 / 3 + 1) / 2)
    assert outcomes.pass_at(2, "plus") == pytest.approx((1 - 1 / 3 + 1) / 2)  # 1 of FIRST's 3 pairs has no right one
    assert outcomes.pass_at(3, "plus") is None
    assert (dict(outcomes.verdicts("base")), dict(outcomes.verdicts("plus"))) == (
        {"passed": 4, "failed": 1},
        {"passed": 3, "failed": 2},
    )


def test_too_few_samples_are_reported_with_the_k_that_can_be_computed(tmp_path):
    samples = read_samples(written(tmp_path, right(FIRST), right(FIRST), right(SECOND))).samples
    assert describe_too_few_samples(samples, [1]) is None
    assert describe_too_few_samples(samples, [10, 2, 1]) == (
        "exercises/1 has the fewest samples (1), so pass@2 and pass@10 cannot be computed; k up to 1 can"
    )
    assert describe_too_few_samples([], [1]) is None


LINES = [right(FIRST), wrong(FIRST), base_only(FIRST), right(FIRST), wrong(SECOND), right(SECOND), "torn", "[]"]


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(LINES), workers=st.sampled_from([1, 3]))
def test_neither_the_order_of_lines_nor_the_workers_change_a_number(tmp_path_factory, order, workers):
    def numbers(lines, **options):
        reading = read_samples(written(tmp_path_factory.getbasetemp(), *lines))
        record = build_report(
            [*reading.broken, *judge_samples(reading.samples, InProcessSandbox(), **options)], [1, 2]
        ).record()
        record["results"] = {task: sorted((r["base"], r["plus"]) for r in rs) for task, rs in record["results"].items()}
        return {**record, "not_judged": sorted(each["reason"] for each in record["not_judged"])}

    assert numbers(order, workers=workers) == numbers(LINES)


class Slow(InProcessSandbox):
    def run(self, program, **options):
        time.sleep(0.01)
        return super().run(program, **options)


def test_threads_that_need_one_canonical_solution_run_it_once():
    box, known = Slow(), References()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: known.expected(box, FIRST, plus=False), range(4)))
    assert len(box.runs) == 1


def test_closing_ends_the_threads_before_the_next_program():
    box = Slow()
    stream = judge_samples([sample(number) for number in range(50)], box, workers=2)
    next(stream)
    stream.close()
    ran = len(box.runs)
    time.sleep(0.05)
    assert len(box.runs) == ran < 50


class Failing(InProcessSandbox):
    """Runs so many programs, then nothing any more."""

    def run(self, program, **options):
        if len(self.runs) == 4:
            raise SandboxError("docker is not answering")
        return super().run(program, **options)


class Killed(InProcessSandbox):
    """Fails on one program, and on no other."""

    def run(self, program, **options):
        if "+ 3" in program:
            raise SandboxError("it died twice on one program")
        return super().run(program, **options)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_program_that_the_sandbox_fails_on_stops_no_other(workers):
    problem = Problem("test/2", "", "f", "def f(x): return x", ((2,),), ((3,),))
    samples = [Sample(number, problem, f"def f(x): return x + {number}") for number in range(6)]
    outcomes = list(judge_samples(samples, Killed(), workers=workers))
    assert [(each.base, each.plus) for each in outcomes] == [("passed", "passed")] + [("failed", "failed")] * 5


class Odd(InProcessSandbox):
    """Breaks on one program in a way that nobody has thought of."""

    def run(self, program, **options):
        if "+ 3" in program:
            raise RuntimeError("5421")
        return super().run(program, **options)


class Shaken(InProcessSandbox):
    """Fails once, on a program that it runs the next time."""

    def run(self, program, **options):
        if "+ 0" in program and (self.struck is not None):
            self.struck = None
            raise SandboxError("it died; said: 5421")
        return super().run(program, **options)


def test_a_bug_on_one_sample_ends_no_other_and_its_words_are_kept_back(caplog):
    problem = Problem("test/5", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(
        judge_samples([Sample(number, problem, f"def f(x): return x + {number}") for number in range(6)], Odd())
    )
    assert [(each.base, each.plus) for each in outcomes] == [("passed", "passed")] + [("failed", "failed")] * 5
    assert caplog.messages == ["judging line 3 broke (RuntimeError); it counts as failed"]


def test_a_machine_without_memory_is_no_programs_fault_and_stops_no_other():
    class Small(InProcessSandbox):
        def run(self, program, **options):
            if "+ 1" in program:
                raise Starved("the machine ran out of memory")
            return super().run(program, **options)

    problem = Problem("test/9", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(
        judge_samples([Sample(number, problem, f"def f(x): return x + {number}") for number in range(3)], Small())
    )
    assert [type(each) for each in outcomes] == [JudgedSample, UnjudgedSample, JudgedSample]
    assert outcomes[1] == UnjudgedSample(1, "the machine ran out of memory", sandbox_failed=True)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Starved("the machine ran out of memory"), "the machine ran out of memory"),
        (OSError(24, "Too many open files: 5421"), "the canonical solution of test/OSError did not run (OSError)"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_canonical_solution_that_the_machine_did_not_run_costs_one_sample_and_no_task(
    error, reason, workers, monkeypatch
):
    class Struck(InProcessSandbox):
        def run(self, program, **options):
            if self.struck is not None:
                self.struck = None
                raise error
            return super().run(program, **options)

    monkeypatch.setattr("benchmarks.judging.samples.REFERENCES", References())
    task = Problem(f"test/{type(error).__name__}", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(
        judge_samples([Sample(n, task, f"def f(x): return x + {n}") for n in range(3)], Struck(), workers=workers)
    )
    (unjudged,) = (each for each in outcomes if isinstance(each, UnjudgedSample))
    assert (unjudged.reason, unjudged.sandbox_failed) == (reason, True)
    assert len(outcomes) == 3


def test_a_machine_without_memory_for_anything_is_asked_again_for_the_next_sample():
    class Full(InProcessSandbox):
        def run(self, program, **options):
            if program == "":
                raise Starved("the machine ran out of memory")
            if "+ 1" in program:
                raise SandboxError("it died")
            return super().run(program, **options)

    task = Problem("test/11", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(judge_samples([Sample(n, task, f"def f(x): return x + {n}") for n in range(3)], Full()))
    assert [type(each) for each in outcomes] == [JudgedSample, UnjudgedSample, JudgedSample]


def test_a_sandbox_that_fails_once_judges_the_sample_again():
    problem = Problem("test/6", "", "f", "def f(x): return x", ((2,),), ((3,),))
    (outcomes,) = judge_samples([Sample(1, problem, "def f(x): return x + 0")], Shaken())
    assert outcomes.passed


def test_the_reason_of_a_failed_sandbox_is_not_the_last_programs():
    class Dying(InProcessSandbox):
        def run(self, program, **options):
            if program == "":
                raise SandboxError("docker is not answering\x1b[2J" + "x" * 10_000)
            if "+ 3" in program:
                raise SandboxError("f(5421) said this")
            return super().run(program, **options)

    problem = Problem("test/7", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(
        judge_samples([Sample(number, problem, f"def f(x): return x + {number}") for number in (0, 3, 4)], Dying())
    )
    assert [type(each) for each in outcomes] == [JudgedSample, UnjudgedSample, UnjudgedSample]
    assert "docker is not answering" in outcomes[1].reason and "5421" not in outcomes[1].reason
    assert len(outcomes[1].reason) < 400 and outcomes[1].reason.isprintable() and outcomes[1].sandbox_failed


def test_a_canonical_solution_that_the_sandbox_dies_of_leaves_its_task_without_verdicts():
    problem = Problem("test/8", "", "f", "def f(x): return x + 3", ((2,),), ((3,),))
    outcomes = list(judge_samples([Sample(1, problem, "def f(x): return x"), Sample(2, FIRST, "")], Killed()))
    assert [type(each) for each in outcomes] == [UnjudgedSample, JudgedSample]
    assert "the canonical solution of test/8 fails here" in outcomes[0].reason


def test_a_sandbox_that_fails_costs_no_verdict_that_there_was():
    problem = Problem("test/1", "", "f", "def f(x): return x", ((2,),), ((3,),))
    outcomes = list(
        judge_samples([Sample(number, problem, f"def f(x): return x + {number}") for number in range(9)], Failing())
    )
    assert [each.line for each in outcomes] == list(range(9))
    assert [isinstance(each, JudgedSample) for each in outcomes] == [True] + [False] * 8
    assert outcomes[0].passed and "docker is not answering" in outcomes[1].reason and outcomes[-1].sandbox_failed


def test_no_sample_has_a_verdict_where_the_canonical_solution_fails_and_no_input_is_named():
    broken = Problem("test/0", "", "f", "def f(x): return 1 / (x - 5421)", ((2,),), ((5421,),))
    programs, box = ("def f(x): return 1 / (x - 5421)", "def f(x): return 'no'"), InProcessSandbox()
    outcomes = list(judge_samples([*(Sample(3, broken, program) for program in programs), Sample(4, FIRST, "")], box))
    assert [type(each) for each in outcomes] == [UnjudgedSample, UnjudgedSample, JudgedSample]
    assert "canonical solution of test/0 fails here" in outcomes[0].reason and "5421" not in str(asdict(outcomes[0]))
    assert sum("5421" in program for program, *_ in box.runs) == 2, "its base and plus tests, once"


def test_the_command_prints_a_table_and_names_broken_records(tmp_path):
    path = written(tmp_path, right(FIRST), wrong(FIRST), "torn", line("exercises/0", solution="def f("), right(SECOND))
    result = check(path, "--k", "1,2", "--workers", "2")
    assert result.exit_code == 1
    rows = [row.split() for row in result.stdout.splitlines()]
    assert rows == [
        ["tasks", "2"],
        ["samples", "4"],
        ["records", "not", "judged", "1"],
        ["base", "plus"],
        ["pass@1", "0.667", "0.667"],
        ["pass@2", "-", "-"],
        ["passed", "2", "2"],
        ["failed", "1", "2"],
        ["syntax", "error", "1", "0"],
    ]
    assert f"{path}:3: this is not JSON" in result.stderr
    assert "exercises/1 has the fewest samples (1), so pass@2 cannot be computed" in result.stderr
    assert "4/4 tried, 2 passed" in result.stderr


def test_json_has_totals_and_each_verdict_and_no_hidden_input(tmp_path):
    path = written(tmp_path, right(FIRST), base_only(FIRST), right(SECOND))
    result = check(path, "--json", "--tasks", "exercises/0, exercises/1")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "tasks": 2,
        "samples": 3,
        "pass_at_k": {"base": {"1": 1.0}, "plus": {"1": 0.75}},
        "verdicts": {"base": {"passed": 3}, "plus": {"passed": 2, "failed": 1}},
        "not_judged": [],
        "results": {
            "exercises/0": [
                {"line": 1, "base": "passed", "plus": "passed"},
                {"line": 2, "base": "passed", "plus": "failed"},
            ],
            "exercises/1": [{"line": 3, "base": "passed", "plus": "passed"}],
        },
        "exit_code": 0,
    }


def test_a_file_with_nothing_but_broken_records_is_counted_out(tmp_path):
    result = check(written(tmp_path, "{", "}"), "--json")
    record = json.loads(result.stdout)
    assert (result.exit_code, record["tasks"], len(record["not_judged"])) == (1, 0, 2)
    assert record["pass_at_k"] == {"base": {"1": None}, "plus": {"1": None}}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.jsonl"], "cannot read 'nothing.jsonl': No such file"),
        (["."], "the folder '.' holds no programs; wanted files as HumanEval_0/0.py"),
        (["empty.jsonl"], "'empty.jsonl' holds no samples"),
        (["not.gz"], "cannot read 'not.gz': Not a gzipped file"),
        (["one.jsonl", "--k", "0"], "--k '0' came; wanted whole numbers from 1 on"),
        (["one.jsonl", "--k", "1,"], "--k '1,' came"),
        (["one.jsonl", "--k", "9" * 5000], "--k '99"),
        (["one.jsonl", "--dataset", "apps"], "no benchmark 'apps'; choose from HumanEval, Mbpp"),
        (["one.jsonl", "--dataset", "mbpp"], "'one.jsonl' holds no samples of Mbpp"),
        (["one.jsonl", "--tasks", "exercises/99999"], "no exercise 'exercises/99999'"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_in_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, right(FIRST), name="one.jsonl")
    for name in ("empty.jsonl", "not.gz"):
        (tmp_path / name).write_text("\n" if name == "empty.jsonl" else right(FIRST))
    result = check(*arguments)
    assert (result.exit_code, sentence in result.stderr, result.stdout) == (2, True, ""), result.output


def test_ctrl_c_says_so_and_exits_with_130(tmp_path, monkeypatch):
    class Interrupted(InProcessSandbox):
        def run(self, program, **options):
            raise KeyboardInterrupt

    monkeypatch.setattr(components, "start_sandbox", lambda *_, **__: Interrupted())
    result = check(written(tmp_path, right(find_problem("exercises/2"))))
    assert result.exit_code == 130 and "dubito: interrupted" in result.stderr


@pytest.fixture
def data_sets(monkeypatch):
    """HumanEval+ and MBPP+ from the shared files, whatever was loaded before."""
    pytest.importorskip("evalplus.data", reason="needs evalplus (pip install 'dubito[bench]')")
    loaded = {name: benchmarks.BENCHMARKS[name] for name in ("HumanEval", "Mbpp")}
    for name, benchmark in loaded.items():
        path = SHARED / f"{name}Plus.jsonl.gz"
        if not path.is_file():
            pytest.skip(f"needs {path.name} in ../shared/data, seen from the repository")
        monkeypatch.setenv(f"{name.upper()}_OVERRIDE_PATH", str(path))
        benchmark.cache_clear()
    yield
    for benchmark in loaded.values():
        benchmark.cache_clear()


@pytest.mark.usefixtures("data_sets")
def test_samples_of_humaneval_and_mbpp_are_judged_by_their_tests(tmp_path):
    for task in (find_problem("HumanEval/1"), find_problem("Mbpp/3")):
        path = written(tmp_path, right(task), wrong(task), line(task.task_id, completion=task.canonical_solution))
        record = json.loads(check(path, "--json").stdout)
        assert [each["plus"] for each in record["results"][task.task_id]] == ["passed", "failed", "passed"]


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("data_sets")
@pytest.mark.parametrize(("name", "total"), [("HumanEval", 164), ("Mbpp", 378)])
def test_all_canonical_solutions_pass(tmp_path, name, total):
    path = written(tmp_path, *(right(task) for task in benchmarks.open_benchmark(name)))
    box = open_sandbox("docker", memory_mib=3072)
    try:
        outcomes = verdicts(read_samples(path), box)
    finally:
        box.close()
    failed = [each for each in (*outcomes.judged, *outcomes.unjudged) if not getattr(each, "passed", False)]
    assert (failed, outcomes.pass_at(1, "plus"), len(outcomes.judged)) == ([], 1.0, total)
