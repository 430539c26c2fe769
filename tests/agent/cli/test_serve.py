"""`dubito serve` as a process: what it says, whom it refuses, how it ends; and evalplus' own generator as a client."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import openai
import pytest
from serving import wait_until
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.exits import ExitCode
from agent.decoding import POLICIES, decode
from agent.decoding.stops import any_of, end_token, token_limit
from agent.lm import open_lm
from benchmarks import open_benchmark
from benchmarks.cli import hidden_verdicts
from benchmarks.exercises.export import export
from sandbox import open_sandbox

ROOT = Path(__file__).parents[3]
PROMPT = 'def total(xs: list[int]) -> int:\n    """Return the sum of the numbers in xs that are even.'
# What the model draws here has more than 300 tokens.
ENDLESS = {"model": "models/tiny", "prompt": "x = ", "max_tokens": 900, "temperature": 2, "seed": 1}
pytestmark = [pytest.mark.model, pytest.mark.timeout(400)]


class Process:
    """A server in a process of its own, with a home of its own."""

    def __init__(self, home, *options):
        kept = {"HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, "PYTHONPATH": ROOT}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "serve", "--port", "0", "--sandbox", "process", *options],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **{name: str(value) for name, value in kept.items()}},
        )  # fmt: skip
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r"serving (.*) at (http://\S+)/v1; Ctrl-C ends it", line):
                self.names, self.url = found[1].split(" and "), found[2]
                break
        else:
            pytest.fail("".join(self.lines))

    def client(self):
        """Return OpenAI's own client, which asks once."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=120)

    def stop(self, number=signal.SIGINT):
        """Send a signal; return the exit code and what was written since."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Process(tmp_path_factory.mktemp("home"), "--model", "models/tiny", "--budget", "programs=3,seconds=30")
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.fixture(scope="module")
def tiny():
    return open_lm("models/tiny")


def test_the_models_are_the_model_and_its_workflow(server):
    client = server.client()
    assert [model.id for model in client.models.list()] == server.names == ["models/tiny", "models/tiny:solve"]
    assert client.models.retrieve("models/tiny:solve").owned_by == "dubito"
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-4' here; choose models/tiny or models/tiny:solve"):
        client.models.retrieve("gpt-4")


@pytest.mark.parametrize("temperature", [None, 0])
def test_a_text_is_what_the_policy_decodes(server, tiny, temperature):
    ids = tiny.tokenizer.encode(PROMPT)
    stop = any_of(end_token(tiny.tokenizer.end_ids), token_limit(60))
    steps = list(decode(tiny.lm, ids, POLICIES["adadec"], stop=stop, text=tiny.tokenizer.stream(ids)))
    asked = {} if temperature is None else {"temperature": temperature}
    answer = server.client().completions.create(model="models/tiny", prompt=PROMPT, max_tokens=60, logprobs=2, **asked)
    choice = answer.choices[0]
    assert choice.text == "".join(step.text for step in steps)
    assert choice.logprobs.token_logprobs == pytest.approx([step.logprob for step in steps if step.text], abs=1e-4)
    assert choice.dubito["pauses"] == sum(step.pause is not None for step in steps)
    assert answer.usage.completion_tokens == len(steps) and answer.usage.prompt_tokens == len(ids)


def test_a_gap_is_filled_by_fill_in_the_middle(server):
    asked = {"prompt": "def double(x: int) -> int:\n    return ", "suffix": "\n\n\nprint(double(4))\n"}
    choice = server.client().completions.create(model="models/tiny", max_tokens=30, **asked).choices[0]
    assert choice.text.strip() and "print" not in choice.text and choice.finish_reason == "stop"


def test_a_program_is_searched_run_and_given_with_its_claim(server):
    (problem,) = [each for each in open_benchmark("exercises") if each.task_id == "exercises/130"]
    message = {"role": "user", "content": f"Please complete this:\n```python\n{problem.prompt}\n```"}
    choice = server.client().chat.completions.create(model="models/tiny:solve", messages=[message]).choices[0]
    program = choice.message.content.split("```python\n")[1].split("\n```")[0]
    assert (
        choice.dubito["claim"] == "verified" and "✓ verified: the program passed 2 examples" in choice.message.content
    )
    with closing(open_sandbox("process")) as box:
        assert box.run(f"{program}\nassert {problem.entry_point}([], 3) == 0").verdict == "passed"


