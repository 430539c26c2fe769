"""`dubito bench speed --problems`: how long a model takes for a whole benchmark."""

from __future__ import annotations

from results import dubito, refused
from text_model import byte_model, save

from benchmarks.cli.run_options import read_problems
from benchmarks.speed import problems as timed

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    save(byte_model(context=64), tmp_path)
    command = ("bench", "speed", "--model", str(tmp_path), "--problems", "exercises")
    refused(dubito(*command), "has no chat template that works", "choose one")


def test_all_problems_are_answered_and_their_tokens_counted(monkeypatch):
    monkeypatch.setattr(timed, "_MAX_TOKENS", 4)
    model = byte_model()
    model.tokenizer.tokenizer.chat_template = TEMPLATE
    (row,) = timed.time_problems(model, read_problems("exercises", 3), batch=2)
    assert row.measure.startswith("greedy: 3 problems") and "(12 tokens, " in row.measured
