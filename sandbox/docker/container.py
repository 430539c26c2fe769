"""The options of a container: what it gets and, mostly, what it is denied. Starts nothing."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from sandbox.forkserver import GUEST_ENVIRONMENT, guest_command

CONTAINER_LABELS = {"dubito": "sandbox"}
MEMORY_MIB = 1024  # of a container: all processes of a program, its files, and the server
NO_SHARED_MEMORY = {"kernel.shmmni": "0", "kernel.msgmni": "0", "kernel.sem": "0 0 0 0", "fs.mqueue.queues_max": "0"}
_HOST_FACTS = (  # files that tell of the host, and counters that one program could change and another read
    *(
        "acpi",
        "asound",
        "buddyinfo",
        "bus",
        "cgroups",
        "cmdline",
        "config.gz",
        "consoles",
        "cpuinfo",
        "crypto",
        "diskstats",
    ),
    *("driver", "fs", "interrupts", "iomem", "ioports", "irq", "kallsyms", "kcore", "key-users", "keys"),
    *("latency_stats", "loadavg", "locks", "meminfo", "misc", "modules", "mtd", "pagetypeinfo", "partitions"),
    *("pressure", "sched_debug", "schedstat", "scsi", "slabinfo", "softirqs", "stat", "swaps", "sysrq-trigger"),
    *("sys/debug", "sys/dev", "sys/fs", "sys/kernel/ns_last_pid", "sys/kernel/pty", "sys/kernel/random", "sys/vm"),
    *("timer_list", "timer_stats", "tty", "uptime", "version", "vmallocinfo", "vmstat", "zoneinfo"),
)
MASKED = (
    *(f"/proc/{name}" for name in _HOST_FACTS),
    "/sys/firmware",
    "/dev/pts",
    "/dev/mqueue",
    "/etc/resolv.conf",
    "/etc/hosts",
)


def container_options(memory_mib: int = MEMORY_MIB) -> dict[str, Any]:
    """Return a container's options. Its root is the server, with three capabilities; programs get a user id each."""
    return {
        "command": guest_command("python3", "/opt/dubito", "/tmp", separate_users=True),
        "environment": GUEST_ENVIRONMENT,
        "user": "0:0",
        "working_dir": "/tmp",
        "stdin_open": True,  # closes with our connection; then the server ends, and the engine removes the container
        "auto_remove": True,
        "init": True,
        "network_mode": "none",
        "ipc_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=64m,nr_inodes=4096"},
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges"],
        "sysctls": NO_SHARED_MEMORY,
        "pids_limit": 64,
        "mem_limit": f"{memory_mib}m",
        "memswap_limit": f"{memory_mib}m",
        "nano_cpus": 10**9,
        "log_config": {"type": "none"},
        "labels": labels(),
    }


def labels() -> dict[str, str]:
    """Return labels that name the owner, so that `sweep` can remove containers whose owner has ended."""
    return CONTAINER_LABELS | {"dubito.host": socket.gethostname(), "dubito.owner": owner(os.getpid())}


def owner(pid: int) -> str:
    """Identify a process by number and start time, because numbers are reused; empty where there is none."""
    try:
        return f"{pid}:{Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except OSError:
        return ""
