"""Named runs on disk, in one sqlite file of the user's state folder. Of a run that ended only the last state stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from agent.errors import StorageError

MOST_RUNS = 100  # when another run ends, the oldest goes
_OLD_STATES = "thread_id = ? AND checkpoint_id < (SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
# Ids of checkpoints begin with their time.
_OLD_RUNS = (
    "thread_id IN (SELECT thread_id FROM checkpoints"
    " GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT -1 OFFSET ?)"
)


def threads_file() -> Path:
    """Return the file of the named runs."""
    from platformdirs import user_state_path

    return user_state_path("dubito") / "threads.sqlite"


def open_memory_store() -> Any:
    """Return a LangGraph checkpointer in memory, for runs that ask a person and need no name."""
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.workflow.checkpoints import RecordSerializer

    return InMemorySaver(serde=RecordSerializer())


@contextmanager
def open_threads(folder: Path | None = None) -> Iterator[Any]:
    """Open the LangGraph checkpointer of the named runs. Raises StorageError."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from agent.workflow.checkpoints import RecordSerializer

    file = folder / "threads.sqlite" if folder else threads_file()
    where = f"cannot keep threads in {str(file.parent)!r}"
    advice = f"{where}; make room there and let it be written, or set XDG_STATE_HOME to another folder"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{advice} ({error.strerror})") from error
    try:
        with closing(sqlite3.connect(file, check_same_thread=False)) as connection:  # the saver has a lock
            yield SqliteSaver(connection, serde=RecordSerializer())
    except sqlite3.Error as error:
        raise StorageError(f"{advice} ({error})") from error


def prune(saver: Any, thread: str) -> None:
    """Drop all but the last state of a run that ended, and all but the newest MOST_RUNS runs; shrink the file.

    Where another process writes or the disk is full, nothing is dropped; the next run that ends tries again.
    """
    with suppress(sqlite3.OperationalError):
        with saver.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(f"DELETE FROM {table} WHERE {_OLD_STATES}", (thread, thread))
            for table in ("writes", "checkpoints"):  # _OLD_RUNS counts the second
                cursor.execute(f"DELETE FROM {table} WHERE {_OLD_RUNS}", (MOST_RUNS,))
        saver.conn.execute("VACUUM")


def measure_threads() -> tuple[int, int]:
    """Return the number of named runs, and the bytes of their file. Raises sqlite3.Error for no such file."""
    file = threads_file()
    if not file.is_file():
        return 0, 0
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        (runs,) = connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()
    finally:
        connection.close()
    return runs, file.stat().st_size
