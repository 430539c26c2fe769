"""Programs that try to get out, or to gain rights, and answer with what they managed.

Run only where a sandbox promises to hold them.
"""

from .base import EVERYWHERE, ISOLATED, attempts

EVERY_FILE = """
DEVICES = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "mqueue")]
GIVEN = ["/proc", "/tmp", "/etc/hosts", "/etc/resolv.conf", *DEVICES]  # what is masked is the null device
def every(folder):
    for entry in os.scandir(folder):
        if entry.path in GIVEN or entry.is_symlink():
            continue
        yield entry
        if entry.is_dir() and entry.path != "/dev/pts":
            try: yield from every(entry.path)
            except PermissionError: pass
def refuse(found):
    if not found: raise PermissionError("none")
def writable(entry): return os.access(entry.path, os.W_OK)
def lifts(entry): return entry.is_file() and entry.stat().st_mode & 0o6000
def takes(path, text):
    try:
        with open(path, "w") as file: file.write(text)
    except OSError: return False
    return True
"""
TOOLS = """
import fcntl, platform, resource, shutil, struct, subprocess, time
NUMBERS = {"add_key": (248, 217), "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282)}
ARM = platform.machine() == "aarch64"
def syscall(number, *arguments):
    return libc("syscall", NUMBERS[number][ARM] if number in NUMBERS else number, *arguments)
def signal_by_pipe(pid):
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(write, fcntl.F_SETOWN, pid)
    fcntl.fcntl(write, fcntl.F_SETFL, os.O_ASYNC)
    os.write(write, b"x"), os.read(read, 1)
    os.kill(pid, 0)
def run(*command):
    nothing = subprocess.DEVNULL
    if subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing).returncode:
        raise PermissionError(command)
def copied(mode):
    shutil.copyfile("/bin/true", "copy")
    os.chmod("copy", mode)
    return os.path.abspath("copy")
def retime(path):
    before = os.stat(path).st_mtime_ns
    os.utime(path)
    if os.stat(path).st_mtime_ns == before: raise PermissionError(path)
def clone(flags):
    pid = libc("syscall", 220 if ARM else 56, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
def raise_limit(which): libc("setrlimit", which, struct.pack("QQ", 1 << 30, 1 << 40))
"""

