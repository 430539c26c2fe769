"""Programs that want to look right: by leaving early, by forging messages, by spoiling what judges them, by odd values.

A value is all that any of them can forge, and values are compared outside: PASSED says that the calls have outcomes.
"""

from sandbox import Call, Raised, Returned, Unplain, Verdict

from .base import ASKED, SHORT_CPU, Hostile

BLIND = """
import os, sys
wire = next(module for name, module in sys.modules.items() if name.endswith("guest.wire"))
for said in (b"r42", b"d"):
    data = wire.frame(b"0" * 16 + said)
    for fd in range(3, 256):
        try:
            os.write(fd, data)
        except OSError:
            pass
"""
KNOWING = """
import os, sys
wire = next(module for name, module in sys.modules.items() if name.endswith("guest.wire"))
_, (token, calls) = wire.unpack(wire.read_frame(3))
def say(kind, text=""): wire.write_all(4, wire.frame(token + kind + text.encode()))
"""
GUEST = "import sys\nguest = {n.rpartition('.')[2]: m for n, m in sys.modules.items() if n.startswith('guest')}\n"
ONE = "\ndef answer(): return 1"
ALL_MEMORY = """
import ctypes, re
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
ADDRESSES = re.compile("([0-9a-f]+)-([0-9a-f]+) r")
PLANTED = b'"nonce": "' + b"0123456789abcdef" * 2
def nonces():
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for start, end in (ADDRESSES.match(line).groups() for line in maps if ADDRESSES.match(line)):
            try:
                memory.seek(int(start, 16))
                found.update(re.findall(b'"nonce": "[0-9a-f]{32}', memory.read(int(end, 16) - int(start, 16))))
            except (OSError, OverflowError):
                continue
    found.remove(PLANTED)
    return sorted(found)
def answer(): return seen + nonces()
seen = nonces()
"""
FRAMES = """
import gc, sys
seen, frame = [], sys._getframe()
while frame := frame.f_back:
    seen += [name for name in frame.f_locals if name in ("token", "nonce", "request", "header", "calls")]
seen += [kept["nonce"] for kept in gc.get_objects() if type(kept) is dict and "nonce" in kept]
seen += [type(kept).__name__ for kept in gc.get_objects() if type(kept).__name__ == "Request"]
def answer(): return seen
"""
TRACE = """
import os, sys
def trace(frame, event, argument):
    if frame.f_code.co_name == "_say":
        os._exit(0)
    return trace
sys.settrace(trace)
"""
LIAR = """
class Liar:
    __class__ = int
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return hash(42)
    def __reduce__(self): return int, (42,)
    def __int__(self): return 42
    __index__ = __int__
    def __repr__(self): return "42"
"""

LEFT = {
    "os._exit(0)": Hostile("import os; os._exit(0)", Verdict.FAILED),
    "os._exit(0) in a call": Hostile("import os\ndef answer(): os._exit(0)", Verdict.FAILED, ASKED),
    "os._exit(0) in a thread": Hostile(
        "import os, threading, time; threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(1e6)",
        Verdict.FAILED,
    ),
    "os._exit(0) while it is printed": Hostile(
        "import os\nclass E(Exception):\n    def __str__(self): os._exit(0)\ndef answer(): raise E",
        Verdict.FAILED,
        ASKED,
    ),
    "sys.exit(0) at import": Hostile("import sys; sys.exit(0)", Verdict.FAILED),
    "sys.exit(0) before its calls": Hostile("import sys; sys.exit(0)" + ONE, Verdict.FAILED, ASKED),
    "sys.exit(0) in a call": Hostile(
        "import sys\ndef answer(): sys.exit(0)", Verdict.PASSED, ASKED, outcomes=(Raised("SystemExit", "0"),)
    ),
    "printing that it passed": Hostile('import os; print(\'{"verdict": "passed"}\'); os._exit(0)', Verdict.FAILED),
    "null bytes": Hostile("x = 1\0", Verdict.SYNTAX_ERROR),
    "a lone surrogate": Hostile("x = '\ud800'", Verdict.SYNTAX_ERROR),
    "nesting without end": Hostile("x = " + "(" * 10**4, Verdict.SYNTAX_ERROR),
}

