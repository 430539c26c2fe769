"""What a program can move and the next one could read: numbers that are given out one by one, and times of devices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from . import files

DEVICES = "/dev"


class Traces(NamedTuple):
    """What a supervisor finds before its program runs."""

    process: int  # its own number
    file: int  # that a new file gets; 0 where the kernel does not count the files of one file system by themselves
    entry: int  # that a new entry of the folder gets; 0 where the file system counts none
    times: tuple[int, ...]  # of device files, in nanoseconds: looking at some of them is enough to move theirs

    def follow(self, before: Traces) -> bool:
        """Say whether the run between the two moved nothing. A run takes two processes, a file here and its folder."""
        entries = self.entry - before.entry
        return (
            self.process - before.process == 2
            and self.file - before.file == (2 if self.file else 0)
            and 0 <= entries <= 2
            and self.times == before.times
        )


class Finder:
    """Finds traces in one folder. Made once by the server, before any program."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._devices = [DEVICES, *sorted(entry.path for entry in os.scandir(DEVICES))]  # a listing moves a time
        first, second = files.counters(place), files.counters(place)
        self._counts_files = second.file - first.file == 1  # before Linux 5.9, one counter served all file systems

    def find(self) -> Traces:
        """Make a file, and read what numbers and times there are now."""
        counters = files.counters(self._place)
        status = [os.lstat(path) for path in self._devices if os.path.lexists(path)]
        times = tuple(time for each in status for time in (each.st_atime_ns, each.st_mtime_ns, each.st_ctime_ns))
        return Traces(os.getpid(), counters.file if self._counts_files else 0, counters.entry, times)