BAD_BODIES = {
    "nonsense": (b"nonsense", 400, "the body is no JSON"),
    "empty": (b"", 400, "the body is no JSON"),
    "not UTF-8": (b'{"model": "\xff"}', 400, "the body is no JSON"),
    "deep": (b"[" * 100_000, 400, "recursion limit"),
    "half a pair of surrogates": (b'{"model": "\\ud800"}', 400, "the body is no JSON"),
    "a list": (b"[]", 400, "no JSON object"),
    "no model": (b'{"messages": [{"role": "user", "content": "x"}]}', 400, "model is missing"),
    "another model": (b'{"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}', 404, "no model 'gpt-4'"),
    "no messages": (b'{"model": "models/tiny"}', 400, "messages is missing"),
    "empty messages": (b'{"model": "models/tiny", "messages": []}', 400, "messages"),
}
BAD_FIELDS = {
    "temperature": ("hot", 9, "0"),
    "top_p": (0, 2),
    "n": (0, 1000, True, 1.5),
    "stop": ([""], 7, [None], ["x"] * 1000),
    "max_tokens": (0, -1, "many"),
    "logprobs": (7,),
    "top_logprobs": (21, -1),
    "seed": ("x",),
    "stream": ("yes", 1),
    "tools": ([{"type": "function"}],),
    "response_format": ({"type": "json_object"},),
    "frequency_penalty": (0.5,),
    "logit_bias": ({"1": 1},),
    "messages": (
        7,
        "x",
        [7],
        [{"role": "user"}],
        [{"role": "robot", "content": "x"}],
        [{"role": "user", "content": 7}],
    ),
}


def post(server, data):
    return httpx.post(f"{server.url}/v1/chat/completions", content=data, timeout=120)


