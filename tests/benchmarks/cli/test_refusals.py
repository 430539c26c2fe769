"""Wrong requests of `bench`, `calibrate` and `exercises`: code 2, one sentence, nothing written, nothing loaded."""

import os
import sys
from pathlib import Path

import pytest
from results import OUTCOME, dubito, refused, written

from agent.errors import InvalidRequestError
from agent.lm.names import digest_weights
from agent.profile import find_profile
from agent.trace import TraceWriter

TAKES_LIMIT = {"export", "run", "sample", "fill", "pauses", "threshold", "search"}
LONG = "9" * 5_000
REFUSED = [
    ("exercises show -1", "no exercise 'exercises/-1'"),
    ("exercises show --nothing", "no exercise 'exercises/--nothing'"),
    ("exercises show LONG", "no exercise 'exercises/999"),
    ("exercises show exercises/far/LONG", "no exercise 'exercises/far/999"),
    ("exercises show 1e3", "no exercise"),
    ("exercises show ١", "no exercise"),
    ("exercises export --out @", "is a folder"),
    ("exercises export --out @no/such/x.jsonl", "cannot write"),
    ("exercises export --out @thesis", "exists and was not made by this command"),
    ("exercises export --out @link", "exists and was not made by this command"),
    ("exercises export --out @pipe", "nobody reads from it"),
    ("exercises export --out @loop", "cannot write"),
    ("exercises export --out @run.jsonl", "exists and was not made by this command"),
    ("exercises export --out /proc/x.jsonl", "cannot write"),
    ("exercises export --out @x --split LONG", "unknown split '999"),
    ("exercises export --out @x --split train", "say how much of it with --limit"),
    ("exercises export --out @x --limit 0", "--limit"),
    ("bench run nothing", "no benchmark 'nothing'"),
    ("bench run LONG", "no benchmark '999"),
    ("bench run --policy LONG", "unknown policy '999"),
    ("bench run --policy=", "unknown policy ''"),
    ("bench run --policy adadec-tree-5", "unknown policy 'adadec-tree-5'"),
    ("bench run --strategy LONG", "unknown strategy '999"),
    ("bench run --strategy best-of --policy adadec", "best-of needs the policy sample or adapt, and adadec came"),
    ("bench run --strategy beam --policy uscd", "beam needs the policy greedy, and uscd came"),
    ("bench run --programs 2", "once writes one program"),
    ("bench run --strategy tree --programs 0", "--programs"),
    ("bench run --policy greedy --threshold 1", "never pauses"),
    ("bench run --policy adadec --threshold=-1", "not a number from 0 on"),
    ("bench run --policy adadec --threshold nan", "not a number from 0 on"),
    ("bench run --policy adadec --threshold=", "the threshold is empty"),
    ("bench run --policy adadec --threshold /dev/zero", "is a device"),
    ("bench run --policy adadec --threshold @run.jsonl", "is no profile of a model"),
    ("bench run --policy greedy --budget programs=2", "--budget does not go with once"),
    ("bench run --strategy tree --order best", "unknown order 'best'"),
    ("bench run --model @nowhere", "there is no such folder"),
    ("bench run --policy greedy,adadec --out @both.jsonl", "names a file, and a run of several arms needs a folder"),
    ("bench speed --only policies --problems exercises", "--only and --problems came together"),
    ("bench run --sandbox jail", "unknown sandbox 'jail'"),
    ("bench run --weights float7", "unknown weights 'float7'"),
    ("bench run --out @thesis", "is left alone"),
    ("bench run --out @link", "is left alone"),
    ("bench run --out @pipe", "nobody reads from it"),
    ("bench run --out @samples.jsonl", "this is no outcome"),
    ("bench sample --out @run.jsonl", "this is no sample set"),
    ("bench sample --samples 0", "--samples"),
    ("bench sample --samples 10001", "--samples"),
    ("bench sample --samples 1000000000000", "--samples"),
    ("bench fill --policy nothing", "unknown policy 'nothing'"),
    ("bench pauses --width 1", "--width"),
    ("bench pauses --threshold=-0.5", "not a number from 0 on"),
    ("bench curve @run.jsonl --most 7", "--most"),
    ("bench curve @run.jsonl --most LONG", "--most"),
    ("bench plot @run.jsonl --out @a.png --x luck", "unknown axis 'luck'"),
    ("bench plot @run.jsonl --out @a.png --x LONG", "unknown axis '999"),
    ("calibrate threshold --score luck", "the score 'luck' cannot be learned from"),
    ("calibrate threshold --score LONG", "the score '999"),
    ("calibrate threshold --recipe luck", "unknown recipe 'luck'"),
    ("calibrate threshold --recipe budget=-1", "wanted a share of the tokens"),
    ("calibrate threshold --recipe budget=nan", "wanted a share of the tokens"),
    ("calibrate threshold --recipe LONG", "unknown recipe '999"),
    ("calibrate threshold --out @t.json", "--out came without --recipe"),
    ("calibrate threshold --recipe youden --out @", "is a folder"),
    ("calibrate threshold --recipe youden --out @thesis", "exists and was not made by this command"),
    ("calibrate threshold --recipe youden --out @link", "exists and was not made by this command"),
    ("calibrate threshold --from @", "is a folder; wanted a regular file"),
    ("calibrate threshold --from /dev/zero", "is a device; wanted a regular file"),
    ("calibrate threshold --from @pipe", "is a pipe; wanted a regular file"),
    ("calibrate threshold --from @thesis", "cannot learn from"),
    ("calibrate threshold --from @missing", "there is no file"),
    ("calibrate threshold --model @nowhere", "there is no such folder"),
    ("calibrate search --out @thesis", "exists and was not made by this command"),
    ("calibrate search --out @x.json --keep @run.jsonl", "this is no search example"),
    ("calibrate search --out @x.json --keep @thesis", "is left alone"),
    ("calibrate search --budget programs=0", "wanted positive numbers"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "thesis").write_text("mine\n")
    (folder / "link").symlink_to("thesis")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    written(folder / "run.jsonl", OUTCOME)
    (folder / "samples.jsonl").write_bytes(
        (folder / "run.jsonl").read_bytes().replace(b'"outcome"', b'"sample set"', 1)
    )
    return folder


@pytest.mark.parametrize(("line", "sentence"), REFUSED, ids=[line for line, _ in REFUSED])
def test_a_wrong_request_is_code_2_one_sentence_and_nothing_written(place, monkeypatch, line, sentence):
    def state():
        kept = {path: path.read_bytes() for path in place.iterdir() if path.is_file() and not path.is_fifo()}
        return kept, sorted(path.name for path in place.iterdir())

    monkeypatch.setattr("agent.lm.hf.backend.open_model", None)  # no model is loaded
    before = state()
    words = [f"{place}/{word[1:]}" if word.startswith("@") else word.replace("LONG", LONG) for word in line.split(" ")]
    few = ["--limit", "1"] if words[1] in TAKES_LIMIT and not {"train", "--limit"} & set(words) else []
    refused(dubito(*words, *few), sentence)
    assert state() == before


def test_text_goes_to_standard_output_where_it_is_asked_for_and_nothing_else_does(capfdbinary):
    result = dubito("exercises", "export", "--limit", 1, "--out", "-")
    assert result.exit_code == 0 and result.stdout.startswith('{"task_id": "exercises/0"')
    assert result.stderr == "1 exercise written to standard output\n" and result.stdout.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/null")
def test_devices_stay_what_they_are(tmp_path):
    for command in (["exercises", "export", "--limit", 1], ["bench", "plot", written(tmp_path / "r.jsonl", OUTCOME)]):
        (tmp_path / "null").symlink_to("/dev/null")
        for place in ("/dev/null", tmp_path / "null"):
            assert dubito(*command, "--out", place).exit_code == 0
        assert (tmp_path / "null").is_symlink() and not Path("/dev/null").is_file()
        (tmp_path / "null").unlink()
        full = dubito(*command, "--out", "/dev/full")
        assert (full.exit_code, "No space left on device" in full.stderr, full.stderr.count("\n")) == (3, True, 1)
    assert not Path("/dev/full").is_file()


@pytest.mark.parametrize(
    ("command", "kind", "option"),
    [
        (["bench", "run"], "ProblemOutcome", "--out"),
        (["bench", "sample"], "ProblemSamples", "--out"),
        (["calibrate", "search"], "SearchExample", "--keep"),
    ],
    ids=["run", "sample", "search"],
)
def test_a_file_from_before_an_option_was_there_goes_on_with_its_default(tmp_path, monkeypatch, command, kind, option):
    def load(*arguments, **options):
        raise InvalidRequestError("loaded")

    monkeypatch.setattr("agent.lm.hf.backend.open_model", load)
    said = {"weights": digest_weights("models/tiny")}
    said |= {"learned": find_profile("models/tiny").digest()} if kind == "ProblemOutcome" else {}
    said |= {"policy": "adadec", "budget": "programs=20"} if kind == "SearchExample" else {}
    writer = TraceWriter(tmp_path / "old.jsonl", {"options": said})
    writer.begin()
    writer.close()
    refused(dubito(*command, "--limit", 1, option, tmp_path / "old.jsonl"), "loaded")
