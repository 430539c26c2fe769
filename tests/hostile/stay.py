"""Programs that try to outlive their run: as processes, threads, files or open descriptors."""

from sandbox import Limits, Returned, Verdict

from .base import ASKED, DOCKER, ISOLATED, SHORT_CPU, SHORT_WALL, Hostile

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {body}
    os._exit(0)
os.wait()
"""
WAR = """
import ctypes, threading
kill = ctypes.CDLL(None).kill
def loop():
    while True: kill(-1, {signal})
for _ in range(3): threading.Thread(target=loop).start()
loop()
"""
IN_FLIGHT = """
import array, os, socket
held = {held}
ends = socket.socketpair()
for end in ends:
    numbers = array.array("i", [*held, *(end.fileno() for end in ends)])
    end.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
"""

STAY = {
    "ignoring signals": Hostile(
        "import signal, time\n"
        "for name in ('SIGTERM', 'SIGXCPU', 'SIGALRM', 'SIGHUP', 'SIGINT'):\n"
        "    signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        Verdict.TIMED_OUT_WALL,
        limits=SHORT_WALL,
    ),
    "ignoring SIGXCPU while looping": Hostile(
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
    "blocking every signal": Hostile(
        "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(1e6)",
        Verdict.TIMED_OUT_WALL,
        limits=SHORT_WALL,
    ),
    "catching everything": Hostile(
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        Verdict.TIMED_OUT_CPU,
        limits=SHORT_CPU,
    ),
    "stopping itself": Hostile(
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", Verdict.TIMED_OUT_WALL, limits=SHORT_WALL
    ),
    "a thread that never ends": Hostile(
        "import threading, time; threading.Thread(target=time.sleep, args=(1e6,)).start()",
        Verdict.TIMED_OUT_WALL,
        limits=SHORT_WALL,
    ),
    "a thread that never ends behind a call": Hostile(
        "import threading, time\n"
        "def answer():\n    threading.Thread(target=time.sleep, args=(1e6,)).start()\n    return 1",
        Verdict.PASSED,
        ASKED,
        outcomes=(Returned(1),),
    ),
    "an exit function that never ends": Hostile(
        "import atexit, time; atexit.register(time.sleep, 1e6)", Verdict.TIMED_OUT_WALL, limits=SHORT_WALL
    ),
    "a daemon forked twice": Hostile(DAEMON.format(body="time.sleep(1e6)"), Verdict.PASSED),
    "a daemon that ignores signals": Hostile(
        DAEMON.format(
            body="[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 10, 12, 13, 14, 15)]; time.sleep(1e6)"
        ),
        Verdict.PASSED,
    ),
    "a daemon that writes on": Hostile(
        DAEMON.format(body="\n        while True: os.write(1, b'x'); time.sleep(0.001)"), Verdict.PASSED
    ),
    "a daemon that stops itself": Hostile(DAEMON.format(body="os.kill(os.getpid(), signal.SIGSTOP)"), Verdict.PASSED),
    "a daemon that is traced": Hostile(
        DAEMON.format(body="import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0); os.kill(os.getpid(), signal.SIGSTOP)"),
        Verdict.PASSED,
    ),
    "a daemon that is never the same process": Hostile(
        DAEMON.format(body="\n        while True:\n            if os.fork(): os._exit(0)"),
        Verdict.PASSED,
        held=DOCKER,
    ),
    "a sibling instead of a child": Hostile(
        "import ctypes, os, platform, time\n"
        "number, parent = {'aarch64': 220}.get(platform.machine(), 56), os.getpid()\n"
        "made = ctypes.CDLL(None).syscall(number, 0x8000 | 17, 0, 0, 0, 0)\n"
        "if os.getpid() != parent: time.sleep(1e6)\n"
        "assert made > 0",
        Verdict.PASSED,
    ),
    "stopping its killer": Hostile(WAR.format(signal=19), Verdict.TIMED_OUT_CPU, limits=SHORT_CPU, held=DOCKER),
    "killing its killer": Hostile(WAR.format(signal=9), Verdict.TIMED_OUT_CPU, limits=SHORT_CPU, held=DOCKER),
    "killing all it may": Hostile("import os; os.kill(-1, 9)", Verdict.PASSED, held=DOCKER),
    "becoming another program": Hostile("import os; os.execv('/bin/true', ['true'])", Verdict.FAILED),
    "its streams in flight between dead sockets": Hostile(IN_FLIGHT.format(held="[0, 1, 2, 3, 4]"), Verdict.PASSED),
    "unlinked files in flight between dead sockets": Hostile(
        "import os\nmade = []\nfor i in range(6):\n"
        "    made.append(os.open('x', os.O_RDWR | os.O_CREAT)); os.write(made[-1], bytes(10**7)); os.unlink('x')\n"
        + IN_FLIGHT.format(held="made"),
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "files with names nobody likes": Hostile(
        "import os\n"
        "for name in (b'\\xff\\xfe', b'a\\nb', b' ', b'-rf', b'*', b'.' * 200):\n"
        "    os.mkdir(name); open(name + b'/' + name[:99], 'w').close(); os.chmod(name, 0)\n"
        "os.mkfifo('pipe'); os.symlink('/nowhere', 'dangling'); os.symlink('.', 'here'); os.symlink('loop', 'loop')",
        Verdict.PASSED,
    ),
    "a link into a folder that nobody may enter": Hostile(
        "import os\nos.symlink('/root/x', 'l'); os.mkdir('d'); os.symlink('/root/x', 'd/l')", Verdict.PASSED
    ),
    "links to names too long, to themselves and to no folder": Hostile(
        "import os\nfor i, to in enumerate(('x' * 4000, 'a/' * 2000, '/proc/self/fd/0', '/etc/passwd/x', 'l3', '.')):\n"
        "    os.symlink(to, f'l{i}')",
        Verdict.PASSED,
    ),
    "folders that nobody may enter, within each other": Hostile(
        "import os\nos.makedirs('a/b/c/d')\nfor name in ('a/b/c/d', 'a/b/c', 'a/b', 'a'): os.chmod(name, 0)\n"
        "os.chmod('.', 0)",
        Verdict.PASSED,
    ),
    "files under the names that its clean-up takes": Hostile(
        "import os\n"
        "for above in ('..', '.'):\n"
        "    for i in range(9): os.makedirs(f'{above}/deep-{os.getppid()}-{i}/x/y/z')",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a link in the place of its folder": Hostile(
        "import os; os.rmdir(os.getcwd()); os.symlink('/etc', '/tmp/run')", Verdict.PASSED, held=ISOLATED
    ),
    "swapping folders for links while they are emptied": Hostile(
        "import ctypes, os\nos.mkdir('folder'); os.symlink('/etc', 'link')\nswap = ctypes.CDLL(None).renameat2\n"
        "if os.fork() == 0:\n    while True: swap(-100, b'folder', -100, b'link', 2)",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "locking the guest's sources": Hostile(
        "import fcntl, sys\n"
        "files = [open(m.__file__) for n, m in sys.modules.items() if n.startswith('guest')]\n"
        "for file in files: fcntl.flock(file, fcntl.LOCK_EX)",
        Verdict.PASSED,
        held=DOCKER,
    ),
    "a timer that strikes all the time": Hostile(
        "import signal, time\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)\ntime.sleep(1e6)",
        Verdict.TIMED_OUT_WALL,
        limits=Limits(cpu_seconds=20, wall_seconds=0.2),
    ),
}
