"""Settings that hold for every test: nothing that this machine's user has learned or kept is seen."""

import atexit
import functools
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import typer.testing
from hypothesis import settings
from platformdirs import user_cache_path

# A first import takes a second where the machine is busy: no test may depend on that. Examples differ run by run.
settings.register_profile("unhurried", parent=settings(), deadline=None, max_examples=50)
settings.load_profile("unhurried")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
FOLDER = tempfile.mkdtemp(prefix="dubito-tests-")
os.environ |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), FOLDER)
for name in [each for each in os.environ if each.startswith("DUBITO_")]:
    if name not in ("DUBITO_MODELS", "DUBITO_TEST_DEVICE"):  # the rest are settings of whoever runs the tests
        del os.environ[name]
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SHELF = Path(os.environ.get("DUBITO_MODELS") or user_cache_path("dubito") / "models")  # the user's real models
os.environ["DUBITO_MODELS"] = f"{FOLDER}/models"
os.environ.setdefault("LANGSMITH_TRACING", "false")
os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it when it is imported, which is left to those who need it
gc.set_threshold(100_000, 50, 100)  # torch alone is half a million objects, and no test makes garbage of them
atexit.register(gc.freeze)  # nor does the end of a process need to look at each of them again
# A runner builds every command anew for each line that it runs, which takes ten times as long as most lines do.
typer.testing._get_command = functools.cache(typer.testing._get_command)


def pytest_collection_finish() -> None:
    """Keep what the imports made out of every later collection of garbage."""
    gc.freeze()


@pytest.fixture(scope="session")
def real_model() -> str:
    """Return the folder of a real code model, which `dubito models get` put on this machine."""
    name = "qwen2.5-coder-0.5b"
    if not (SHELF / name / "config.json").is_file():
        pytest.skip(f"needs a real model on this machine (run: dubito models get {name})")
    return str(SHELF / name)
