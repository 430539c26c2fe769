"""`dubito fill` prints fillings, a diff or an object, writes a file whole or not at all, or refuses in one sentence."""

import json

import pytest
from filling import FillingLM
from text_model import byte_model, save
from typer.testing import CliRunner

from agent.cli.app import app
from agent.program.holes import find_holes

SOURCE = 'def double(x):\n    """Say.\n\n    >>> double(2)\n    4\n    """\n    return ...\n'
FILLED = SOURCE.replace("return ...", "return x * 2")
LONG = "".join(f"a{number} = {number}\n" for number in range(3_000))


@pytest.fixture
def fill(tmp_path, monkeypatch):
    """Return a function that runs the command with a fake model, on a file of this text."""
    model = FillingLM({"x * 2": 0.9, "x": 0.1}).filler()
    monkeypatch.setattr("agent.lm.open.open_lm", lambda name, **options: model)

    def run(*options, source=SOURCE, file="a.py", stdin=None):
        if stdin is None and source is not None:
            (tmp_path / file).write_bytes(source if isinstance(source, bytes) else source.encode())
        place = "-" if stdin is not None else str(tmp_path / file)
        arguments = ["fill", place, "--model", "models/tiny", "--sandbox", "process", "--max-tokens", "20", *options]
        return CliRunner().invoke(app, arguments, input=stdin)

    return run


def test_a_pipe_gets_the_filled_program_alone_and_stderr_the_report(fill, tmp_path):
    result = fill()
    assert (result.exit_code, result.stdout) == (0, FILLED), result.output
    assert "line 7: return ...\n" in result.stderr and "passes 1 of 1 example\n" in result.stderr
    assert (tmp_path / "a.py").read_text() == SOURCE, "nothing is written without --write"


def test_stdin_is_filled_as_a_file_is(fill):
    assert fill(stdin=SOURCE).stdout == FILLED
    assert "--- a/stdin\n" in fill("--diff", stdin=SOURCE).stdout


def test_diff_prints_the_diff_and_no_report(fill, tmp_path):
    result = fill("--diff")
    assert result.stdout.splitlines()[2:] == [
        "@@ -4,4 +4,4 @@", "     >>> double(2)", "     4", '     """', "-    return ...", "+    return x * 2",
    ]  # fmt: skip
    assert "probability" not in result.output and (tmp_path / "a.py").read_text() == SOURCE


def test_write_writes_the_best_fillings_and_shows_the_diff(fill, tmp_path):
    result = fill("--write")
    assert (tmp_path / "a.py").read_text() == FILLED and result.exit_code == 0
    assert "+    return x * 2\n" in result.stdout and "probability" in result.stderr and "wrote " in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"], "no partial file is left"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_write_keeps_line_ends_and_the_byte_order_mark(fill, tmp_path, mark, ending):
    fill("--write", source=mark + SOURCE.replace("\n", ending).encode())
    assert (tmp_path / "a.py").read_bytes() == mark + FILLED.replace("\n", ending).encode()


def test_write_keeps_mixed_line_ends(fill, tmp_path):
    mixed = SOURCE.replace(">>> double(2)\n", ">>> double(2)\r\n")
    fill("--write", source=mixed)
    assert (tmp_path / "a.py").read_bytes() == mixed.replace("return ...", "return x * 2").encode()


def test_a_file_that_was_changed_meanwhile_is_left_alone(fill, tmp_path, monkeypatch):
    from agent.workflow import fill as workflow

    def fill_while_somebody_writes(*arguments):
        (tmp_path / "a.py").write_text("x = 1\n")
        return original(*arguments)

    original = workflow.fill_holes
    monkeypatch.setattr(workflow, "fill_holes", fill_while_somebody_writes)
    result = fill("--write")
    assert result.exit_code == 2 and "was changed meanwhile, so nothing was written" in result.stderr
    assert "+    return x * 2\n" in result.stdout, "the filling is not lost"
    assert (tmp_path / "a.py").read_text() == "x = 1\n"


def test_json_is_one_object(fill):
    record = json.loads(fill("--json").stdout)
    (hole,) = record["holes"]
    assert (record["program"], record["written"], record["exit_code"]) == (FILLED, False, 0)
    assert (hole["fillings"][0]["text"], hole["fillings"][0]["passed"]) == ("x * 2", 1)
    assert hole["fillings"][0]["score"] == pytest.approx(
        hole["fillings"][0]["logprob"] + hole["fillings"][0]["suffix_logprob"]
    )


def test_a_best_filling_that_fails_an_example_is_code_1(fill):
    result = fill(source=SOURCE.replace("    4\n", "    5\n"))
    assert result.exit_code == 1 and "passes 0 of 1 example: double(2) returned 4, wanted 5" in result.stderr
    assert result.stdout, "it is still the best one"


