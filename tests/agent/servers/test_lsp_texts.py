"""A client's text, its changes and its positions are those of the client, in each encoding and with all line ends."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from agent.files.changes import plain_text
from agent.program.spans import Severity, SpanKind, UncertainSpan
from agent.servers.lsp.carrying import carry_spans, compare_texts
from agent.servers.lsp.documents import Document

KINDS = types.PositionEncodingKind
ENCODINGS = {KINDS.Utf8: ("utf-8", 1), KINDS.Utf16: ("utf-16-le", 2), KINDS.Utf32: ("utf-32-le", 4)}
TEXTS = st.text("ab é\U0001f600\n\r\f\u2028", max_size=20)


def client_position(text, offset, kind):
    """Return a position as an editor counts it: lines end at \\n, \\r\\n and \\r alone."""
    before = plain_text(f"x{text[:offset]}")[1:]
    before = before[:-1] if text[offset - 1 : offset + 1] == "\r\n" else before  # not between the two
    line = before.rpartition("\n")[2]
    encoding, size = ENCODINGS[kind]
    return types.Position(before.count("\n"), len(line.encode(encoding)) // size)


def make_document(text, kind=KINDS.Utf16):
    return Document("file:///a/m%20x.py", 1, text, PositionCodec(kind))


@given(TEXTS, st.sampled_from(list(ENCODINGS)), st.lists(st.tuples(TEXTS, st.randoms()), max_size=4))
def test_incremental_changes_give_the_text_of_the_client(text, kind, edits):
    document, changes = make_document(text, kind), []
    for new, chance in edits:
        start, end = sorted(chance.randint(0, len(text)) for _ in range(2))
        start, end = (each - (text[each - 1 : each + 1] == "\r\n") for each in (start, end))
        place = types.Range(client_position(text, start, kind), client_position(text, end, kind))
        changes.append(types.TextDocumentContentChangePartial(place, new))
        text = text[:start] + new + text[end:]
    document.change(7, changes)
    assert (document.written, document.version, document.source) == (text, 7, plain_text(text))


@given(TEXTS, st.sampled_from(list(ENCODINGS)), st.booleans())
def test_each_character_has_one_position_and_is_found_there(text, kind, mark):
    document = make_document("\ufeff" * mark + text.removeprefix("\ufeff"), kind)
    for offset in range(len(document.source) + 1):
        place = document.range(offset, offset).start
        assert place == client_position("\ufeff" * mark + document.source, offset + mark, kind)
        assert document.offset(place) == offset


@pytest.mark.parametrize("position", [(0, 99), (0, 2), (9, 0), (1, 5)])
def test_a_position_behind_a_line_or_the_text_is_its_end(position):
    assert make_document("ab\ncd").offset(types.Position(*position)) == (2 if position[0] == 0 else 5)


def test_a_whole_text_is_a_change_too_and_new_lines_end_as_the_others_do():
    document = make_document("a\r\nb\r\n")
    assert (document.name, document.write("x\ny")) == ("m x.py", "x\r\ny")
    document.change(2, [types.TextDocumentContentChangeWholeDocument("c\n")])
    assert (document.written, document.write("x\ny")) == ("c\n", "x\ny")


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_two_texts_agree_outside_of_their_change_and_characters_are_found_again(old, new):
    change = compare_texts(old, new)
    assert old[: change.start] == new[: change.start] and old[change.old_end :] == new[change.new_end :]
    assert change.start <= min(change.old_end, change.new_end)
    for offset in range(len(old)):
        place = change.find_new(offset)
        assert (place is None) == (change.start <= offset < change.old_end)
        assert place is None or (old[offset] == new[place] and change.find_old(place) == offset)


def test_spans_that_a_change_does_not_touch_go_along_and_others_go():
    def spans(*places):
        return tuple(UncertainSpan("m.py", *place, SpanKind.UNCERTAIN, Severity.INFO) for place in places)

    old = "one two three four"
    new = "one 2 three four"
    assert carry_spans(spans((0, 3), (4, 7), (8, 13), (14, 18)), compare_texts(old, new)) == spans(
        (0, 3), (6, 11), (12, 16)
    )
    touched = carry_spans(spans((0, 3), (4, 7)), compare_texts(old, old.replace("one", "ones")))
    assert touched == spans((5, 8)), "a longer word is another one"


def test_a_long_text_is_changed_as_fast_as_it_is_copied():
    lines = [f"x{number} = {number}\n" for number in range(20_000)]
    document, chance = make_document("".join(lines)), random.Random(0)
    for version in range(2, 30):
        line = chance.randrange(len(lines))
        place = types.Range(types.Position(line, 0), types.Position(line + 1, 0))
        lines[line] = f"y = {version}\n"
        document.change(version, [types.TextDocumentContentChangePartial(place, lines[line])])
    assert document.written == "".join(lines)
