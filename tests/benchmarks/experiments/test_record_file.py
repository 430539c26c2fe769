"""Files of runs: what stands in them is read, or refused in one sentence. One process at a time writes them."""

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from results import OPTIONS, OUTCOME, dubito, refused, written

from agent.errors import FileAccessError, InvalidRequestError
from agent.lm.base import Model
from agent.program.styles import PROMPT_STYLES
from agent.trace import TraceWriter
from benchmarks import open_benchmark
from benchmarks.experiments.best_of_n import ProblemSamples
from benchmarks.experiments.outcomes import ProblemOutcome, read_outcomes
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import RecordFile, describe_differences, describe_model, digest_prompt, read_run
from benchmarks.experiments.search_examples import SearchExample

RECORDS = {
    "outcome": OUTCOME,
    "sample set": ProblemSamples("t/0", "0", [5, 6], [True, False], [True, False]),
    "search example": SearchExample("t/0", "0", [{"path": 1.0}], [True], {"passed": 1.0}, 2, True, True),
}


def with_line(path, line):
    """Write a file of two outcomes with this line between them."""
    written(path, OUTCOME)
    text = line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
    last = json.dumps({"kind": "outcome", **asdict(OUTCOME)}).encode()
    path.write_bytes(path.read_bytes() + text + b"\n" + last + b"\n")
    return str(path)


# What a line may hold


BAD_VALUES = [
    "text", [], {}, None, True, -1, 1.5, 10**4000, -(10**400), 1e300, float("nan"), float("inf"), [[[]]],
    {"a": {"b": 1}}, "\ud800", "9" * (2**22 + 1), ["t/0"], {"t": 0},
]  # fmt: skip


GOOD_VALUES = [
    ("program", "text"), ("task_id", "text"), ("prompt_sha256", "text"), ("probability", None),
    ("doubt", None), ("doubt", 1.5), ("seconds", 1.5),
]  # fmt: skip


@pytest.mark.parametrize("field", asdict(OUTCOME))
def test_a_value_of_another_kind_is_refused_and_never_raises_anything_else(tmp_path, field):
    for number, value in enumerate(BAD_VALUES):
        file = tmp_path / f"{number}.jsonl"
        line = json.dumps({"kind": "outcome", **asdict(OUTCOME), "task_id": "t/1", field: value})
        with_line(file, line)
        try:
            records = read_outcomes(file)
        except InvalidRequestError as error:
            assert len(str(error)) < 1_000
        else:
            assert len(records) == 2 and (field, value) in GOOD_VALUES, (field, value)


LINES = [
    "[" * 10**6, '{"kind":' * 10**5, "null", "[]", "7", '"text"', "", "nonsense", b"\xff\xfe\x00",
    '{"kind": "outcome"}',
    '{"kind": ["outcome"]}', '{"kind": {"a": 1}}', '{"kind": "provenance"}', '{"kind": "provenance", "options": []}',
    '{"kind": "step", "token": 3}', '{"kind": "outcome", "task_id": []}', "1" * 5000, '{"\ud800": 1}', "\0" * 1000,
]  # fmt: skip
COMMANDS = [["compare"], ["curve"], ["reliability"], ["plot", "--out", "never.png"]]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_over_results_refuses_a_line_that_is_none(tmp_path, monkeypatch, command, line):
    monkeypatch.chdir(tmp_path)
    file = with_line(tmp_path / "a.jsonl", line)
    refused(dubito("bench", command[0], file, *command[1:]), "line 3")
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"], "nothing is written"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_file_of_results_brings_a_command_down(tmp_path, data):
    kind = data.draw(st.sampled_from(list(RECORDS)))
    records = []
    for number in range(data.draw(st.integers(0, 3))):
        record = {"kind": kind, **asdict(RECORDS[kind]), "task_id": f"t/{number}"}
        for field in data.draw(st.lists(st.sampled_from([*record, "more"]), max_size=2)):
            record[field] = data.draw(JSON)
        records.append(record)
    options = data.draw(st.just(OPTIONS) | st.dictionaries(st.sampled_from([*OPTIONS, "threshold", "x"]), JSON))
    lines = [{"kind": "provenance", "options": options}, *records]
    text = "\n".join(json.dumps(line) for line in lines).encode("utf-8", "surrogatepass") + b"\n"
    (tmp_path / "a.jsonl").write_bytes(text)
    for command in ("compare", "curve", "reliability"):
        result = dubito("bench", command, tmp_path / "a.jsonl")
        assert result.exit_code == 0 or result.stderr.count("\n") == 1, result.stderr
        assert "nan" not in result.stdout and "inf" not in result.stdout


def test_fields_of_a_later_version_are_passed_over(tmp_path):
    with_line(tmp_path / "a.jsonl", json.dumps({"kind": "outcome", **asdict(OUTCOME), "task_id": "t/1", "new": [1]}))
    assert len(read_outcomes(tmp_path / "a.jsonl")) == 2


