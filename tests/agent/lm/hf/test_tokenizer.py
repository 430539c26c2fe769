"""Tokenizers of transformers: special tokens at the ends of texts, marks of holes."""

from dataclasses import replace

from text_model import byte_model
from tokenizers.processors import TemplateProcessing

from agent.lm.fim import FIM_TOKENS


def test_a_tokenizer_that_begins_and_ends_texts_begins_prompts_only():
    tokenizer = byte_model().tokenizer
    plain = tokenizer.encode("ab")
    template = TemplateProcessing(single="<end> $A <end>", special_tokens=[("<end>", 0)])
    tokenizer.tokenizer.backend_tokenizer.post_processor = template
    assert tokenizer.encode("ab") == [0, *plain]
    assert tokenizer.encode("ab", continues=True) == plain


def test_a_model_fills_holes_if_each_mark_is_one_token():
    tokenizer = byte_model().tokenizer
    assert tokenizer.fim is None
    larger = replace(tokenizer, vocab_size=tokenizer.vocab_size + 3)
    tokenizer.tokenizer.add_tokens(list(FIM_TOKENS[:2]))
    assert larger.fim is None
    tokenizer.tokenizer.add_tokens(list(FIM_TOKENS[2:]))
    assert larger.fim == FIM_TOKENS


def test_tokens_are_found_by_how_they_begin_whatever_blanks_stand_before():
    tokenizer = byte_model().tokenizer
    larger = replace(tokenizer, vocab_size=tokenizer.vocab_size + 5)
    fences = ["```", "\n```", "  ```py", "``", "x```"]
    tokenizer.tokenizer.add_tokens(fences)
    found = larger.find_tokens("```")
    assert sorted(tokenizer.tokenizer.convert_ids_to_tokens(sorted(found))) == sorted(fences[:3])
    assert larger.find_tokens("a") == {tokenizer.encode("a")[0]}