ESCAPE = {
    "the network": attempts(
        "socket.create_connection(('1.1.1.1', 53), 1)",
        "socket.create_connection(('172.17.0.1', 22), 1)",
        "socket.create_connection(('127.0.0.1', 2375), 1)",
        "socket.create_connection(('::1', 80), 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))",
        "socket.create_server(('0.0.0.0', 0))",
        "socket.getaddrinfo('example.com', 80)",
        "socket.gethostbyname('host.docker.internal')",
        held=EVERYWHERE,
    ),
    "sockets that no network namespace holds": attempts(
        *(f"socket.socket({family}, {kind})" for family in (16, 17, 31, 38, 40) for kind in (1, 2, 3, 5)),
        held=EVERYWHERE,
    ),
    "the sockets of the engine and the system": attempts(
        *(
            f"socket.socket(socket.AF_UNIX).connect({name!r})"
            for name in (
                "/var/run/docker.sock",
                "/run/containerd/containerd.sock",
                "/run/dbus/system_bus_socket",
                "/run/systemd/private",
                "\0/containerd-shim/dubito.sock",
                "\0docker",
                "\0/tmp/.X11-unix/X0",
            )
        )
    ),
    "the memory of the server": attempts(
        *(
            f"open(f'/proc/{{{who}}}/{what}', 'rb', 0).read(1)"
            for who in ("1", "SERVER", "SUPERVISOR")
            for what in ("environ", "maps", "auxv", "syscall", "stack", "io")
        ),
        *(f"open(f'/proc/{{{who}}}/mem', 'rb')" for who in ("1", "SERVER", "SUPERVISOR")),
        *(f"os.listdir(f'/proc/{{{who}}}/fd')" for who in ("1", "SERVER", "SUPERVISOR")),
        *(f"os.readlink(f'/proc/{{{who}}}/{what}')" for who in ("1", "SERVER") for what in ("root", "exe", "ns/pid")),
    ),
    "the first process of the sandbox": attempts(
        "open('/proc/1/mem', 'rb')",
        "open('/proc/1/environ', 'rb').read(1)",
        "os.open('/proc/1/fd/0', os.O_RDONLY)",
        "os.open('/proc/1/fd/1', os.O_WRONLY)",
        "libc('ptrace', 0x4206, 1, 0, 0)",
        "libc('ptrace', 16, 1, 0, 0)",
        held=ISOLATED,
    ),
    "tracing the server": attempts(
        *(f"libc('ptrace', {how}, {who}, 0, 0)" for how in (16, 0x4206) for who in ("1", "SERVER", "SUPERVISOR")),
        "libc('process_vm_readv', SUPERVISOR, bytes(16), 0, bytes(16), 1, 0)",
        "syscall(438, syscall(434, SUPERVISOR, 0), 0, 0)",
        "libc('prlimit', SUPERVISOR, 7, bytes(16), 0)",
        "os.sched_setaffinity(SUPERVISOR, {0})",
        "os.setpriority(os.PRIO_PROCESS, SERVER, 19)",
        "os.sched_setscheduler(SERVER, os.SCHED_IDLE, os.sched_param(0))",
        "open(f'/proc/{SERVER}/oom_score_adj', 'w').write('1000')",
        prelude=TOOLS,
    ),
    "signals to the server": attempts(
        *(f"os.kill({who}, {signal})" for who in ("1", "SERVER", "SUPERVISOR") for signal in (0, 9, 15, 19)),
        "os.killpg(os.getpgid(SUPERVISOR), 9)",
        "os.killpg(os.getpgid(SERVER), 9)",
        "libc('sigqueue', SUPERVISOR, 9, 0)",
        "signal.pidfd_send_signal(os.pidfd_open(SUPERVISOR), 9)",
        "signal_by_pipe(SUPERVISOR)",
        "signal_by_pipe(SERVER)",
        prelude=TOOLS,
    ),
    "the host's and the image's files": attempts(
        "open('/etc/shadow')",
        "os.listdir('/root')",
        "open('/x', 'w')",
        "open('/etc/passwd', 'a')",
        "open('/opt/dubito/guest/child.py', 'a')",
        "open('/proc/sys/kernel/core_pattern', 'w')",
        "open('/proc/sysrq-trigger', 'w')",
        "open('/proc/kcore', 'rb').read(1)",
        "open('/proc/kmsg', 'rb').read(1)",
        "open('/dev/mem', 'rb')",
        "open('/dev/sda', 'rb')",
        "open('/dev/vda', 'rb')",
        "open('/dev/kvm', 'rb')",
        "os.mknod('disk', 0o60600, os.makedev(254, 0))",
        "os.link('/etc/shadow', 'shadow')",
        "os.open('/proc/1/root/etc/shadow', os.O_RDONLY)",
    ),
    "any file that could be written, or lift its user": attempts(
        "refuse([entry.path for entry in every('/') if writable(entry) or lifts(entry)])", prelude=EVERY_FILE
    ),
    "the cgroup": attempts(
        *(
            f"refuse([e.path for e in every('/sys/fs/cgroup') if e.name == {name!r} and takes(e.path, {text!r})])"
            for name, text in {
                "cgroup.procs": "0",
                "tasks": "0",
                "notify_on_release": "1",
                "memory.limit_in_bytes": "-1",
                "memory.max": "max",
                "pids.max": "max",
                "cpu.cfs_quota_us": "-1",
                "devices.allow": "a",
            }.items()
        ),
        "os.mkdir('/sys/fs/cgroup/mine')",
        "os.mkdir('/sys/fs/cgroup/memory/mine')",
        "libc('mount', b'cgroup', b'/tmp', b'cgroup', 0, b'memory')",
        prelude=EVERY_FILE,
    ),
    "another root": attempts(
        "os.chroot('/tmp')",
        "libc('mount', b'none', b'/', 0, 32, 0)",
        "libc('mount', b'none', b'/tmp', 0, 32 | 4096, 0)",
        "libc('mount', b'proc', b'/tmp', b'proc', 0, 0)",
        "libc('mount', b'/', b'/tmp', 0, 4096, 0)",
        "libc('umount2', b'/proc/kcore', 2)",
        "libc('pivot_root', b'/tmp', b'/tmp')",
        *(f"libc('unshare', {flag})" for flag in ("0x10000000", "0x20000", "0x40000000", "0x20000000", "0x2000000")),
        *(f"libc('setns', os.open('/proc/1/ns/{kind}', os.O_RDONLY), 0)" for kind in ("mnt", "pid", "net", "user")),
        *(f"libc('setns', os.open('/proc/self/ns/{kind}', os.O_RDONLY), 0)" for kind in ("mnt", "net")),
        "syscall(428, -100, b'/', 1)",
        "syscall(430, b'proc', 0)",
        prelude=TOOLS,
    ),
    "namespaces of its own": attempts(
        *(f"libc('unshare', {flag})" for flag in ("0x10000000", "0x10020000", "0x20000", "0x40000000", "0x8000000")),
        *(f"clone({flag})" for flag in ("0x10000000", "0x10020000", "0x20000000", "0x2000000", "0x40000000")),
        "libc('syscall', 435, bytes(88), 88)",
        "libc('setns', os.pidfd_open(os.getpid()), 0x10000000)",
        "open('/proc/self/uid_map', 'w').write('0 0 1')",
        "open('/proc/self/setgroups', 'w').write('deny')",
        prelude=TOOLS,
        held=ISOLATED,
    ),
    "mounts of its own": attempts(
        "libc('mount', b'none', b'.', b'tmpfs', 0, b'size=100%')",
        "libc('umount2', b'/proc', 2)",
        "libc('chroot', b'.')",
        "syscall(428, -100, b'.', 1)",
        "syscall(430, b'tmpfs', 0)",
        "syscall(442, -100, b'.', 0, bytes(32), 32)",
        prelude=TOOLS,
        held=EVERYWHERE,
    ),
    "another user": attempts(
        *(f"os.{call}(0)" for call in ("setuid", "setgid", "seteuid", "setegid")),
        "os.setresuid(0, 0, 0)",
        "os.setgroups([0])",
        "os.setuid(os.getuid() + 1)",
        "os.chown(copied(0o755), 0, 0)",
        "libc('capset', struct.pack('Ii', 0x20080522, 0), struct.pack('6I', *[0xffffffff] * 6))",
        "libc('prctl', 47, 2, 0, 0, 0)",
        "libc('prctl', 28, 1, 0, 0, 0)",
        "run('su', '-c', 'true')",
        "run(copied(0o4755))",
        prelude=TOOLS,
    ),
    "more than its share": attempts(
        "os.nice(-1)",
        "open('/proc/self/oom_score_adj', 'w').write('0')",
        "os.setpriority(os.PRIO_PROCESS, 0, -1)",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        *(
            f"raise_limit(resource.RLIMIT_{name})"
            for name in ("CPU", "AS", "FSIZE", "NOFILE", "NPROC", "CORE", "MEMLOCK")
        ),
        "libc('mlockall', 3)",
        "libc('memfd_create', b'x', 0)",
        "socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)",
        prelude=TOOLS,
    ),
    "the kernel": attempts(
        "libc('reboot', 0)",
        "libc('sethostname', b'x', 1)",
        "libc('acct', b'/tmp/x')",
        "libc('klogctl', 3, ctypes.create_string_buffer(99), 99)",
        "syscall('perf_event_open', struct.pack('IIQ', 1, 112, 0) + bytes(96), 0, -1, -1, 0)",
        "libc('fanotify_init', 0, 0)",
        "time.clock_settime(0, time.time())",
        "syscall(425, 8, ctypes.create_string_buffer(256))",
        "syscall('bpf', 0, struct.pack('IIII', 2, 4, 4, 1) + bytes(112), 128)",
        "syscall('userfaultfd', 0)",
        prelude=TOOLS,
    ),
    "notes for the next program": attempts(
        "libc('shmget', 7, 4096, 0o1666)",
        "libc('msgget', 7, 0o1666)",
        "libc('semget', 7, 1, 0o1666)",
        "libc('shm_open', b'/note', os.O_CREAT | os.O_RDWR, 0o666)",
        "libc('mq_open', b'/note', os.O_CREAT | os.O_RDWR, 0o666, 0)",
        "open('/dev/shm/note', 'w')",
        "open('/dev/mqueue/note', 'w')",
        "open('/dev/note', 'w')",
        "open('/run/note', 'w')",
        "open('/var/tmp/note', 'w')",
        "syscall('add_key', b'user', b'note', b'x', 1, -3)",
        "os.setxattr('/opt/dubito/guest/child.py', 'user.note', b'x')",
        "retime('/opt/dubito/guest/child.py')",
        "os.chmod('/tmp', 0o700)",
        "os.rename('/tmp', '/tmp2')",
        prelude=TOOLS,
    ),
}
