"""What a client is shown of a document: holes and problems, diagnostics, changes that can be made, hovers."""

import json
import math
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from agent.program.failures import Failure, FailureKind
from agent.program.holes import find_holes
from agent.program.spans import Replacement, Severity, SpanKind, UncertainSpan
from agent.program.surprises import ReadToken
from agent.servers.lsp.answers import describe_token, list_actions, list_diagnostics
from agent.servers.lsp.documents import Document, Reading
from agent.servers.lsp.filling import list_together
from agent.servers.lsp.findings import describe_hole, examine, join_spans
from agent.servers.lsp.model_work import Settings
from agent.servers.lsp.options import read_options
from agent.workflow.filled import FilledHole, Filling

SOURCE = "def f(xs):\n    n = ...  # dubito: fill the length\n    # dubito: fill\n    return xs[n]\n"
ALL = types.Range(types.Position(0, 0), types.Position(99, 0))


def make_document(text, *spans, version=3, problem=None):
    document = Document("file:///m.py", version, text, PositionCodec())
    document.spans, document.problem = spans, problem
    return document


def uncertain(start, end, *others, severity=Severity.WARNING, evidence=""):
    replacements = tuple(Replacement(*each) for each in others)
    return UncertainSpan(
        "m.py", start, end, SpanKind.UNCERTAIN, severity, 0.03, alternatives=replacements, evidence=evidence
    )


def test_holes_are_found_and_what_is_scored_has_the_same_offsets_without_them():
    found = examine(SOURCE, "m.py")
    assert [SOURCE[each.start : each.end] for each in found.holes] == ["...", "# dubito: fill"]
    assert found.problem is None and len(found.text) == len(SOURCE) and "dubito" not in found.text
    assert examine("x = 1\n", "m.py") == ((), "x = 1\n", None)
    assert examine("", "m.py") == ((), "", None)


@pytest.mark.parametrize(
    ("source", "offset", "sentence"),
    [
        ("x = 1\ny = = 2\n", 6, "m.py:2: this is no Python (invalid syntax); mend it first"),
        ("x = '\ud800'\n", 5, "a character here is no text"),
        ("x = 1\n" * 80_000, 0, "m.py has 480,000 characters, and a model reads at most 400,000 of a file; split it"),
    ],
)
def test_what_cannot_be_scored_has_one_sentence_at_its_place(source, offset, sentence):
    problem = examine(source, "m.py").problem
    assert problem.offset == offset and sentence in problem.sentence
    (shown,) = list_diagnostics(make_document(source, problem=problem))
    assert shown.severity == types.DiagnosticSeverity.Information and shown.source == "dubito"
    assert shown.range.start.line == source.count("\n", 0, offset)


def test_spans_are_diagnostics_with_codes_severities_and_what_the_model_expected():
    document = make_document(
        "total = xs\n", uncertain(0, 5, ("sum", 0.9), ("s", 0.05)), uncertain(8, 10, severity=Severity.INFO)
    )
    first, second = list_diagnostics(document)
    assert first.message == "the model would write `sum` (0.90) or `s` (0.05) in place of `total` (0.03)"
    assert (first.code, first.severity) == ("DUB101", types.DiagnosticSeverity.Warning)
    assert first.range == types.Range(types.Position(0, 0), types.Position(0, 5))
    assert (second.message, second.severity) == (
        "the model gives `xs` a probability of 0.03",
        types.DiagnosticSeverity.Information,
    )


def test_a_hole_hides_doubts_about_its_mark_and_is_filled_on_demand_until_fillings_are_there():
    hint, comment = find_holes(SOURCE)
    spans = [describe_hole(SOURCE, each, "m.py") for each in (hint, comment)]
    joined = join_spans(spans, [uncertain(4, 5), uncertain(hint.start, hint.end), spans[0]])
    assert [span.start for span in joined] == [4, hint.start, comment.start]
    document = make_document(SOURCE, *joined)
    codes = [(each.code, each.message) for each in list_diagnostics(document)][1:]
    assert codes == [("DUB201", "to be filled: the length"), ("DUB201", "code is missing here")]
    titles = [(each.title, each.command.arguments) for each in list_actions(document, ALL, versioned=True)]
    assert titles == [("Dubito: fill the hole", ["file:///m.py", each.start]) for each in (hint, comment)]


def test_a_filling_takes_the_place_of_the_hole_and_its_comment():
    hint, _ = find_holes(SOURCE)
    fillings = (Filling("len(xs) - 1", math.log(0.5), 0.0, 2), Filling("0", math.log(0.2), 0.0, 1))
    span = describe_hole(SOURCE, hint, "m.py", FilledHole(hint, fillings, 3, 9, 1, 4, examples=2))
    document = make_document(SOURCE.replace("\n", "\r\n"), span)
    (shown,) = list_diagnostics(document)
    assert shown.message == ("the best filling passes 2 of 2 examples")
    first, second = list_actions(document, ALL, versioned=True)
    assert (first.title, second.title) == ("Dubito: fill with len(xs) - 1 (0.50)", "Dubito: fill with 0 (0.20)")
    (change,) = first.edit.document_changes
    assert (change.text_document.uri, change.text_document.version) == ("file:///m.py", 3)
    assert apply(document, change.edits) == SOURCE.replace("...  # dubito: fill the length", "len(xs) - 1")


def apply(document, edits):
    (edit,) = edits
    start, end = document.offset(edit.range.start), document.offset(edit.range.end)
    return document.source[:start] + edit.new_text + document.source[end:]


