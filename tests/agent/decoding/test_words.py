"""A chat model's answer in words comes piece by piece, without its end, and says where it was cut off."""

from dataclasses import replace

from trie import TrieLM

from agent.decoding.words import answer_in_words


def test_an_answer_ends_with_the_model_or_says_that_it_was_cut_off():
    model = TrieLM({"It sums up.": 1.0}).model()
    assert "".join(answer_in_words(model, "why sum?")) == "It sums up."
    assert "".join(answer_in_words(model, "why sum?", max_tokens=3)).endswith("…")
    assert replace(model).name == model.name