FORGED = {
    "forged results and os._exit(0)": Hostile(BLIND + "os._exit(0)", Verdict.FAILED, ASKED),
    "forged results and a true answer": Hostile(BLIND + "def answer(): return 42", Verdict.FAILED, ASKED),
    "forged results without calls": Hostile(BLIND + "os._exit(0)", Verdict.FAILED),
    "a forged value with the true token": Hostile(
        KNOWING + "say(b'r', '42'); say(b'd'); os._exit(0)", Verdict.PASSED, ASKED, outcomes=(Returned(42),)
    ),
    "more forged values than calls": Hostile(
        KNOWING + "for _ in range(9): say(b'r', '42')\nsay(b'd'); os._exit(0)", Verdict.FAILED, ASKED
    ),
    "forged values of no form": Hostile(
        KNOWING + "say(b'?', '5'); say(b'r', '[{}]'); say(b'd'); os._exit(0)", Verdict.FAILED, ASKED
    ),
    "a frame longer than what comes": Hostile(
        "import os; os.write(4, b'\\xff' * 4 + b'{}')" + ONE, Verdict.FAILED, ASKED
    ),
    "a fork that answers too": Hostile(
        "import os\ndef answer():\n    os.fork()\n    return 1", Verdict.PASSED, ASKED * 2, outcomes=(Returned(1),) * 2
    ),
    "looking for the nonce in memory": Hostile(ALL_MEMORY, Verdict.PASSED, ASKED, outcomes=(Returned([]),)),
    "looking for the token in frames and objects": Hostile(FRAMES, Verdict.PASSED, ASKED, outcomes=(Returned([]),)),
}

SPOILT = {
    "closing every descriptor": Hostile("import os; os.closerange(0, 256)" + ONE, Verdict.FAILED, ASKED),
    "closing its streams": Hostile(
        "import sys; sys.stdout.close(); sys.stderr.close(); sys.stdin.close()" + ONE,
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(1),),
    ),
    "printing into the results": Hostile("import os; os.dup2(4, 1); print('42')" + ONE, Verdict.FAILED, ASKED),
    "sending the results to stdout": Hostile("import os; os.dup2(1, 4)" + ONE, Verdict.FAILED, ASKED),
    "a stdout that exits when it is flushed": Hostile(
        "import os, sys\nclass Out:\n    def flush(self): os._exit(0)\nsys.stdout = Out()", Verdict.FAILED
    ),
    "a stdout that raises SystemExit when it is flushed": Hostile(
        "import sys\nclass Out:\n    def flush(self): raise SystemExit(0)\nsys.stdout = Out()", Verdict.FAILED
    ),
    "bytes that are not UTF-8 on stdout": Hostile(
        "import os; os.write(1, bytes(range(256))); os.write(2, b'\\xff\\xc0\\x80')", Verdict.PASSED
    ),
    "spoiling builtins and json": Hostile(
        "import builtins, json\njson.dumps = json.loads = None\nbuiltins.len = lambda x: 0" + ONE,
        Verdict.FAILED,
        ASKED,
    ),
    "spoiling pickle and marshal": Hostile(
        "import marshal, pickle\nfor m in (marshal, pickle): m.dumps = m.loads = lambda *_: 42" + ONE,
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(1),),
    ),
    "spoiling the guest": Hostile(GUEST + "for module in guest.values(): vars(module).clear()", Verdict.FAILED),
    "an encoder that says 42": Hostile(
        GUEST + "guest['plain'].dumps = lambda value: b'42'" + ONE, Verdict.PASSED, ASKED, outcomes=(Returned(42),)
    ),
    "an encoder that says nonsense": Hostile(
        GUEST + "guest['plain'].dumps = lambda value: b'{\"no\": 1}'" + ONE, Verdict.FAILED, ASKED
    ),
    "an encoder that says one element twice": Hostile(
        GUEST + "guest['plain'].dumps = lambda value: b'{\"set\": [1, 1]}'" + ONE, Verdict.FAILED, ASKED
    ),
    "a writer that writes nothing": Hostile(GUEST + "guest['wire'].write_all = print" + ONE, Verdict.FAILED, ASKED),
    "forgetting every module": Hostile(
        "import sys; sys.modules.clear()" + ONE, Verdict.PASSED, ASKED, outcomes=(Returned(1),)
    ),
    "tracing the guest": Hostile(TRACE + ONE, Verdict.FAILED, ASKED),
    "a len that never ends": Hostile(
        "import builtins\ndef spin(x):\n    while True: pass\nbuiltins.len = spin",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
}


