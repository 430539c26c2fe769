"""Where problems come from, and what is said when they cannot be had."""

import gzip
import json
import subprocess
import sys
from urllib.error import URLError

import pytest
from data import HUMANEVAL_PLUS as HUMANEVAL
from data import MBPP_PLUS as MBPP
from data import needs_data as needs_files

import benchmarks
from benchmarks import BENCHMARKS, DatasetError
from benchmarks.evalplus import human_eval
from benchmarks.evalplus import mbpp as mbpp_plus

HUMANEVAL_PLUS, MBPP_PLUS = human_eval(HUMANEVAL), mbpp_plus(MBPP)
needs_evalplus = pytest.mark.usefixtures("evalplus")


@pytest.fixture(scope="module")
def evalplus():
    return pytest.importorskip("evalplus.data", reason="needs evalplus (pip install 'dubito[bench]')")


def test_importing_the_registry_loads_nothing_heavy():
    code = (
        "import sys, benchmarks, benchmarks.judging.checker; print({'evalplus', 'numpy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_an_unknown_benchmark_names_those_there_are():
    with pytest.raises(KeyError, match=rf"no benchmark 'humaneval'.*choose from {', '.join(BENCHMARKS)}"):
        benchmarks.find_problem("humaneval/0")


@needs_files
@needs_evalplus
def test_problems_are_as_evalplus_has_them():
    first = HUMANEVAL_PLUS.problem("HumanEval/0")
    assert first.prompt.startswith("from typing import List") and first.entry_point == "has_close_elements"
    assert first.base_inputs[0] == ([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) and first.atol == 0.0
    second = MBPP_PLUS.problem("Mbpp/2")
    assert second.prompt.startswith('"""\nWrite a function to find the shared elements')
    assert second.base_inputs[0] == ((3, 4, 5, 6), (5, 7, 4, 10))  # tuples, which JSON has not


@needs_files
@needs_evalplus
@pytest.mark.parametrize(
    ("made", "unknown", "span"),
    [
        (HUMANEVAL_PLUS, "HumanEval/999", "HumanEval/0 … HumanEval/163"),
        (MBPP_PLUS, "Mbpp/1", "Mbpp/2 … Mbpp/809"),
    ],
)
def test_an_unknown_id_is_refused_with_the_ids_that_exist(made, unknown, span):
    with pytest.raises(KeyError, match=f"no problem '{unknown}'; wanted {span}"):
        made.problem(unknown)


@needs_files
@needs_evalplus
def test_the_environment_names_the_file_even_after_evalplus_was_imported(monkeypatch):
    from evalplus.data import mbpp

    before = mbpp.MBPP_OVERRIDE_PATH
    monkeypatch.setenv("MBPP_OVERRIDE_PATH", str(MBPP))
    assert len(list(mbpp_plus())) == 378
    assert before == mbpp.MBPP_OVERRIDE_PATH  # evalplus is left as it was


def packed(text):
    return gzip.compress(text.encode())


@needs_evalplus
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "FileNotFoundError"),
        (b"not gzip", "BadGzipFile"),
        (packed("{}" * 9000)[:-20], "Error"),
        (packed("[1, 2"), "JSONDecodeError"),
        (packed("[1, 2]"), "TypeError"),
        (packed("{}"), "KeyError"),
        (packed('{"task_id": "HumanEval/0"}'), "AssertionError"),
        (packed(""), "it holds no problems"),
        (gzip.compress(b"\xff\xfe"), "UnicodeDecodeError"),
    ],
    ids=[
        "missing",
        "no-gzip",
        "cut",
        "no-json",
        "no-object",
        "no-id",
        "few-fields",
        "empty",
        "no-utf8",
    ],  # packed bytes hold the time
)
def test_a_file_that_cannot_be_read_says_what_to_try(tmp_path, content, reason):
    path = tmp_path / "HumanEvalPlus.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"cannot read .*{reason}.*; set HUMANEVAL_OVERRIDE_PATH to a ") as caught:
        human_eval(path).problem("HumanEval/0")
    assert str(path) in str(caught.value)


FIELDS = {
    "task_id": "Mbpp/124", "prompt": "", "entry_point": "f", "canonical_solution": "",
    "base_input": [], "plus_input": [], "atol": 0, "contract": "", "assertion": "", "base_input_hash": "",
}  # fmt: skip


@needs_evalplus
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_input": [["hidden 5421", "1"]]}, "ValueError"),
        ({"base_input": [[]]}, "IndexError"),
        ({"task_id": "Mbpp/722", "base_input": [["hidden 5421"]]}, "AttributeError"),
        ({"task_id": "Mbpp/3", "base_input": [5421]}, "TypeError"),
        ({"task_id": "Mbpp/3", "prompt": ["hidden 5421"]}, "TypeError"),
        ({"task_id": "Mbpp/3", "atol": "hidden 5421"}, "ValueError"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_without_naming_an_input(tmp_path, changes, reason):
    from evalplus.data import mbpp

    path = tmp_path / "MbppPlus.jsonl.gz"
    path.write_bytes(packed(json.dumps(FIELDS | changes) + "\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mbpp, "completeness_check", lambda *_: None)  # one record is not the whole set
        with pytest.raises(DatasetError, match=rf"cannot read .*\({reason}\); set MBPP_OVERRIDE_PATH") as caught:
            next(iter(mbpp_plus(path)))
    assert "5421" not in str(caught.value)


@needs_evalplus
def test_a_device_in_a_files_place_is_not_read():
    with pytest.raises(DatasetError, match="it is no regular file"):
        human_eval("/dev/zero").problem("HumanEval/0")


@needs_evalplus
def test_no_network_says_what_to_try_and_nothing_else(monkeypatch, capsys):
    from evalplus.data import humaneval

    def offline(*_, **__):
        print("Downloading")  # noqa: T201 - as evalplus does
        raise URLError("no route to host")

    monkeypatch.delenv("HUMANEVAL_OVERRIDE_PATH", raising=False)
    monkeypatch.setattr(humaneval, "HUMANEVAL_OVERRIDE_PATH", None)
    monkeypatch.setattr(humaneval, "make_cache", offline)
    with pytest.raises(DatasetError, match=r"from evalplus .*no route to host.*set HUMANEVAL_OVERRIDE_PATH"):
        next(iter(human_eval()))
    assert capsys.readouterr() == ("", "")


def test_a_missing_evalplus_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "evalplus.data.humaneval", None)
    with pytest.raises(DatasetError, match=r"pip install 'dubito\[bench\]'"):
        human_eval().problem("HumanEval/0")