@pytest.mark.parametrize(
    "record", [{"tokens": []}, {"accepted": [True]}, {"tokens": [-1, 2]}, {"passed": [1, 0]}, {"tokens": [1.5, 2]}]
)
def test_samples_that_do_not_belong_together_are_refused(tmp_path, record):
    line = {"kind": "sample set", **asdict(RECORDS["sample set"]), **record}
    written(tmp_path / "a.jsonl")
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    refused(dubito("bench", "curve", tmp_path / "a.jsonl"), "line 2: this is no sound sample set")
    refused(dubito("bench", "sample", "--limit", "1", "--out", tmp_path / "a.jsonl"), "line 2")


# One problem, one record


def test_a_problem_that_stands_twice_counts_once_and_two_stories_of_it_are_refused(tmp_path):
    again = replace(OUTCOME, seconds=9.0)
    assert len(records_in_of(tmp_path / "a.jsonl", OUTCOME, again)) == 1
    refused(
        dubito("bench", "compare", written(tmp_path / "b.jsonl", OUTCOME, replace(OUTCOME, base="failed"))),
        "'t/0' came before, with another outcome",
    )


def records_in_of(path, *records):
    written(path, *records)
    return read_outcomes(path)


def problems(count=3):
    return [open_benchmark("exercises").problem(f"exercises/{number}") for number in range(count)]


def outcome_of(item):
    digest = digest_prompt(item.problem.prompt)
    return replace(OUTCOME, task_id=item.problem.task_id, prompt_sha256=digest, sample=item.sample)


def made(items):
    return map(outcome_of, items)


def kept(problems, path, options, run):
    with closing(RecordFile(path, ProblemOutcome, options)) as file:
        return list(file.resume(map(WorkItem, problems), run))


