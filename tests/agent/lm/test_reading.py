"""A text that is there already is read token by token, also where it is too long for one reading."""

import pytest
from trie import TrieLM

from agent.errors import InvalidRequestError
from agent.lm import open_lm, reading
from agent.lm.reading import TextReader, read_through
from uncertainty.scores import log_probabilities

TEXT = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"

ROUND = 0.2  # nats: the weights are bfloat16, and other lengths round otherwise

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tiny():
    return open_lm("models/tiny")


def test_each_token_has_its_place_and_what_it_surprised(tiny):
    ids, starts = tiny.tokenizer.encode_with_offsets(TEXT)
    tokens = list(read_through(tiny, TEXT))
    logits = tiny.lm.score_tokens(ids[:1], ids[1:])
    wanted = [-float(log_probabilities(row)[token]) for row, token in zip(logits, ids[1:], strict=True)]
    assert [token.start for token in tokens] == list(starts)
    assert [token.surprisal for token in tokens] == pytest.approx([0.0, *wanted], abs=1e-5)


def test_each_token_has_the_likeliest_others_with_their_probabilities(tiny):
    ids, _ = tiny.tokenizer.encode_with_offsets(TEXT)
    rows = tiny.lm.score_tokens(ids[:1], ids[1:])
    for number, (row, token) in enumerate(zip(rows, list(read_through(tiny, TEXT))[1:], strict=True), start=1):
        best = row.float().softmax(-1).topk(4)
        wanted = [
            (tiny.tokenizer.stream(ids[:number]).feed(other)[1], p)
            for other, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            if other != ids[number] and p >= 0.01
        ]
        assert [text for text, _ in token.expected] == [text for text, _ in wanted]
        assert [p for _, p in token.expected] == pytest.approx([p for _, p in wanted], abs=1e-5)


def test_a_text_of_several_readings_is_read_with_what_stands_before(tiny, monkeypatch):
    whole = list(read_through(tiny, TEXT))
    monkeypatch.setattr(reading, "_AT_ONCE", 8)
    assert [each.surprisal for each in read_through(tiny, TEXT)] == pytest.approx(
        [t.surprisal for t in whole], abs=ROUND
    )
    monkeypatch.setattr(reading, "_BEFORE", 4)
    monkeypatch.setattr(reading, "_WINDOW", 12)
    parts = list(read_through(tiny, TEXT))
    assert [token.start for token in parts] == [token.start for token in whole]
    assert max(abs(part.surprisal - token.surprisal) for part, token in zip(parts, whole, strict=True)) > 1.0


def test_nothing_is_read_of_nothing_and_another_backend_is_refused(tiny):
    assert list(read_through(tiny, "")) == []
    with pytest.raises(InvalidRequestError, match="read by the backend hf"):
        list(read_through(TrieLM({"x": 1.0}).model(), "x"))


def test_a_later_version_is_read_from_the_first_token_on_that_differs(tiny, monkeypatch):
    monkeypatch.setattr(reading, "_AT_ONCE", 8)
    reader, changed = TextReader(tiny), TEXT.replace("total += x", "total -= x")
    assert len(list(reader.read(TEXT))) == len(reader.tokens)
    rows = tiny.lm.token_rows
    tokens = list(reader.read(changed))
    fed = tiny.lm.token_rows - rows
    assert fed < len(tokens) // 2, "what stands before the change was read already"
    whole = list(read_through(tiny, changed))
    assert [each.surprisal for each in tokens] == pytest.approx([each.surprisal for each in whole], abs=ROUND)
    assert [each.start for each in tokens] == [each.start for each in whole]


def test_a_reading_that_was_left_goes_on_where_it_stopped(tiny, monkeypatch):
    monkeypatch.setattr(reading, "_AT_ONCE", 8)
    reader = TextReader(tiny)
    first = next(token for token in reader.read(TEXT) if token.start > 20)
    assert first in reader.tokens and len(reader.tokens) < len(list(reader.read(TEXT)))
    assert [token.start for token in reader.tokens] == [token.start for token in read_through(tiny, TEXT)]


def test_every_token_is_read_in_one_window_with_enough_before_it(monkeypatch):
    monkeypatch.setattr(reading, "_BEFORE", 4)
    windows = [reading._find_window(at, 12) for at in range(40)]
    assert all(begin <= at < end and end - begin == 12 for at, (begin, end) in enumerate(windows))
    assert all(at - begin >= 3 for at, (begin, _) in enumerate(windows) if begin)  # a quarter of the window
    assert windows[11] == (0, 12) and windows[12] == (9, 21)
