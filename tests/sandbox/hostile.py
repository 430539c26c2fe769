"""Programs that try to escape, to lie or to stay, each with the verdict it must get. Grows into the hostile suite."""

from dataclasses import dataclass

from sandbox import Call, Limits, Verdict

ASKED = (Call("answer"),)


ROOMY = Limits(cpu_seconds=20, wall_seconds=20)


@dataclass(frozen=True)
class Hostile:
    """A program, what is asked of it, and what must come of it."""

    program: str
    verdict: Verdict
    calls: tuple = ()
    limits: Limits = ROOMY


SHORT_CPU = Limits(cpu_seconds=0.1, wall_seconds=20)
SHORT_WALL = Limits(cpu_seconds=20, wall_seconds=0.2)
LITTLE_OUTPUT = Limits(cpu_seconds=20, wall_seconds=20, written_mib=1)

SMALL_VALUES = Limits(cpu_seconds=20, wall_seconds=20, values_mib=1)

FORGE = """
import json, os, sys
wire = next(module for name, module in sys.modules.items() if name.endswith("guest.wire"))
for said in (["returned", "42"], ["done"]):
    data = wire.frame(wire.pack({}, b"0" * 16, json.dumps(said).encode()))
    for fd in range(3, 256):
        try:
            os.write(fd, data)
        except OSError:
            pass
"""

HOSTILE = {
    "a cpu loop": Hostile("while True: pass", Verdict.TIMED_OUT_CPU, limits=SHORT_CPU),
    "a cpu loop in a call": Hostile("def answer():\n    while True: pass", Verdict.TIMED_OUT_CPU, ASKED, SHORT_CPU),
    "sleeping forever": Hostile("import time; time.sleep(1e6)", Verdict.TIMED_OUT_WALL, limits=SHORT_WALL),
    "ignoring signals": Hostile(
        "import signal, time\n"
        "for name in ('SIGTERM', 'SIGXCPU', 'SIGALRM'): signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        Verdict.TIMED_OUT_WALL,
        limits=SHORT_WALL,
    ),
    "ignoring SIGXCPU while looping": Hostile(
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
    "a thread that never ends": Hostile(
        "import threading, time; threading.Thread(target=time.sleep, args=(1e6,)).start()",
        Verdict.TIMED_OUT_WALL,
        limits=SHORT_WALL,
    ),
    "one huge allocation": Hostile("x = bytearray(10**10)", Verdict.OUT_OF_MEMORY),
    "many small allocations": Hostile(
        "x = []\nwhile True: x.append(bytearray(10**6))",
        Verdict.OUT_OF_MEMORY,
        limits=Limits(cpu_seconds=20, wall_seconds=20, memory_mib=128),
    ),
    "a memory bomb in a call": Hostile("def answer(): return [0] * 10**10", Verdict.OUT_OF_MEMORY, ASKED),
    "endless output": Hostile("while True: print('x' * 10**4)", Verdict.OUTPUT_LIMIT, limits=LITTLE_OUTPUT),
    "endless errors": Hostile(
        "import os\nwhile True: os.write(2, b'x' * 10**4)", Verdict.OUTPUT_LIMIT, limits=LITTLE_OUTPUT
    ),
    "a huge value": Hostile("def answer(): return 'x' * 10**7", Verdict.OUTPUT_LIMIT, ASKED, SMALL_VALUES),
    "os._exit(0)": Hostile("import os; os._exit(0)", Verdict.FAILED),
    "os._exit(0) in a call": Hostile("import os\ndef answer(): os._exit(0)", Verdict.FAILED, ASKED),
    "sys.exit(0) at import": Hostile("import sys; sys.exit(0)", Verdict.FAILED),
    "sys.exit(0) before its calls": Hostile("import sys; sys.exit(0)\ndef answer(): return 1", Verdict.FAILED, ASKED),
    "killing itself": Hostile("import os; os.kill(os.getpid(), 9)", Verdict.FAILED),
    "a segmentation fault": Hostile("import ctypes; ctypes.string_at(0)", Verdict.FAILED),
    "forged results and os._exit(0)": Hostile(FORGE + "os._exit(0)", Verdict.FAILED, ASKED),
    "forged results and a true answer": Hostile(FORGE + "def answer(): return 42", Verdict.FAILED, ASKED),
    "forged results without calls": Hostile(FORGE + "os._exit(0)", Verdict.FAILED),
    "closing every descriptor": Hostile(
        "import os; os.closerange(0, 256)\ndef answer(): return 1", Verdict.FAILED, ASKED
    ),
    "spoiling builtins and json": Hostile(
        "import builtins, json\njson.dumps = json.loads = None\nbuiltins.len = lambda x: 0\ndef answer(): return 1",
        Verdict.FAILED,
        ASKED,
    ),
    "spoiling the guest": Hostile(
        "import sys\nfor name in [n for n in sys.modules if 'guest' in n]: vars(sys.modules[name]).clear()",
        Verdict.FAILED,
    ),
    "a stack overflow in C": Hostile(
        "import sys; sys.setrecursionlimit(10**9)\nx = []\nfor _ in range(3 * 10**5): x = [x]\nrepr(x)", Verdict.FAILED
    ),
    "null bytes": Hostile("x = 1\0", Verdict.SYNTAX_ERROR),
    "a lone surrogate": Hostile("x = '\ud800'", Verdict.SYNTAX_ERROR),
    "nesting without end": Hostile("x = " + "(" * 10**4, Verdict.SYNTAX_ERROR),
}