def test_a_second_run_on_the_same_file_is_refused_while_the_first_writes_it(tmp_path):
    first = RecordFile(tmp_path / "a.jsonl", ProblemOutcome, OPTIONS)
    stream = first.resume(map(WorkItem, problems()), made)
    next(stream)
    with pytest.raises(FileAccessError, match="another process is writing"):
        RecordFile(tmp_path / "a.jsonl", ProblemOutcome, OPTIONS)
    other = subprocess.run(
        [sys.executable, "-c", "import sys; from pathlib import Path; from agent.files.appended import AppendedFile;"
         "AppendedFile(Path(sys.argv[1]), begins=b'{', resume=True)", str(tmp_path / "a.jsonl")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "another process is writing" in other.stderr
    list(stream)
    first.close()
    assert [each.task_id for each in read_outcomes(tmp_path / "a.jsonl")] == [p.task_id for p in problems()]


@pytest.mark.parametrize("cut", [0, 57, 114, 171, 228, 285, 342, 399, 2000])
def test_a_run_killed_at_any_byte_goes_on_with_whole_lines(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    kept(problems(2), path, OPTIONS, made)
    path.write_bytes(path.read_bytes()[: -cut or None])
    assert len(kept(problems(3), path, OPTIONS, made)) == 3
    assert [each.task_id for each in read_outcomes(path)] == [each.task_id for each in problems(3)]


def test_a_run_that_makes_nothing_leaves_no_file(tmp_path):
    file = RecordFile(tmp_path / "a.jsonl", ProblemOutcome, OPTIONS)
    file.close()
    assert not (tmp_path / "a.jsonl").exists()


@pytest.mark.parametrize("text", ["mine\n", '{"kind": "step"}\n', "\0\0\0"])
def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path, text):
    (tmp_path / "a.jsonl").write_text(text)
    refused(dubito("bench", "run", "--limit", "1", "--out", tmp_path / "a.jsonl"), "is left alone")
    assert (tmp_path / "a.jsonl").read_text() == text


def test_a_trace_of_a_single_run_is_no_file_to_go_on_from(tmp_path):
    writer = TraceWriter(tmp_path / "a.jsonl", {"task": "t"})
    writer.write("step", {"token": 1})
    writer.close()
    before = (tmp_path / "a.jsonl").read_bytes()
    refused(dubito("bench", "run", "--limit", "1", "--out", tmp_path / "a.jsonl"), "this is no outcome")
    assert (tmp_path / "a.jsonl").read_bytes() == before


# Options


def test_only_the_options_that_differ_are_named_with_both_values():
    there, here = {**OPTIONS, "threshold": None}, {**OPTIONS, "policy": "adadec", "threshold": 1.0}
    assert describe_differences(there, here) == "policy: greedy there, adadec here; threshold: none there, 1.0 here"
    assert describe_differences(OPTIONS, OPTIONS) == ""
    assert describe_differences({"seed": True}, {"seed": 1}) == "seed: true there, 1 here"


def test_an_option_that_a_file_does_not_name_had_its_default():
    assert describe_differences({}, {"dtype": "auto", "max_tokens": 512, "new": None}) == ""
    assert describe_differences({}, {"dtype": "float32"}) == "dtype: auto there, float32 here"
    assert describe_differences({"gone": "x" * 100, "old": None}, {}) == f"gone: {'x' * 60}… there, none here"


@pytest.mark.parametrize(("name", "value"), [("tests", "0123456789ab"), ("memory_mib", 3072), ("seeds", 2)])
def test_options_that_older_files_lack_count_as_equal_there_and_else_are_compared(tmp_path, name, value):
    kept(problems(1), tmp_path / "old.jsonl", OPTIONS, made)
    assert len(kept(problems(2), tmp_path / "old.jsonl", {**OPTIONS, name: value}, made)) == 2
    kept(problems(1), tmp_path / "new.jsonl", {**OPTIONS, name: None}, made)
    with pytest.raises(InvalidRequestError, match=rf"other options \({name}: none there, {value} here\)"):
        kept(problems(2), tmp_path / "new.jsonl", {**OPTIONS, name: value}, made)


def test_infinite_thresholds_are_the_same_in_the_file_and_here(tmp_path):
    options = {**OPTIONS, "threshold": float("inf")}
    kept(problems(1), tmp_path / "a.jsonl", options, made)
    assert len(kept(problems(1), tmp_path / "a.jsonl", options, lambda items: 1 / 0)) == 1


def test_a_run_with_other_options_is_refused_before_a_model_is_loaded(tmp_path):
    file = written(tmp_path / "a.jsonl", OUTCOME, weights="abc")
    before = (tmp_path / "a.jsonl").read_bytes()
    command = ["bench", "run", "--limit", "1", "--policy", "adadec", "--out", file, "--model", "nowhere/at-all"]
    refused(
        dubito(*command), "made with other options (", "policy: greedy there, adadec here", "model: models/tiny there"
    )
    assert (tmp_path / "a.jsonl").read_bytes() == before


DUBITO = PROMPT_STYLES["dubito"]
OTHER_MODELS = {
    "dtype: int8 there, bfloat16 here": {"dtype": "bfloat16"},
    "prompt_style: dubito [0-9a-f]{12} there, qwen [0-9a-f]{12} here": {"prompt_style": PROMPT_STYLES["qwen"]},
    "prompt_style: dubito .* there, dubito .* here": {
        "prompt_style": replace(DUBITO, sentence=replace(DUBITO.sentence, user="Write this:\n{request}"))
    },
}


@pytest.mark.parametrize("sentence", OTHER_MODELS)
def test_a_run_goes_on_with_the_same_type_of_weights_and_the_same_style_alone(tmp_path, sentence):
    def resume(path, number, **other):
        with closing(RecordFile(path, ProblemOutcome, OPTIONS)) as file:
            model = Model(None, None, "models/tiny", **{"dtype": "int8", "prompt_style": DUBITO, **other})
            file.note_model(describe_model(model))
            return list(file.resume(map(WorkItem, problems(number)), made))

    one, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    resume(one, 1)
    assert len(resume(one, 2)) == 2
    before = one.read_bytes()
    with pytest.raises(InvalidRequestError, match=rf"made with another model \({sentence}\)"):
        resume(one, 3, **OTHER_MODELS[sentence])
    assert one.read_bytes() == before
    resume(other, 3, **OTHER_MODELS[sentence])
    one.write_bytes(before + other.read_bytes())
    with pytest.raises(InvalidRequestError, match=rf"holds runs with different options \({sentence}\)"):
        read_run(one, ProblemOutcome)


@pytest.mark.parametrize("odd", [None, 3, [], {"digest": []}, {"digest": 7}, {"name": "dubito"}, "\ud800"])
def test_a_first_line_with_odd_facts_of_the_model_says_nothing_of_it(tmp_path, odd):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"kind": "provenance", "options": OPTIONS, "prompt_style": odd, "dtype": 3}) + "\n")
    assert set(read_run(file, ProblemOutcome).model) <= {"prompt_style"}


def test_runs_joined_into_one_file_are_refused(tmp_path):
    one, other = written(tmp_path / "a.jsonl", OUTCOME), written(tmp_path / "b.jsonl", seed=1)
    (tmp_path / "c.jsonl").write_bytes(b"".join((tmp_path / f"{n}.jsonl").read_bytes() for n in "ab"))
    assert one and other
    with pytest.raises(InvalidRequestError, match=r"holds runs with different options \(seed: 0 there, 1 here\)"):
        read_run(tmp_path / "c.jsonl", ProblemOutcome)


# Devices and pipes


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "/dev/null", "/", "nowhere/a.jsonl", "/proc/a.jsonl"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_no_file_is_not_read(tmp_path, monkeypatch, command, place):
    monkeypatch.chdir(tmp_path)
    refused(dubito("bench", command[0], place, *command[1:]))


@pytest.mark.parametrize("place", ["nowhere/a.jsonl", "/proc/a.jsonl", "a" * 300 + ".jsonl"])
@pytest.mark.parametrize("command", ["run", "sample"])
def test_a_place_that_cannot_be_written_is_refused_before_a_model_is_loaded(tmp_path, monkeypatch, command, place):
    monkeypatch.chdir(tmp_path)
    refused(
        dubito("bench", command, "--limit", "1", "--out", place, "--model", "nowhere/at-all"),
        "cannot write",
    )
    assert not list(tmp_path.iterdir())