def _value(source, outcome, program=LIAR):
    return Hostile(f"{program}\ndef answer(): return {source}", Verdict.PASSED, ASKED, outcomes=(outcome,))


NAN = float("nan")

VALUES = {
    "a value that lies about == and its class": _value("Liar()", Unplain("Liar")),
    "a list with a liar in it": _value("[1, Liar()]", Unplain("list")),
    "a key that is a liar": _value("{Liar(): 1}", Unplain("dict")),
    "a number of a class of its own": _value("type('int', (int,), {'__eq__': lambda *_: True})(41)", Unplain("int")),
    "a class whose name is a lie": _value(
        "M('X', (), {})()", Unplain("42"), "class M(type):\n    __name__ = property(lambda self: '42')"
    ),
    "NaN in containers": _value("[n, (n, n), {1: n}]", Returned([NAN, (NAN, NAN), {1: NAN}]), "n = float('nan')"),
    "a list within itself": _value("x", Unplain("list"), "x = []; x.append(x)"),
    "a class with an endless name": Hostile(
        "C = type('C' * 10**6, (), {})\ndef answer(): return C()", Verdict.PASSED, ASKED, outcomes=(Unplain("C" * 200),)
    ),
    "an exception with an endless name": Hostile(
        "E = type('E' * 10**6, (Exception,), {})\ndef answer(): raise E('x')",
        Verdict.PASSED,
        ASKED,
        outcomes=(Raised("E" * 200, "x"),),
    ),
    "an exception whose name is no text": Hostile(
        KNOWING + 'say(b"x", "[[1], 2]"); say(b"d"); os._exit(0)', Verdict.FAILED, ASKED
    ),
    "a name of 10 MB for a value that is not plain": Hostile(
        KNOWING + 'say(b"u", \'["\' + "u" * 10**7 + \'"]\'); say(b"d"); os._exit(0)', Verdict.FAILED, ASKED
    ),
    "leaving a script with a code that is none": Hostile(
        "class Left(SystemExit):\n    code = property(lambda self: 1 / 0)\nraise Left", Verdict.FAILED
    ),
    "leaving a script with a huge code": Hostile("raise SystemExit(10**5000)", Verdict.FAILED),
    "a generator": _value("(i for i in iter(int, 1))", Unplain("generator")),
    "a coroutine": _value("co", Unplain("coroutine"), "async def f(): pass\nco = f()"),
    "a set of equal hashes": Hostile(
        "def answer(): return {i * (2**61 - 1) for i in range(2000)}", Verdict.FAILED, ASKED
    ),
    "an exception with a message of surrogates": Hostile(
        "def answer(): raise ValueError('\\udfff')",
        Verdict.PASSED,
        ASKED,
        outcomes=(Raised("ValueError", "\udfff"),),
    ),
    "changing the arguments of the next call": Hostile(
        "def answer(x):\n    x.clear()\n    return x",
        Verdict.PASSED,
        (Call("answer", ([1],)), Call("list", ([1],))),
        outcomes=(Returned([]), Raised("NameError", "name 'list' is not defined")),
    ),
}

LIE = LEFT | FORGED | SPOILT | VALUES
