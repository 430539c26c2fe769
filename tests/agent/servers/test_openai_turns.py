"""Requests wait for their turn; a client that leaves stops its model; whatever goes wrong, the server lives."""

import threading

import httpx
import openai
import pytest
from fakes import ScriptedSandbox
from serving import HeldLM, served, serving, wait_until
from trie import PLAIN_CHAT, TrieLM

from agent.servers.openai import app

TEXT = "def f(x):\n    return x + 1\n"
ASKED = {"model": "trie", "prompt": "# "}


def ask(client, **options):
    return client.completions.create(**{**ASKED, **options})


def test_a_client_that_leaves_a_stream_stops_the_model():
    lm = HeldLM({TEXT: 1.0})
    with serving(served(lm.model())) as server:
        lm.permits.release(3)
        stream = ask(server.client(), stream=True)
        assert next(stream).choices[0].text == "d"
        stream.close()
        wait_until(lambda: server.lines, "the server notices that its client left")
        lm.permits.release(1000)
        server.wait(running=False)
        assert lm.forwards <= 4 and "its client left" in server.lines[0], (lm.forwards, server.lines)
        assert ask(server.client()).choices[0].text == TEXT, "the next one gets its answer"


def test_a_client_that_leaves_before_its_whole_answer_stops_the_model():
    lm = HeldLM({TEXT: 1.0})
    with serving(served(lm.model())) as server:
        lm.permits.release(3)
        sent = server.send("/v1/completions", ASKED)
        wait_until(lambda: lm.forwards == 3, "the model writes")
        sent.close()
        wait_until(lambda: server.lines, "the server notices that its client left")
        lm.permits.release(1000)
        server.wait(running=False)
        assert lm.forwards <= 4


def test_a_search_ends_when_its_client_leaves():
    lm, box = HeldLM({TEXT: 1.0}), ScriptedSandbox()
    with serving(served(lm.model(), sandbox=box)) as server:
        lm.permits.release(3)
        messages = [{"role": "user", "content": "Write f(x), which adds one."}]
        sent = server.send("/v1/chat/completions", {"model": "trie:solve", "messages": messages})
        wait_until(lambda: lm.forwards == 3, "the model writes")
        sent.close()
        wait_until(lambda: server.lines, "the server notices that its client left")
        lm.permits.release(1000)
        server.wait(running=False)
        assert lm.forwards <= 4 and box.programs == []


def test_requests_beyond_the_queue_are_told_to_come_back_and_those_in_it_are_answered():
    lm = HeldLM({TEXT: 1.0})
    with serving(served(lm.model())) as server:
        most, texts = server.api.turns.most_waiting, []
        threads = [
            threading.Thread(target=lambda: texts.append(ask(server.client()).choices[0].text)) for _ in range(1 + most)
        ]
        for thread in threads:
            thread.start()
        server.wait(running=True, waiting=most)
        with pytest.raises(openai.RateLimitError) as refused:
            ask(server.client())
        assert int(refused.value.response.headers["retry-after"]) > 0 and refused.value.type == "rate_limit_error"
        lm.permits.release(10_000)
        for thread in threads:
            thread.join()
        assert texts == [TEXT] * (1 + most)
        assert server.health() | {"running": False, "waiting": 0} == server.health()


def test_a_client_that_leaves_the_queue_is_never_answered():
    lm = HeldLM({TEXT: 1.0})
    with serving(served(lm.model())) as server:
        first = threading.Thread(target=ask, args=(server.client(),))
        first.start()
        server.wait(running=True)
        sent = server.send("/v1/completions", {**ASKED, "prompt": "other"})
        server.wait(waiting=1)
        sent.close()
        server.wait(waiting=0)
        lm.permits.release(10_000)
        first.join()
        server.wait(running=False)
        assert {"".join(map(chr, prompt)) for prompt in lm.prompts} == {"# "}


def test_a_server_that_stops_ends_the_answers_under_way():
    lm = HeldLM({TEXT: 1.0})
    with serving(served(lm.model())) as server:
        lm.permits.release(3)
        stream = ask(server.client(), stream=True)
        next(stream)
        server.api.turns.thread.close()
        lm.permits.release(1000)
        with pytest.raises(openai.APIError, match="the server is stopping"):
            list(stream)
        with pytest.raises(openai.InternalServerError, match="the server is stopping"):
            ask(server.client())
        assert lm.forwards <= 5


class BrokenLM(TrieLM):
    """Fails behind two characters."""

    def _logits(self, ids):
        if len(ids) > 3:
            raise KeyError("a bug")
        return super()._logits(ids)


def test_a_bug_is_told_to_its_client_alone_and_the_server_lives():
    with serving(served(BrokenLM({TEXT: 1.0}).model())) as server:
        with pytest.raises(openai.InternalServerError, match="the server failed: KeyError"):
            ask(server.client())
        pieces = []
        with pytest.raises(openai.APIError, match="the server failed: KeyError"):
            pieces.extend(ask(server.client(), stream=True))
        assert [type(error) for error in server.errors] == [KeyError, KeyError]
        assert server.health()["status"] == "ok"
        assert [line.rpartition(", ")[2][:9] for line in server.lines] == ["error 500"] * 2


def test_a_bug_before_the_job_is_told_as_well(monkeypatch):
    def fail(*arguments):
        raise KeyError("a bug")

    monkeypatch.setattr(app, "read_body", fail)
    with serving(served(TrieLM({TEXT: 1.0}).model())) as server:
        with pytest.raises(openai.InternalServerError, match="the server failed: KeyError"):
            ask(server.client())
        assert [type(error) for error in server.errors] == [KeyError] and server.health()["status"] == "ok"


def test_a_token_is_asked_for_but_not_for_the_health():
    with serving(served(TrieLM({TEXT: 1.0}).model()), token="let me in") as server:
        assert ask(server.client()).choices[0].text == TEXT
        for key in ("none", "let", "let me in!"):
            with pytest.raises(openai.AuthenticationError) as refused:
                ask(server.client(api_key=key))
            assert refused.value.code == "invalid_api_key"
        assert httpx.get(f"{server.url}/v1/models").status_code == 401
        assert server.health()["status"] == "ok"


@pytest.fixture(scope="module")
def local():
    with serving(served(TrieLM({TEXT: 1.0}).model(style=PLAIN_CHAT))) as server:
        yield server


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"host": "evil.example:8000"}, 403),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "[oops"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "vscode-file://vscode-app"}, 200),
        ({"origin": "https://evil.example"}, 403),
    ],
)
def test_a_web_page_of_another_site_may_not_ask_a_local_server(local, headers, status):
    answer = httpx.get(f"{local.url}/v1/models", headers=headers)
    assert answer.status_code == status and "access-control-allow-origin" not in answer.headers
    assert status == 200 or answer.json()["error"]["type"] == "invalid_request_error"


def test_a_server_for_others_answers_under_any_name():
    with serving(served(TrieLM({TEXT: 1.0}).model()), token="t", local=False) as server:
        headers = {"host": "box.example", "authorization": "Bearer t"}
        assert httpx.get(f"{server.url}/v1/models", headers=headers).status_code == 200


def test_a_preflight_of_a_browser_is_refused(local):
    headers = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    asked = httpx.options(f"{local.url}/v1/chat/completions", headers=headers)
    assert asked.status_code == 405 and "access-control-allow-origin" not in asked.headers
