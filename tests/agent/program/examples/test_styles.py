"""Examples in the styles of many people are read as styles.txt says; what could mean two things is not read."""

import re
from pathlib import Path

import pytest

from agent.program.examples.example import Example
from agent.program.examples.read import read_examples

TEXT = (Path(__file__).parent / "styles.txt").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"^@@ (.*)\n((?:(?!@@ ).*\n)*)@@ reads\n((?:(?!@@ ).*\n?)*)(?:@@ lists\n((?:(?!@@ ).*\n?)*))?", TEXT, re.MULTILINE
)
STYLES = [
    pytest.param(head, text, wanted.split("\n"), listed.split("\n"), id=f"{head}: {text[:40]!r}")
    for head, text, wanted, listed in BLOCKS
]


def show(example: Example) -> str:
    """Return the call and the value of an example."""
    return f"{example.expressions[0]} {f'raises {example.raises}' if example.raises else (example.expected or '')[3:]}"


@pytest.mark.parametrize(("signature", "docstring", "wanted", "listed"), STYLES)
def test_examples_are_read_as_their_authors_mean_them(signature, docstring, wanted, listed):
    """What a block lists is listed for the person; a block that names nothing to list does not say what is."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in docstring.splitlines())
    request = docstring if signature == "sentence" else f"def {signature}:\n    '''\n{lines}    '''\n"
    examples, unparsed = read_examples(request)
    assert [show(example) for example in examples] == [line for line in wanted if line]
    if any(listed):
        assert unparsed == [line for line in listed if line]


def test_the_file_of_styles_is_read_whole():
    assert len(STYLES) == TEXT.count("@@ reads") > 100
