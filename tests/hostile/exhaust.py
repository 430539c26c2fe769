"""Programs that take everything: time, memory, processes, files, descriptors, output."""

from sandbox import Limits, Returned, Verdict

from .base import ASKED, DOCKER, ISOLATED, LITTLE_OUTPUT, ROOMY, SHORT_CPU, SHORT_WALL, SMALL_VALUES, Hostile

LITTLE_MEMORY = Limits(cpu_seconds=20, wall_seconds=20, memory_mib=128)
COUNT = """
def answer():
    for made in range(200):
        try: {make}
        except {error}: return made <= {most}
"""
RAW = """
import sys
guest = {{n.rpartition('.')[2]: m for n, m in sys.modules.items() if n.startswith('guest')}}
guest['plain'].dumps = lambda value: {raw}
def answer(): return 1
"""
FULL_QUEUES = """
import os, socket, time
for _ in range(4): os.fork()
try:
    while True:
        for end in socket.socketpair():
            end.setblocking(False)
            try: end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
            except OSError: pass
            try:
                while True: end.send(bytes(3000))
            except BlockingIOError: pass
            end.detach()
except OSError:
    time.sleep(0.5)
"""

EXHAUST = {
    "a cpu loop": Hostile("while True: pass", Verdict.TIMED_OUT_CPU, limits=SHORT_CPU),
    "a cpu loop in a call": Hostile("def answer():\n    while True: pass", Verdict.TIMED_OUT_CPU, ASKED, SHORT_CPU),
    "sleeping forever": Hostile("import time; time.sleep(1e6)", Verdict.TIMED_OUT_WALL, limits=SHORT_WALL),
    "reading a pipe that never speaks": Hostile(
        "import os; os.read(os.pipe()[0], 1)", Verdict.TIMED_OUT_WALL, limits=SHORT_WALL
    ),
    "C code that holds the interpreter lock": Hostile(
        "import threading\nthreading.Timer(0.01, print).start()\nsum(range(10**15))",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
    "a regular expression that explodes": Hostile(
        "import re\ndef answer(): return re.match('(a+)+$', 'a' * 64 + 'b')", Verdict.TIMED_OUT_CPU, ASKED, SHORT_CPU
    ),
    "an int that takes minutes to print": Hostile(
        "import sys; sys.set_int_max_str_digits(0); print(7 ** (2 * 10**6))",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
    "an exception that takes minutes to print": Hostile(
        "import sys; sys.set_int_max_str_digits(0)\ndef answer(): raise ValueError(7 ** (2 * 10**6))",
        Verdict.TIMED_OUT_CPU,
        ASKED,
        SHORT_CPU,
    ),
    "a value that doubles sixty times": Hostile(
        "def answer():\n    x = []\n    for _ in range(60): x = [x, x]\n    return x",
        Verdict.TIMED_OUT_CPU,
        ASKED,
        SHORT_CPU,
    ),
    "a fork bomb": Hostile(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
        held=DOCKER,
    ),
    "a fork bomb that sleeps": Hostile(
        "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(1e6)",
        Verdict.TIMED_OUT_WALL,
        limits=Limits(cpu_seconds=20, wall_seconds=0.5),
        held=DOCKER,
    ),
    "processes without end": Hostile(
        "import os, signal\n" + COUNT.format(make="os.fork() or signal.pause()", error="OSError", most=32),
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(True),),
        held=DOCKER,
    ),
    "threads without end": Hostile(
        "import threading, time\n"
        + COUNT.format(make="threading.Thread(target=time.sleep, args=(1e6,)).start()", error="RuntimeError", most=32),
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(True),),
        held=DOCKER,
    ),
    "one huge allocation": Hostile("x = bytearray(10**10)", Verdict.OUT_OF_MEMORY),
    "many small allocations": Hostile(
        "x = []\nwhile True: x.append(bytearray(10**6))", Verdict.OUT_OF_MEMORY, limits=LITTLE_MEMORY
    ),
    "a memory bomb in a call": Hostile("def answer(): return [0] * 10**10", Verdict.OUT_OF_MEMORY, ASKED),
    "an endless list": Hostile("def answer(): return list(iter(int, 1))", Verdict.OUT_OF_MEMORY, ASKED, LITTLE_MEMORY),
    "memory in many processes": Hostile(
        "import os, time\nparent = os.fork() and os.fork()\nx = bytearray(400 * 2**20)\n"
        "os.wait() if parent else time.sleep(1e6)",
        Verdict.OUT_OF_MEMORY,
        held=DOCKER,
    ),
    "memory in the queues of sockets": Hostile(FULL_QUEUES, Verdict.PASSED, held=DOCKER),
    "one huge file": Hostile("open('x', 'wb').write(bytes(20 * 2**20))", Verdict.FAILED),
    "a full disk": Hostile("for i in range(99): open(str(i), 'wb').write(bytes(10**6))", Verdict.FAILED, held=ISOLATED),
    "inodes without end": Hostile("for i in range(10**5): open(str(i), 'w')", Verdict.FAILED, held=DOCKER),
    "signals without end": Hostile(
        "import ctypes, os, signal\nqueue = ctypes.CDLL(None).sigqueue\n"
        "def answer():\n    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "    return next(n for n in range(10**6) if queue(os.getpid(), 40, 0)) <= 256",
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(True),),
        held=DOCKER,
    ),
    "locks without end": Hostile(
        "import fcntl, struct, time\nfile, n, end = open('f', 'w'), 0, time.process_time() + 1\n"
        "while time.process_time() < end: fcntl.fcntl(file, 37, struct.pack('hhxxxxqqi', 1, 0, 2 * n, 1, 0)); n += 1",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "pipes filled to the brim": Hostile(
        "import fcntl, os\nfor _ in range(25):\n    _, write = os.pipe()\n    os.set_blocking(write, False)\n"
        "    try: fcntl.fcntl(write, 1031, 1 << 20)\n    except OSError: pass\n"
        "    try:\n        while os.write(write, bytes(1 << 16)): pass\n    except BlockingIOError: pass",
        Verdict.PASSED,
        held=DOCKER,
    ),
    "a small text that takes a gigabyte to read": Hostile(
        RAW.format(raw="b'[' + b','.join([b'{\"set\":[]}'] * 1_500_000) + b']'"), Verdict.OUTPUT_LIMIT, ASKED
    ),
    "small lists that take a gigabyte together": Hostile(
        RAW.format(raw="b'[' + b','.join([b'[]'] * 5_000_000) + b']'"), Verdict.OUTPUT_LIMIT, ASKED
    ),
    "descriptors without end": Hostile(
        "import os\n" + COUNT.format(make="os.dup(0)", error="OSError", most=64),
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(True),),
    ),
    "endless output": Hostile("while True: print('x' * 10**4)", Verdict.OUTPUT_LIMIT, limits=LITTLE_OUTPUT),
    "endless errors": Hostile(
        "import os\nwhile True: os.write(2, b'x' * 10**4)", Verdict.OUTPUT_LIMIT, limits=LITTLE_OUTPUT
    ),
    "endless output on both streams": Hostile(
        "import os\nwhile True: os.write(1, b'x' * 10**4), os.write(2, b'x' * 10**4)",
        Verdict.OUTPUT_LIMIT,
        limits=LITTLE_OUTPUT,
    ),
    "one huge line": Hostile("print('x' * 10**8)", Verdict.OUTPUT_LIMIT, limits=LITTLE_OUTPUT),
    "a huge value": Hostile("def answer(): return 'x' * 10**7", Verdict.OUTPUT_LIMIT, ASKED, SMALL_VALUES),
    "a value of 100 MB": Hostile(
        "def answer(): return 'x' * 10**8",
        Verdict.OUTPUT_LIMIT,
        ASKED,
        Limits(cpu_seconds=20, wall_seconds=20, memory_mib=900),
    ),
    "a folder a thousand deep": Hostile(
        "import os\nfor _ in range(1000): os.mkdir('d'); os.chdir('d')\nos.chmod('.', 0)", Verdict.PASSED, limits=ROOMY
    ),
}
