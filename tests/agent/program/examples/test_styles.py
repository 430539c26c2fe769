"""Examples in the styles of many people are read as styles.txt says; what could mean two things is not read."""

import re
from pathlib import Path

import pytest

from agent.program.examples.read import read_examples

TEXT = (Path(__file__).parent / "styles.txt").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^@@ (.*)\n((?:(?!@@ ).*\n)*)@@ reads\n((?:(?!@@ ).*\n?)*)", TEXT, re.MULTILINE)
STYLES = [pytest.param(head, text, wanted.split("\n"), id=f"{head}: {text[:40]!r}") for head, text, wanted in BLOCKS]


def read(request: str) -> list[str]:
    """Return the calls and values of the examples in a request."""
    return [
        f"{example.expressions[0]} {f'raises {example.raises}' if example.raises else (example.expected or '')[3:]}"
        for example in read_examples(request).examples
    ]


@pytest.mark.parametrize(("signature", "docstring", "wanted"), STYLES)
def test_examples_are_read_as_their_authors_mean_them(signature, docstring, wanted):
    lines = "".join(f"    {line}\n" if line else "\n" for line in docstring.splitlines())
    request = docstring if signature == "sentence" else f"def {signature}:\n    '''\n{lines}    '''\n"
    assert read(request) == [line for line in wanted if line]


def test_the_file_of_styles_is_read_whole():
    assert len(STYLES) == TEXT.count("@@ reads") > 100
