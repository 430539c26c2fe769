"""The command line: one sentence and an exit code for what goes wrong, one object for --json."""

import json
from pathlib import Path

import pytest
from text_model import byte_model, save
from typer.testing import CliRunner

from agent.cli.app import app
from agent.program.styles import PROMPT_STYLES

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
PROMPT = 'def f(x: int) -> int:\n    """Add one.\n\n    >>> f(1)\n    2\n    """\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a random model, and a prompt beside it."""
    folder = tmp_path_factory.mktemp("cli")
    model = byte_model(sharpness=8.0, context=400)
    save(model, folder / "model")
    model.lm.model.save_pretrained(folder / "mute")
    (folder / "prompt.py").write_text(PROMPT)
    (folder / "long.py").write_text(PROMPT.replace("Add one.", "Add one. " * 100))
    (folder / "latin.py").write_bytes(b"# \xe9\n")
    (folder / "loop.py").write_text("for x in (1, 2):\n    assert f(x) == x\n")
    (folder / "bom.py").write_text(PROMPT, encoding="utf-8-sig")
    (folder / "tests.py").write_text("assert f(3) == 4\nassert f(")
    return folder


def dubito(place, *arguments: str):
    given = [argument.replace("@", f"{place}/") for argument in arguments]
    return CliRunner().invoke(app, given)