def check_error(answer, status, text):
    error = answer.json()["error"]
    assert (answer.status_code, set(error)) == (status, {"message", "type", "param", "code"}), error
    assert text in error["message"] and "\n" not in error["message"]


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_cannot_be_read_gets_an_error_of_the_protocol(server, name):
    data, status, text = BAD_BODIES[name]
    check_error(post(server, data), status, text)


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_wrong_field_is_named(server, name):
    good = {"model": "models/tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    for value in BAD_FIELDS[name]:
        answer = post(server, json.dumps({**good, name: value}).encode())
        check_error(answer, 400, name if name != "messages" or value != [{"role": "user"}] else "last message")
        assert (answer.json()["error"]["param"] or "").startswith(name), value


def test_a_refusal_says_what_came_and_what_was_wanted(server):
    body = {"model": "models/tiny", "messages": [{"role": "user", "content": "x"}], "n": 1000}
    check_error(post(server, json.dumps(body).encode()), 400, "n is 1000: input should be less than or equal to 64")


def test_what_asks_for_nothing_is_taken_and_unknown_fields_are_ignored(server):
    nothing = {
        "tools": [],
        "response_format": {"type": "text"},
        "frequency_penalty": 0,
        "logit_bias": None,
        "stop": None,
    }
    unknown = {"user": "me", "top_k": 40, "reasoning_effort": "low", "metadata": {"a": "b"}}
    body = {"model": "models/tiny", "prompt": PROMPT, "max_tokens": 1, **nothing, **unknown}
    assert httpx.post(f"{server.url}/v1/completions", json=body).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_100_megabytes_is_refused_and_the_server_lives(server, chunked):
    data = b'{"model": "' + b"x" * 100_000_000
    check_error(post(server, iter([data]) if chunked else data), 413, "the body is longer than 4 MiB")
    assert httpx.get(f"{server.url}/health").json()["status"] == "ok"


def test_a_prompt_longer_than_the_models_window_is_refused_before_a_stream_begins(server):
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            server.client().completions.create(model="models/tiny", prompt="x = 1\n" * 2000, stream=stream)
        assert refused.value.code == "context_length_exceeded" and "1024" in refused.value.message


def test_other_paths_and_methods_get_an_error_of_the_protocol(server):
    for path, status in (("/chat/completions", 404), ("/v1/embeddings", 404), ("/v1/completions", 405)):
        check_error(httpx.get(f"{server.url}{path}"), status, f"nothing here answers GET '{path}'; ask GET /v1/models")


def test_a_client_that_leaves_stops_the_model(server):
    stream = server.client().completions.create(**ENDLESS, stream=True)
    next(stream)
    stream.close()
    wait_until(lambda: not httpx.get(f"{server.url}/health").json()["running"], "the model stops")
    line = next(line for line in iter(server.process.stderr.readline, "") if "its client left" in line)
    assert line.startswith("models/tiny: ")


def test_ctrl_c_ends_the_server_and_the_answer_under_way(tmp_path):
    running = Process(tmp_path, "--model", "models/tiny")
    with socket.create_connection(running.url.removeprefix("http://").split(":")) as sent:
        body = json.dumps({**ENDLESS, "stream": True})
        request = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        sent.sendall(request.encode())
        received = sent.recv(10_000)
        code, out, err = running.stop()
        while part := sent.recv(100_000):
            received += part
    assert (code, out) == (ExitCode.OK, "") and err.endswith("stopped\n")
    assert b"200 OK" in received and b"the server is stopping" in received
    assert "Traceback" not in err


def refuse(*options, **environment):
    """Return the one sentence with which a server refuses to start, before it loads anything."""
    ended = CliRunner().invoke(app, ["serve", *options], env=environment)
    assert (ended.exit_code, ended.stdout) == (ExitCode.BAD_REQUEST, ""), ended.output
    (line,) = ended.stderr.splitlines()
    return line


def test_a_port_in_use_is_told_before_the_model_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refuse("--model", "models/tiny", "--port", str(port))
    assert line.startswith(f"dubito: cannot listen on 127.0.0.1:{port} (Address already in use)")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "others can reach this machine at '0.0.0.0'"),
        (["--host", "::"], "others can reach this machine at '::'"),
        (["--host", "192.0.2.1", "--token", "secret"], "cannot listen on 192.0.2.1:8000"),
        (["--host", "no such host"], "'no such host' is no address"),
        (["--host", "nowhere.invalid", "--token", "secret"], "there is no address 'nowhere.invalid:8000'"),
        (["--token", ""], "the token is empty"),
        (["--token", "with blanks"], "the token is empty, or holds more"),
        (["--port", "70000"], "less than or equal to 65535"),
        (["--model", "/nowhere/model"], "/nowhere/model"),
        (["--policy", "adadce"], "unknown policy"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(options, said):
    line = refuse(*options)
    assert line.startswith("dubito: ") and said in line


def test_the_token_comes_from_the_environment_too_and_no_help_shows_it():
    assert "the token is empty" in refuse(DUBITO_TOKEN="with blanks")
    ended = CliRunner().invoke(app, ["serve", "--help"], env={"DUBITO_TOKEN": "hush-hush"})
    assert ended.exit_code == 0 and "hush-hush" not in ended.output
    for words in (["config", "list"], ["config", "list", "--json"]):
        assert "hush-hush" not in CliRunner().invoke(app, words, env={"DUBITO_TOKEN": "hush-hush"}).output


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("agent.cli.serving.find_spec", lambda name: None if name == "uvicorn" else object())
    assert refuse() == "dubito: dubito serve needs uvicorn; install what it needs with: pip install 'dubito[serve]'"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_about_it_shows_requests_that_are_answered(server, capsys):
    page = (ROOT / "docs" / "serve.md").read_text().replace("http://127.0.0.1:8000", server.url)
    (curl,) = re.findall(r"```bash\n(curl .*?)```", page, re.DOTALL)
    ran = subprocess.run(["bash", "-c", f"{curl.rstrip()} --silent"], capture_output=True, text=True, check=True)
    (choice,) = json.loads(ran.stdout)["choices"]
    assert choice["message"]["content"].startswith("```python\ndef total(xs")
    assert choice["dubito"]["claim"] == "verified"
    (code,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/serve.md", "exec"), {})
    assert re.search(r"^.* 0\.\d+ \[", capsys.readouterr().out, re.MULTILINE), "a span and its alternatives"
    fields = re.findall(r"^\| (`[^|]*`) \| ", page.split("| field | meaning |")[1].split("\n\n")[0], re.MULTILINE)
    assert set(choice["dubito"]) == {name for row in fields for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.real
def test_a_real_model_goes_on_with_a_conversation(real_model, tmp_path):
    running = Process(tmp_path, "--model", real_model)
    try:
        turns = [
            ("user", "Remember the number 7."),
            ("assistant", "I will."),
            ("user", "Which number? Only the number."),
        ]
        messages = [{"role": role, "content": content} for role, content in turns]
        asked = {"model": real_model, "messages": messages, "max_tokens": 8}
        answer = running.client().chat.completions.create(**asked)
        chunks = running.client().chat.completions.create(**asked, stream=True)
        assert "7" in answer.choices[0].message.content and answer.choices[0].finish_reason == "stop"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == answer.choices[0].message.content
    finally:
        running.stop()


def test_evalplus_own_generator_writes_programs_that_pass(server, tmp_path):
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    ids = [f"exercises/{number}" for number in (0, 2, 3, 7, 130)]
    problems = [each for each in open_benchmark("exercises") if each.task_id in ids]
    export(problems, tmp_path / "five.jsonl")
    asked = [
        "--model", "models/tiny:solve", "--dataset", "humaneval", "--backend", "openai", "--greedy",
        "--base_url", f"{server.url}/v1", "--root", str(tmp_path / "out"),
    ]  # fmt: skip
    environment = {"HUMANEVAL_OVERRIDE_PATH": str(tmp_path / "five.jsonl"), "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "evalplus.codegen", *asked], env={**os.environ, **environment}, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    files = list((tmp_path / "out" / "humaneval").glob("*_temp_0.0.jsonl"))
    assert ran.returncode == 0 and len(files) == 1, ran.stdout
    samples = [json.loads(line) for line in files[0].read_text().splitlines()]
    assert [each["task_id"] for each in samples] == ids
    with closing(open_sandbox("process")) as box:
        judged = [
            hidden_verdicts(box, each, sample["solution"]) for each, sample in zip(problems, samples, strict=True)
        ]
    assert judged == [{"base": "passed", "plus": "passed"}] * 5, samples
