"""Programs that tell others something: the next program, one in another container, or the host's log and tables.

Those that move a counter pass, and then the sandbox is worn: the next program gets another one (test_hostile.py).
"""

from sandbox import Verdict

from .base import DOCKER, EVERYWHERE, ISOLATED, Hostile, attempts

SHARED_PAGE = """
import fcntl, mmap, platform
ARM = platform.machine() == "aarch64"
LIBC.mmap.restype = ctypes.c_void_p
SHARED = os.open(os.__file__, os.O_RDONLY)
PAGE = LIBC.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, SHARED, 0)
def futex(command, value=1):
    return libc("syscall", 98 if ARM else 202, ctypes.c_void_p(PAGE), command, value, None, None, 0)
def refuse(found):
    if not found: raise PermissionError("none")
def text(path):
    with open(path, "rb") as file: return file.read(64)
def retimed(path):
    before = os.stat(path)
    os.utime(path)
    os.utime(path, (1, 1)) if os.stat(path).st_uid == os.getuid() != 0 else None
    after = os.stat(path)
    return (before.st_mtime_ns, before.st_atime_ns) != (after.st_mtime_ns, after.st_atime_ns)
def call(x86, arm, *arguments): return libc("syscall", arm if ARM else x86, *arguments)
"""
COUNTERS = """
import os
def counters():
    for folder, _, names in os.walk("/sys/fs/cgroup"):
        for name in names:
            path = os.path.join(folder, name)
            if os.access(path, os.R_OK): yield path
"""

TELL = {
    "a number by files that it makes": Hostile(
        "import os\nfor i in range(300): os.close(os.open('f', os.O_CREAT | os.O_RDWR)); os.unlink('f')",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a number by folders that it makes": Hostile(
        "import os\nfor i in range(300): os.mkdir('d'); os.rmdir('d')", Verdict.PASSED, held=ISOLATED
    ),
    "a number by links that it makes": Hostile(
        "import os\nfor i in range(300): os.symlink('x', 'l'); os.unlink('l')", Verdict.PASSED, held=ISOLATED
    ),
    "a number by renaming its folder": Hostile(
        "import os\nos.chdir('/tmp')\nfor i in range(300): os.rename('run', 'x'); os.rename('x', 'run')",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a number by looking at devices": Hostile(
        "import os\nfor name in ('stdin', 'stdout', 'fd'): os.readlink(f'/dev/{name}')\nos.listdir('/dev')",
        Verdict.PASSED,
        held=DOCKER,
    ),
    "a number by sockets that have a name": Hostile(
        "import os, socket\nfor i in range(50): socket.socket(socket.AF_UNIX).bind('s'); os.unlink('s')",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a number by processes that it starts": Hostile(
        "import os\nfor i in range(100):\n    if os.fork() == 0: os._exit(0)\n    os.wait()",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a number by threads that it starts": Hostile(
        "import threading\nfor i in range(100): t = threading.Thread(target=int); t.start(); t.join()",
        Verdict.PASSED,
        held=ISOLATED,
    ),
    "a number by names that are looked up in vain": Hostile(
        "import os, time\nend, n = time.process_time() + 0.5, 0\n"
        "while time.process_time() < end:\n    n += 1\n    os.path.exists(f'/usr/lib/{n}-{\"x\" * 180}')",
        Verdict.PASSED,
        held=DOCKER,
    ),
    "whoever waits on a page that containers share": attempts(
        *(f"futex({command})" for command in (1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 1 | 256)),
        *(f"call({number}, {number}, ctypes.c_void_p(PAGE), 1, 1, 2)" for number in (449, 454, 455, 456)),
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "whoever waits on a page, by the end of a thread or process": attempts(
        "refuse(futex(0, struct.unpack('i', text(os.__file__)[:4])[0]) == 0)",
        "refuse(futex(9 | 256, struct.unpack('i', text(os.__file__)[:4])[0]) == 0)",
        prelude="import struct\n" + SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by the times of files that all share": attempts(
        *(f"refuse(retimed('/dev/{name}'))" for name in ("null", "zero", "full", "random", "urandom")),
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by owners that it does not change": attempts(
        *(f"os.chown({path!r}, -1, -1)" for path in ("/dev/null", "/dev", "/tmp", ".", "/proc", "/etc/hosts")),
        "os.lchown('/dev/fd', -1, -1)",
        "os.fchown(1, -1, -1)",
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by numbers that the whole host counts": attempts(
        "socket.socketpair()[0].getsockopt(socket.SOL_SOCKET, 57, 8)",
        "socket.socketpair()[0].getsockopt(socket.SOL_SOCKET, 77, 4)",
        "os.pidfd_open(os.getpid())",
        "libc('inotify_init')",
        "libc('inotify_init1', 0)",
        "libc('fanotify_init', 0x202, 0)",
        "fcntl.fcntl(os.open('.', os.O_RDONLY), 1026, 1)",
        "socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 76, 1)",
        "libc('syscall', 220 if ARM else 56, 0x1000 | 17, 0, ctypes.create_string_buffer(8), 0, 0)",
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by what the page cache holds": attempts(
        "call(27, 232, ctypes.c_void_p(PAGE), 4096, bytes(8))",
        "call(327, 286, SHARED, ctypes.create_string_buffer(64), 1, 0, 0, 8)",
        "call(451, 451, SHARED, bytes(16), ctypes.create_string_buffer(64), 0)",
        "call(28, 233, ctypes.c_void_p(PAGE), 4096, 20)",
        "call(28, 233, ctypes.c_void_p(PAGE), 4096, 21)",
        "call(440, 440, os.pidfd_open(os.getpid()), bytes(16), 1, 21, 0)",
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by slots that the whole host shares": attempts(
        "call(206, 0, 8, ctypes.create_string_buffer(8))",
        "call(425, 425, 8, ctypes.create_string_buffer(256))",
        "socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 26, bytes(16))",
        "socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, 50, 0)",
        prelude=SHARED_PAGE,
        held=EVERYWHERE,
    ),
    "by terminals of its own": attempts("os.openpty()", "open('/dev/ptmx')", held=DOCKER),
    "by counters of its container": attempts(
        "refuse([path for path in counters() if text(path)])",
        "refuse(text('/proc/stat') + text('/proc/loadavg') + text('/proc/vmstat') + text('/proc/meminfo'))",
        "text('/proc/sys/fs/inode-nr')",
        "text('/proc/sys/fs/aio-nr')",
        "refuse(text('/proc/sys/kernel/ns_last_pid'))",
        prelude=SHARED_PAGE + COUNTERS,
    ),
    "the host's log": attempts(
        "open('/proc/self/comm', 'w').write('name')",
        "open('/dev/kmsg', 'w').write('line')",
        "call(103, 116, 3, ctypes.create_string_buffer(99), 99)",
        prelude=SHARED_PAGE,
    ),
    "facts of the host": attempts(
        *(f"refuse(text({path!r}))" for path in ("/proc/cmdline", "/proc/version", "/proc/uptime", "/proc/partitions")),
        *(f"refuse(text({path!r}))" for path in ("/etc/resolv.conf", "/etc/hosts", "/proc/cpuinfo", "/proc/modules")),
        "text('/proc/sys/kernel/random/boot_id')",
        "text('/sys/block/vda/size')",
        "text('/sys/class/net/lo/address')",
        prelude=SHARED_PAGE,
    ),
    "every disk of the host to write back": Hostile(
        "import os, time\nstart = time.monotonic()\nfor _ in range(10**4): os.sync()\n"
        "assert time.monotonic() - start < 5",
        Verdict.PASSED,
    ),
}