def solve(place, *arguments: str):
    options = ["--model", "@model", "--sandbox", "process", "--max-tokens", "6", "--budget", "programs=2"]
    return dubito(place, "solve", *options, *arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--model", "@mute"], 2, "has no tokenizer beside it"),
        (["--model", "nobody/nothing"], 2, "cannot load the model 'nobody/nothing'"),
        (["--weights", "fp16"], 0, None),
        (["--accept", "all"], 2, "unknown claim to accept 'all'; choose from verified, agreed, any"),
        (["--device", "gpu"], 2, "unknown device 'gpu'"),
        (["--tests", "@tests.py"], 2, "tests.py:2: this is no valid Python"),
        (["--tests", "@loop.py"], 2, "loop.py:2: this assert stands inside a loop"),
    ],
)
def test_bad_input_gets_one_sentence_and_its_exit_code(place, arguments, code, sentence):
    result = solve(place, "--file", "@prompt.py", *arguments)
    if sentence is None:
        assert result.exit_code in (0, 1), result.output
        return
    assert (result.exit_code, result.exception.__class__.__name__) == (code, "SystemExit"), result.output
    assert sentence in result.stderr.replace("\n", " ")
    assert result.stderr.count("dubito: ") == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("@long.py", "this model reads at most 400"),
        ("@latin.py", "is not UTF-8"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named(place, file, sentence):
    result = solve(place, "--file", file)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_json_is_one_object_with_the_whole_account(place):
    result = solve(place, "--file", "@prompt.py", "--budget", "programs=2", "--json")
    record = json.loads(result.stdout)
    assert result.exit_code == record["exit_code"] == 1
    expected = {"task", "outcome", "program", "verdict", "steps", "pauses", "forwards", "seconds", "attempts", "holes"}
    assert expected <= record.keys()
    assert (record["outcome"], record["standing"]) == ("abstained", "abstained")
    assert record["evidence"].keys() == {"examples", "separate", "alike", "inputs", "cases", "cases_passed"}
    assert len(record["attempts"]) == 2
    branches = len(record["attempts"]) - 1 - (record["attempts"][-1]["prompt"] > 0)
    assert record["tokens"] == len(record["steps"]) + branches, "a branch commits its candidate without a step"


def test_json_reports_errors_as_an_object_too(place):
    result = solve(place, "--file", "@prompt.py", "--policy", "beam", "--json")
    assert json.loads(result.stdout) == {"error": result.stderr.strip().removeprefix("dubito: "), "exit_code": 2}


def test_a_trace_holds_every_step_and_attempt(place, tmp_path):
    result = solve(
        place, "--file", "@prompt.py", "--budget", "programs=1", "--json", "--trace", str(tmp_path / "t.jsonl")
    )
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == [
        "provenance",
        *["step"] * len(json.loads(result.stdout)["steps"]),
        "attempt",
        "answer",
    ]


def test_a_thread_that_ended_gives_the_same_program_again(place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    first = solve(place, "--file", "@prompt.py", "--thread", "mine", "--json")
    again = solve(place, "--file", "@prompt.py", "--thread", "mine", "--json")
    assert json.loads(first.stdout)["program"] == json.loads(again.stdout)["program"]
    other = solve(place, "A sentence.", "--thread", "mine")
    assert (other.exit_code, "begun with another task" in other.stderr) == (2, True)


def test_a_result_is_delivered_before_older_runs_are_dropped(place, tmp_path, monkeypatch):
    def break_off(saver, thread):
        raise KeyboardInterrupt

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("agent.cli.solve.prune", break_off)
    result = solve(place, "--file", "@prompt.py", "--thread", "mine", "--json")
    assert result.exit_code == 130 and "program" in json.loads(result.stdout.splitlines()[0])


def test_a_file_with_a_byte_order_mark_is_python_all_the_same(place):
    plain, marked = (
        json.loads(solve(place, "--file", f"@{name}", "--json").stdout) for name in ("prompt.py", "bom.py")
    )
    assert marked["program"] == plain["program"]


def test_a_sentence_longer_than_the_context_is_refused_in_one_sentence(place):
    result = solve(place, "word " * 6000)
    assert (result.exit_code, "this model reads at most 400" in result.stderr) == (2, True), result.output


def test_a_thread_begun_with_another_policy_is_refused(place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    solve(place, "--file", "@prompt.py", "--thread", "mine")
    other = solve(place, "--file", "@prompt.py", "--thread", "mine", "--policy", "uscd", "--seed", "3")
    assert (other.exit_code, "begun with another policy and seed;" in other.stderr) == (2, True)


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ([""], 0), (["2"], 1), ([" 2 "], 1), (["0", "9", "3"], 2), (["a\\n b"], " a\n b"), (["\\nx"], "\nx"),
        ([")"], ")"), (["/go"], 0),
    ],
)  # fmt: skip
def test_what_a_person_types_is_a_candidate_or_text(typed, chosen, monkeypatch):
    from rich.console import Console

    from agent.decoding import Candidate
    from agent.records import CandidateQuestion
    from agent.views.terminal import TerminalView

    console = Console(quiet=True)
    lines = iter(typed)
    monkeypatch.setattr(console, "input", lambda prompt: next(lines))
    question = CandidateQuestion("", tuple(Candidate(n, -1.0, -1.0, " x") for n in range(3)))
    view = TerminalView(console, live=False)
    assert view.ask(question) == chosen
    if typed == ["/go"]:
        assert view.ask(question) == 0, "nobody is asked any more"


def test_a_person_is_asked_at_pauses(place):
    options = ["--ask", "--threshold", "1.2", "--max-tokens", "4", "--budget", "programs=1"]
    command = ["solve", "--file", f"{place}/prompt.py", "--model", f"{place}/model", "--sandbox", "process", *options]
    asked = CliRunner().invoke(app, command, input="/foo\n2\nxy\n\n\n\n")
    assert "/foo is no command. A number takes" in " ".join(asked.output.split())
    assert "to be asked no more" in " ".join(asked.output.split())
    assert "asked no more: 2\n" in asked.output, "what is piped is written where no terminal shows it"
    assert asked.exit_code == 1, asked.output


def chat(place, *lines: str, options: tuple[str, ...] = ()):
    command = [
        "chat",
        "--model",
        f"{place}/model",
        "--sandbox",
        "process",
        "--max-tokens",
        "6",
        "--budget",
        "programs=3",
    ]
    return CliRunner().invoke(app, [*command, *options], input="\n".join(lines) + "\n", env={"COLUMNS": "500"})


def test_a_chat_answers_requests_walks_the_tree_of_the_last_and_goes_on_after_mistakes(place):
    result = chat(
        place, "/tree", "/file nowhere.py", f"/file {place}/prompt.py", "/tree", "/tree 2", "/tree 99", "/hepl", "",
        "/help", "/quit", "never read",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "nothing was asked for yet" in said
    assert "there is no such file" in said
    assert said.count("program 1 ✗") == 2, "once while it grew, once as an alternative"
    assert "abstained" in said and "there is no program '99'" in said
    assert "'/hepl' is no command; did you mean /help?" in said and "all programs of the last request" in said


def test_a_chat_ends_with_its_input(place):
    result = CliRunner().invoke(app, ["chat", "--model", f"{place}/model", "--sandbox", "process"], input="")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--order", "learned"], "the order learned needs edge weights, which were not learned"),
        (["--min-probability", "0.5"], "a minimum probability needs a reliability curve, which was not learned"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_in_one_sentence(place, options, sentence):
    result = solve(place, "--file", "@prompt.py", *options)
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.output


def test_json_holds_the_whole_tree(place):
    record = json.loads(solve(place, "--file", "@prompt.py", "--budget", "programs=3", "--json").stdout)
    assert record["feedback"] == "visible"
    assert record["answer"]["ended_by"] == {"part": "programs", "used": 3, "bound": 3}
    first, *others = record["attempts"]
    assert first["forks"] and all(each["edge"]["parent"] < n for n, each in enumerate(others, start=1))
    assert record["tokens"] == sum(each["cost"]["tokens"] for each in record["attempts"])
    alone = json.loads(solve(place, "--file", "@prompt.py", "--budget", "programs=1", "--json").stdout)
    assert alone["feedback"] == "none"


def test_an_example_that_cannot_be_read_is_said_and_in_the_account(place, tmp_path):
    (tmp_path / "odd.py").write_text('def f(x):\n    """Add.\n    >>> f(1\n    2\n    >>> f(2)\n    3\n    """\n')
    result = solve(place, "--file", str(tmp_path / "odd.py"), "--budget", "programs=1", "--max-tokens", "3")
    assert "this example cannot be read, and is not checked: >>> f(1" in " ".join(result.stderr.split())
    process = solve(place, "--file", str(tmp_path / "odd.py"), "--budget", "programs=1", "--max-tokens", "3", "--json")
    assert json.loads(process.stdout)["unparsed_examples"] == [">>> f(1"]


def test_a_chat_outlives_interrupts_at_its_prompt_and_in_a_run(place, monkeypatch):
    import builtins

    from agent.workflow import run

    lines = iter(["half a li\x03", "/FILE @prompt.py", "/tree", "A sentence.", "/Quit now"])
    run_task, interrupted = run.run_task, []

    def read(prompt):
        line = next(lines)
        if line.endswith("\x03"):
            raise KeyboardInterrupt
        return line.replace("@", f"{place}/")

    def run_or_stop(context, task, **options):
        if "A sentence" in task.request:
            interrupted.append(task)
            raise KeyboardInterrupt
        return run_task(context, task, **options)

    monkeypatch.setattr(builtins, "input", read)
    monkeypatch.setattr(run, "run_task", run_or_stop)
    result = chat(place, options=("--budget", "programs=1"))
    assert result.exit_code == 0 and len(interrupted) == 1, result.output
    assert (
        "/quit or Ctrl-D ends the chat" in result.output
        and "stopped; what you say next changes this request" in result.output
    )
    assert result.output.count("program 1 ✗") == 2, "the alternatives are still those of the run that ended"


def test_a_chat_keeps_tests_files_and_options_and_saves_and_loads_them(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests.py").write_text("assert f(3) == 4\n")
    (tmp_path / "broken.json").write_text('{"dubito_chat": 1}')
    result = chat(
        place, f"/add {place}/prompt.py", "/drop nothing.py", f"/tests {tmp_path}/tests.py", "/policy greedy",
        "/policy", "/policy nosuch", "/strategy once", "/budget programs=2", f"/save {tmp_path}/talk.json", "/new",
        f"/load {tmp_path}/talk.json", f"/load {tmp_path}/broken.json", "/retry", "/run", "/fill", "/holes", "/heat",
        f"/save {place}/prompt.py", "/quit",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert saved["options"]["policy"] == "greedy" and saved["conversation"]["tests"] == ["assert f(3) == 4\n"]
    assert [Path(each["title"]).name for each in saved["conversation"]["files"]] == ["prompt.py"]
    for sentence in (
        "is shown to the model from now on", "'nothing.py' was not added", "kept for what follows",
        "policy: greedy", "unknown policy 'nosuch'", "--budget does not go with once", "talk.json goes on with it",
        "loaded", "'broken.json' is no session of a chat", "there is nothing to try again", "there is no program yet",
    ):  # fmt: skip
        assert sentence.replace("'broken.json'", "broken.json'") in said, sentence
    assert said.count("nothing was asked for yet") == 3
    assert (place / "prompt.py").read_text() == PROMPT, "a file of somebody else is never replaced"


UNUSABLE = {
    "/file": "/file came without a path",
    "/file  ": "/file came without a path",
    "/file /": "is a folder; wanted a regular file",
    "a\0b": "the request holds control characters",
    "\x1b[A\x1b[DX": "the request holds control characters",
    "/nosuch \u202e": "is no command; /help lists them",
    "/": "'/' is no command; /help lists them",
    "prompt.py": "is the name of a file",
}


def test_a_line_that_a_chat_cannot_carry_out_is_said_and_the_next_is_read(place):
    result = chat(place, *(each for line in UNUSABLE for each in (line, "/HELP")), "/quit")
    assert result.exit_code == 0, result.output
    *answers, _ = " ".join(result.output.split()).split("all programs of the last request")
    for line, answer, sentence in zip(UNUSABLE, answers, UNUSABLE.values(), strict=True):
        assert sentence in answer, line


def test_questions_end_with_their_input(place):
    options = ["--ask", "--threshold", "1.2", "--max-tokens", "4", "--budget", "programs=1"]
    command = ["solve", "--file", f"{place}/prompt.py", "--model", f"{place}/model", "--sandbox", "process", *options]
    ended = CliRunner().invoke(app, command, input="")
    assert ended.exit_code == 1, ended.output
    assert (
        " ".join(ended.output.split()).count("to be asked no more") == 1
        and ended.output.count("going on without asking") == 1
    )


def test_a_run_that_abstains_prints_no_program(place):
    ended = solve(place, "--file", "@prompt.py", "--budget", "programs=1")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1].startswith("What now: ") or "What now: " in ended.stderr


def test_a_request_is_read_from_stdin(place):
    options = [
        "--model",
        f"{place}/model",
        "--sandbox",
        "process",
        "--max-tokens",
        "3",
        "--budget",
        "programs=1",
        "--json",
    ]
    as_file = solve(place, "--file", "@prompt.py", "--max-tokens", "3", "--budget", "programs=1", "--json")
    for more in (["--file", "-"], ["-"], []):
        piped = CliRunner().invoke(app, ["solve", *options, *more], input=PROMPT)
        assert json.loads(piped.stdout)["program"] == json.loads(as_file.stdout)["program"]


def test_the_prompt_style_is_an_option_and_part_of_what_a_run_is(place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    model = byte_model(sharpness=8.0, context=400)
    model.tokenizer.tokenizer.chat_template = TEMPLATE
    save(model, place / "talker")
    opening = ("--file", "@prompt.py", "--model", "@talker", "--budget", "programs=1", "--thread", "talk")
    asked = solve(place, *opening, "--prompt-style", "qwen", "--trace", str(tmp_path / "trace.jsonl"), "--json")
    style = PROMPT_STYLES["qwen"].describe()
    assert style["system"] and "\n```" in style["stops"]
    assert json.loads((tmp_path / "trace.jsonl").read_text().splitlines()[0])["prompt_style"] == style
    assert json.loads(asked.stdout)["prompt_style"] == style
    other = solve(place, *opening, "--prompt-style", "completion")
    assert (other.exit_code, "begun with another prompt-style;" in other.stderr) == (2, True), other.output
    mute = solve(place, "--file", "@prompt.py", "--prompt-style", "dubito")
    assert (mute.exit_code, "has no chat template" in mute.stderr) == (2, True)