def test_a_filling_that_fails_an_example_is_never_written(fill, tmp_path):
    wrong = SOURCE.replace("    4\n", "    5\n")
    result = fill("--write", source=wrong)
    assert result.exit_code == 1 and (tmp_path / "a.py").read_text() == wrong
    assert "stays as it was; the filled file fails an example, so nothing was written" in result.stderr
    assert "return x * 2\n" in result.stderr and "+    return" not in result.output, "no diff of what was not done"
    assert "+    return x * 2\n" in fill("--diff", source=wrong).stdout
    assert json.loads(fill("--write", "--json", source=wrong).stdout)["written"] is False


def test_a_file_that_nothing_fits_is_code_1_and_stays(fill, tmp_path):
    result = fill("--write", "--max-tokens", "1", source="x = f(1, ...)\n")
    assert result.exit_code == 1 and "no filling: none of 6 texts of the model fits there" in result.stderr
    assert "stays as it was" in result.stderr and (tmp_path / "a.py").read_text() == "x = f(1, ...)\n"
    assert fill("--max-tokens", "1", source="x = f(1, ...)\n").stdout == ""


REFUSED = [  # options, the file's text, the sentence
    ([], "x = 1\n", "a.py has no hole; put `...` where code is missing, or the comment `# dubito: fill`"),
    ([], "", "has no hole"),
    ([], b"# \xe9\nx = ...\n", "is not UTF-8 text (byte 2)"),
    ([], "x = ...\ny = (\n", "a.py:2: with `...` in its holes this is no Python"),
    ([], None, "there is no such file"),
    (["--model", "nosuch/"], SOURCE, "there is no such folder"),
    (["--sandbox", "jail"], SOURCE, "unknown sandbox 'jail'"),
    (["--fillings", "0"], SOURCE, "Invalid value for '--fillings'"),
    (["--weights", "float7"], SOURCE, "unknown weights 'float7'"),
]


@pytest.mark.parametrize(("options", "source", "sentence"), REFUSED, ids=[sentence for *_, sentence in REFUSED])
def test_a_wrong_request_is_code_2_and_one_sentence(fill, options, source, sentence):
    result = fill(*options, source=source)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("dubito: ") and sentence in result.stderr and result.stderr.count("\n") == 1


def test_a_folder_and_writing_to_stdin_are_refused(fill, tmp_path):
    result = CliRunner().invoke(app, ["fill", str(tmp_path)])
    assert result.exit_code == 2 and "is a folder; wanted a regular file" in result.stderr
    result = fill("--write", stdin=SOURCE)
    assert result.exit_code == 2 and "--write came with stdin, which is no file" in result.stderr


def test_a_model_that_can_fill_nothing_is_refused(tmp_path):
    save(byte_model(), tmp_path / "model")
    (tmp_path / "a.py").write_text(SOURCE)
    arguments = ["fill", str(tmp_path / "a.py"), "--model", str(tmp_path / "model"), "--sandbox", "process"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and "no fill-in-the-middle tokens and takes no chat turn" in result.stderr
    assert result.stderr.count("dubito: ") == 1


@pytest.mark.model
def test_the_embedded_model_fills_a_hole_of_its_world(tmp_path):
    source = (
        'def f(xs: list[int]) -> int:\n    """Return the sum of the numbers in xs that are even.\n\n'
        '    >>> f([1, 2, 4])\n    6\n    """\n    return sum(x for x in xs if ...)\n'
    )
    (tmp_path / "a.py").write_text(f"{LONG}{source}")
    arguments = ["fill", str(tmp_path / "a.py"), "--model", "models/tiny", "--sandbox", "process", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--max-tokens", "16"])
    record = json.loads(result.stdout)
    (hole,) = record["holes"]
    assert hole["fillings"] and hole["shown_lines"][0] > 2_000, "the context of 1024 tokens is cut around the hole"
    compile(record["program"], "filled", "exec")


@pytest.mark.real
@pytest.mark.timeout(600)
def test_a_real_model_fills_holes_that_pass_their_examples(real_model, tmp_path):
    source = (
        'def median(xs: list[int]) -> int:\n    """Return the median of a list of odd length.\n\n'
        '    >>> median([3, 1, 2])\n    2\n    """\n    ordered = sorted(xs)\n    return ...\n\n\n'
        'def count_vowels(s: str) -> int:\n    """Return the number of vowels in s."""\n'
        "    # dubito: fill with a sum\n\n\nassert count_vowels('Hello') == 2\n"
    )
    (tmp_path / "a.py").write_text(source)
    arguments = ["fill", str(tmp_path / "a.py"), "--model", real_model, "--sandbox", "process", "--write"]
    result = CliRunner().invoke(app, [*arguments, "--max-tokens", "60", "--fillings", "2"])
    assert result.exit_code == 0, result.output
    program = (tmp_path / "a.py").read_text()
    names = {}
    exec(program, names)
    assert names["median"]([9, 5, 7]) == 7 and names["count_vowels"]("sky") == 0
    assert "dubito" not in program and len(find_holes(source)) == 2
