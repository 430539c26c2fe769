"""A value too large to send becomes a digest, made beside the program, which may claim one and never learns one."""

import pytest

from benchmarks.base import Problem
from benchmarks.judging.calls import call_program
from benchmarks.judging.checker import judge_program
from benchmarks.judging.expected import References
from sandbox import Limits

ROOMY = Limits(cpu_seconds=20, wall_seconds=20)
MANY = 100_000
WANTED = Problem("test/digest", "", "f", "def f(n): return 'right' * n\n", ((MANY,), (MANY + 1,)), ())
ZEROS = """
class Zeros:
    def __init__(self, *_): pass
    def update(self, *_): pass
    def hexdigest(self): return "0" * 64
"""
WRONG = "\ndef f(n): return 'wrong' * n"
SPOILT = {
    "a hash that is always the same": ZEROS + "import hashlib; hashlib.sha256 = Zeros",
    "another hashlib": ZEROS + "import sys; sys.modules['hashlib'] = type('', (), {'sha256': Zeros})",
    "an encoding that is always the same": "import marshal; marshal.dumps = lambda *_: b''",
    "json that says anything": 'import json; json.dumps = lambda *_, **__: \'["returned", "true"]\'',
    "builtins that say yes": "import builtins; builtins.isinstance = lambda *_: True; builtins.len = lambda _: 1 << 30",
    "an exec that puts a claim in place": "import builtins\n"
    "builtins.exec = lambda source, space: space.update(answer=lambda *_: ('digest', '0' * 64))",
    "a text whose length and encoding lie": "class Lie(str):\n"
    "    __len__ = lambda self: 1 << 30\n    encode = lambda self, *_: b'right' * 100000\n"
    "    __eq__ = lambda *_: True\n    __hash__ = lambda *_: 0\n"
    "def f(n): return Lie('wrong' * n)",
    "a claim of the digest of another input": f"import hashlib\n"
    f"def f(n): return ('digest', hashlib.sha256(b'right' * {MANY - 1}).hexdigest())",
}
SEARCH = """
import ctypes, gc, re, sys
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
PLANTED = "5eed" * 16
def f(n):
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for start, end in re.findall("(?m)^([0-9a-f]+)-([0-9a-f]+) r", maps.read()):
            try:
                memory.seek(int(start, 16))
                held = memory.read(int(end, 16) - int(start, 16))
            except (OSError, OverflowError):
                continue
            found.update(re.findall(b"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", held))
    assert PLANTED.encode() in found
    return sorted(found - {PLANTED.encode()})
"""


class Recorded:
    """A sandbox, and all that was sent into it."""

    def __init__(self, sandbox):
        self.sandbox, self.sent = sandbox, []

    def run(self, program, **options):
        self.sent.append(f"{program} {options}")
        return self.sandbox.run(program, **options)


@pytest.fixture(scope="module")
def known():
    return References()


@pytest.mark.parametrize("spoiling", SPOILT)
def test_no_spoilt_digest_makes_a_wrong_value_look_right(sandbox, known, spoiling):
    program = SPOILT[spoiling] if "def f" in SPOILT[spoiling] else SPOILT[spoiling] + WRONG
    judgement = judge_program(sandbox, WANTED, program, limits=ROOMY, references=known)
    assert (judgement.base.passed, judgement.base.failed) == (0, (0, 1)), judgement


def test_a_right_value_is_judged_by_its_digest_and_the_digest_is_not_sent_with_the_candidate(sandbox, known):
    digests = [
        result.value
        for result in call_program(sandbox, WANTED.reference_program, "f", WANTED.base_inputs, ROOMY).results
    ]
    assert [len(digest) for digest in digests] == [64, 64]
    assert judge_program(sandbox, WANTED, WANTED.reference_program, references=known).base_passed
    recorded = Recorded(sandbox)
    assert not judge_program(recorded, WANTED, WRONG, references=known).passed
    assert recorded.sent
    assert not [digest for digest in digests for sent in recorded.sent if digest in sent]


def test_no_digest_is_found_in_the_memory_of_a_candidate(sandbox, known):
    digests = {
        result.value
        for result in call_program(sandbox, WANTED.reference_program, "f", WANTED.base_inputs, ROOMY).results
    }
    (result,) = call_program(sandbox, SEARCH, "f", [(MANY,)], ROOMY).results
    assert result.kind == "value", result
    assert not digests & {text.decode() for text in result.value}