def test_an_alternative_is_offered_where_it_is_asked_for_and_without_a_version_where_the_client_takes_none():
    document = make_document("a = 1\nb = 2\n", uncertain(0, 1, ("x", 0.9)), uncertain(6, 7, ("y", 0.8), ("z", 0.1)))
    second = types.Range(types.Position(1, 0), types.Position(1, 0))
    actions = list_actions(document, second, versioned=False)
    assert [each.title for each in actions] == ["Dubito: replace by y (0.80)", "Dubito: replace by z (0.10)"]
    assert [apply(document, each.edit.changes["file:///m.py"]) for each in actions] == [
        "a = 1\ny = 2\n",
        "a = 1\nz = 2\n",
    ]
    assert actions[0].diagnostics == [list_diagnostics(document)[1]] and actions[0].kind == "quickfix"
    long = make_document("a\n", uncertain(0, 1, ("x" * 99 + "\n\x1b", 0.9)))
    (action,) = list_actions(long, ALL, versioned=True)
    assert action.title == f"Dubito: replace by {'x' * 59}… (0.90)"


TOKENS = [
    ReadToken(0, 0.0),
    ReadToken(1, 3.5, ((" 1", 0.9), ("\n", 0.02))),
    ReadToken(3, 0.01),
    ReadToken(5, 4.6, (("b`", 0.99),)),
    ReadToken(6, 0.0),
]
READ = "a =\nb" + "b\n"  # tokens: a| =|\nb|b|\n


def hover(document, line, column):
    return describe_token(document, types.Position(line, column))


def test_a_hover_shows_what_else_was_expected_at_a_token_that_was_read():
    document = make_document(READ)
    assert hover(document, 0, 2) is None, "nothing was read yet"
    document.reading = Reading(READ, TOKENS)
    shown = hover(document, 0, 2)
    assert shown.text == "Dubito: the model gives `=` a probability of 0.03 here; it expected\n\n- `1` 0.90\n- `⏎` 0.02"
    assert shown.range == types.Range(types.Position(0, 2), types.Position(0, 3))
    assert hover(document, 1, 1).text.endswith("- `` b` `` 0.99")
    assert hover(document, 0, 0) is None and hover(document, 1, 0) is None, "nothing else was expected"
    assert hover(document, 1, 2) is None, "the last token may not be whole"
    document.reading = Reading(READ, [each._replace(expected=(("\ufffd", 0.9),)) for each in TOKENS])
    assert hover(document, 0, 2) is None, "a part of a character is nothing to show"


def test_a_hover_finds_its_token_again_where_the_text_has_changed_elsewhere():
    document = make_document(READ)
    document.reading = Reading(READ, TOKENS)
    place = types.Range(types.Position(0, 0), types.Position(0, 1))
    document.change(2, [types.TextDocumentContentChangePartial(place, "# new\nlonger")])
    assert hover(document, 1, 7).range == types.Range(types.Position(1, 7), types.Position(1, 8))
    assert hover(document, 0, 2) is None and hover(document, 1, 2) is None
    inside = types.Range(types.Position(1, 7), types.Position(1, 8))
    document.change(3, [types.TextDocumentContentChangePartial(inside, "==")])
    assert hover(document, 1, 7) is None


def test_holes_of_one_statement_of_the_module_are_filled_together():
    source = "x = ...\n\n\n@cache\ndef f():\n    y = ...\n    return ...\n\n\ndef g():\n    # dubito: fill\n"
    holes = find_holes(source)
    assert [list_together(source, holes, each) for each in holes] == [
        [holes[0]], list(holes[1:3]), list(holes[1:3]), [holes[3]],
    ]  # fmt: skip


def test_options_of_the_client_come_first_and_wrong_ones_are_said_and_left_out():
    own = Settings("models/tiny", None, 10)
    assert read_options(None, own) == (own, ())
    assert read_options({"model": "other", "most": 3, "sandbox": None}, own) == (Settings("other", None, 3), ())
    settings, complaints = read_options({"most": 0, "model": 5, "modle": "x", "sandbox": True}, own)
    assert settings == own and list(complaints) == [
        "the option most is 0; wanted 1 to 100; it is left out",
        "the option model is '5'; wanted a text; it is left out",
        "initializationOptions have 'modle'; wanted model, sandbox or most; it is left out",
        "the option sandbox is 'True'; wanted a text; it is left out",
    ]
    assert "wanted an object" in read_options([1], own).complaints[0]


def test_the_client_for_vs_code_has_a_setting_for_each_option():
    manifest = json.loads((Path(__file__).parents[3] / "editors" / "vscode" / "package.json").read_text())
    properties = manifest["contributes"]["configuration"]["properties"]
    options = {name: {"model": "x", "sandbox": "x", "most": 5}[name] for name in Settings.__dataclass_fields__}
    assert {*properties} == {"dubito.command", *(f"dubito.{name}" for name in options)}
    assert read_options(options, Settings("y", None, 1)) == (Settings("x", "x", 5), ())


def test_a_filling_that_fails_is_known_to_fail():
    hole = find_holes("x = ...\n")[0]
    filling = Filling("1", -1.0, 0.0, 0, Failure(FailureKind.RETURNED, 0, "x", "1", "2"))
    span = describe_hole("x = ...\n", hole, "m.py", FilledHole(hole, (filling,), 1, 1, 1, 1, examples=1))
    assert span.evidence == "the best filling passes 0 of 1 example"
