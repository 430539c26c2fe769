"""Spans are said in one sentence, and written as editors' matchers and SARIF's schema want them, whatever they hold."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from agent.files.jsonc import read_json
from agent.program.spans import FileSpans, Replacement, Severity, SpanKind, UncertainSpan
from agent.views.editor_lines import write_editor_lines
from agent.views.editor_setup import PROBLEM, write_vscode_tasks
from agent.views.sarif import write_sarif
from agent.views.spans import describe_spans, draw_spans, say_span, summarise_spans
from agent.views.text import json_text

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
SOURCE = "x = '😀'; y = n\nz = f(\n    1)\n"


def uncertain(text, *alternatives, source=SOURCE, file="src/a b.py", probability=0.02, severity=Severity.WARNING):
    start = source.index(text)
    others = tuple(Replacement(*each) for each in alternatives)
    return UncertainSpan(
        file, start, start + len(text), SpanKind.UNCERTAIN, severity, probability, alternatives=others
    )  # fmt: skip


def scored(*spans, source=SOURCE, file="src/a b.py"):
    return FileSpans(file, source, spans)


SPAN = uncertain("n", ("n - 1", 0.9), ("n + 1", 0.05))
NASTY = [
    uncertain("n", ("\x1b[2J\x07\r\nsrc/b.py:1:1-1:2: error: [DUB101] lies", 0.9)),
    uncertain("n", ("a" * 500, 0.5), ("b" * 500, 0.3), ("c" * 500, 0.1)),
    uncertain("f(\n    1)", ("g(\u2028\u202e)", 0.5)),
    UncertainSpan("a.py", 0, 1, SpanKind.FAILED, Severity.ERROR, evidence="f(1) raised\nE: " + "x" * 900),
    UncertainSpan("C:\\dir\\a.py", 0, 0, SpanKind.ABSTAINED, Severity.INFO),
    UncertainSpan("a:1:2.py", 3, 9999, SpanKind.HOLE, Severity.INFO, 0.31, is_learned=True, evidence="a hole"),
    uncertain("n", ("\ud800", 0.5)),
]


def read_problem(line):
    """Return what VS Code's matcher reads in a line, by the names of its pattern."""
    (pattern,) = {json.dumps(task["problemMatcher"]["pattern"]) for task in write_vscode_tasks("x")[:2]}
    groups = json.loads(pattern)
    match = re.match(groups.pop("regexp"), line)
    assert match, line
    return {name: match[number] for name, number in groups.items()}


def test_a_span_is_said_as_what_the_model_would_write_in_its_place():
    wanted = "the model would write `n - 1` (0.90) or `n + 1` (0.05) in place of `n` (0.02)"
    assert say_span(SOURCE, SPAN) == wanted


def test_a_learned_probability_is_said_to_be_one():
    span = UncertainSpan("a.py", 0, 1, SpanKind.UNCERTAIN, Severity.INFO, 0.31, is_learned=True)
    assert say_span(SOURCE, span) == "`x` is right with probability 0.31"
    assert say_span(SOURCE, uncertain("x")) == "the model gives `x` a probability of 0.02"


def test_a_person_sees_the_line_with_a_mark_below_the_span():
    assert draw_spans(scored(SPAN)).split("\n")[1:] == ["    1 │ x = '😀'; y = n", f"      │ {' ' * 14}^"]
    tabs = "if x:\n\ty = n\n"
    assert draw_spans(scored(uncertain("n", source=tabs), source=tabs)).endswith("│ \t    ^")
    assert draw_spans(scored(uncertain("f(\n    1)"))).endswith(f"│ {' ' * 4}^^")


def test_the_summary_counts_spans_files_and_warnings():
    assert summarise_spans([scored()]) == "no span of 1 file is in doubt"
    assert summarise_spans([scored(SPAN), scored()]) == "1 doubtful span in 2 files, 1 warning among them"


def test_an_editor_line_has_columns_in_units_of_utf_16():
    (line,) = write_editor_lines(scored(SPAN))
    assert line.startswith("src/a b.py:1:15-1:16: warning: [DUB101] the model would write `n - 1`")


@pytest.mark.parametrize("span", [SPAN, *NASTY], ids=range(len(NASTY) + 1))
def test_each_span_is_one_line_that_the_matcher_reads(span):
    (line,) = write_editor_lines(FileSpans(span.file, SOURCE, (span,)))
    assert line.isprintable() and len(line) <= 220, line
    problem = read_problem(line)
    assert (problem["file"], problem["severity"], problem["code"]) == (span.file, span.severity, span.code)
    assert 1 <= int(problem["line"]) <= int(problem["endLine"])
    assert re.fullmatch(PROBLEM, line)


def test_spans_that_begin_at_one_place_share_a_line_and_the_gravest_one_comes_first():
    failed = UncertainSpan("a.py", SPAN.start, SPAN.end + 1, SpanKind.FAILED, Severity.ERROR, evidence="f(1) is 2")
    (line,) = write_editor_lines(scored(SPAN, failed))
    assert "1:15-2:1: error: [DUB301] f(1) is 2; the model would write" in line


def test_sarif_is_what_its_schema_says():
    files = [scored(SPAN), *(FileSpans(span.file, SOURCE, (span,)) for span in NASTY), scored()]
    log = json.loads(json_text(write_sarif(files, version="0.1.0", folder=Path("/project"))))
    jsonschema.validate(log, SCHEMA)
    assert len(log["runs"][0]["results"]) == len(NASTY) + 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**log, "version": "2.0"}, SCHEMA)


def test_sarif_says_place_rank_and_fixes():
    (run,) = write_sarif([scored(SPAN, file="/project/src/ä.py")], version="1", folder=Path("/project"))["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/%C3%A4.py"} and run["columnKind"] == "utf16CodeUnits"
    region = {name: value for name, value in place["region"].items() if name != "snippet"}
    assert region == {"startLine": 1, "startColumn": 15, "endLine": 1, "endColumn": 16}
    assert (result["level"], result["rank"], result["ruleId"]) == ("warning", 98.0, "DUB101")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "DUB101"
    (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement == {"deletedRegion": region, "insertedContent": {"text": "n - 1"}}


def fingerprint(source):
    span = uncertain("n", source=source)
    (result,) = write_sarif([scored(span, source=source)], version="1", folder=Path())["runs"][0]["results"]
    return result["partialFingerprints"]


def test_a_fingerprint_stays_where_code_is_moved_or_indented():
    above, code = "a = b\n" * 20, "if x:\n  y = n\n"
    assert fingerprint(above + code) == fingerprint("c = d\n" + above + "if x:\n        y = n\n\n")
    assert fingerprint(above + code) != fingerprint(above + code.replace("y", "z"))


def test_plain_data_has_lines_and_columns_in_characters():
    (span,) = describe_spans(scored(SPAN))["spans"]
    assert (span["line"], span["column"], span["end_column"], span["text"]) == (1, 14, 15, "n")
    assert span["alternatives"][0] == {"text": "n - 1", "probability": 0.9} and span["code"] == "DUB101"


def test_the_repository_has_the_tasks_that_any_project_gets():
    written = read_json((ROOT / ".vscode" / "tasks.json").read_text())
    assert written == {"version": "2.0.0", "tasks": write_vscode_tasks("${workspaceFolder}/.venv/bin/dubito")}
