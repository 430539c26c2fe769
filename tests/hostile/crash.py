"""Programs that end their interpreter, or meddle with how it ends."""

from sandbox import Returned, Verdict

from .base import ASKED, Hostile

DEEP = "import sys; sys.setrecursionlimit(10**9)\nx, y = {empty}, {empty}\nfor _ in range(3 * 10**5): x, y = {wrap}\n"
LISTS = DEEP.format(empty="[]", wrap="[x], [y]")

CRASH = {
    "a segmentation fault": Hostile("import ctypes; ctypes.string_at(0)", Verdict.FAILED),
    "a segmentation fault in a call": Hostile(
        "import ctypes\ndef answer(): return ctypes.string_at(0)", Verdict.FAILED, ASKED
    ),
    "overwriting None": Hostile("import ctypes; ctypes.memset(id(None), 0, 64)", Verdict.FAILED),
    "abort": Hostile("import os; os.abort()", Verdict.FAILED),
    "killing itself": Hostile("import os; os.kill(os.getpid(), 9)", Verdict.FAILED),
    "killing its own group": Hostile("import os; os.killpg(0, 9)", Verdict.FAILED),
    "a signal without a name": Hostile("import os; os.kill(os.getpid(), 40)", Verdict.FAILED),
    "a system call of another machine": Hostile(
        "import ctypes; ctypes.CDLL(None).syscall(0x40000027)", Verdict.FORBIDDEN
    ),
    "a stack overflow in C": Hostile(LISTS + "repr(x)", Verdict.FAILED),
    "endless depth in ==": Hostile(LISTS + "x == y", Verdict.FAILED),
    "endless depth in hash": Hostile(DEEP.format(empty="()", wrap="(x,), (y,)") + "hash(x)", Verdict.FAILED),
    "a repr without end": Hostile("class R:\n    def __repr__(self): return f'{self!r}'\nprint(R())", Verdict.FAILED),
    "an exception without end": Hostile(
        "class E(Exception):\n    def __str__(self): raise E\nraise E from E()", Verdict.FAILED
    ),
    "os._exit(0) at exit": Hostile("import atexit, os; atexit.register(os._exit, 0)", Verdict.FAILED),
    "os._exit(0) by a finalizer": Hostile(
        "import os, weakref\nclass C: pass\nkept = C(); weakref.finalize(kept, os._exit, 0)", Verdict.FAILED
    ),
    "os._exit(0) when its value is freed": Hostile(
        "import os\nclass C:\n    def __del__(self): os._exit(0)\ndef answer(): return [C()]", Verdict.FAILED, ASKED
    ),
    "os._exit(0) by the garbage collector": Hostile(
        "import gc, os\ngc.callbacks.append(lambda *_: os._exit(0))\ndef answer(): return [[] for _ in range(10**5)]",
        Verdict.FAILED,
        ASKED,
    ),
    "finalizers that raise": Hostile(
        "import atexit\natexit.register(int, 'x')\nclass C:\n    def __del__(self): raise SystemExit\n"
        "def answer():\n    C()\n    return 1",
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(1),),
    ),
    "an os._exit that does not exit": Hostile("import os; os._exit = lambda code: None", Verdict.FAILED),
}
