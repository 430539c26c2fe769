"""Settings that hold for every test: nothing that this machine's user has learned or kept is seen."""

import atexit
import gc
import os
import shutil
import tempfile

import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["XDG_DATA_HOME"] = os.environ["XDG_STATE_HOME"] = FOLDER = tempfile.mkdtemp(prefix="dubito-tests-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ.setdefault("LANGSMITH_TRACING", "false")
torch.set_num_threads(1)
gc.freeze()  # torch alone is half a million objects, and no test makes garbage of them
gc.set_threshold(100_000, 50, 100)
