"""Whatever text a program, a model or a person sends passes state, checkpoint and prompts without an exception."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model
from trie import PLAIN_CHAT, Characters, TrieLM

from agent.decoding import POLICIES, Gate
from agent.decoding.ask import Ask
from agent.program.failures import describe_failure
from agent.program.outputs import describe_output
from agent.program.styles import PROMPT_STYLES
from agent.program.task import read_task
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.workflow.context import Context
from agent.workflow.run import run_task
from agent.workflow.threads import open_memory_store, open_threads
from sandbox.base import Raised, Returned, Verdict

REQUEST = 'def f(x: int) -> str:\n    """Say it.\n    >>> f(1)\n    \'a\'\n    """'
TEXTS = {
    "what UTF-8 cannot hold": "\ud800 \udc80\ud800",
    "what a terminal obeys": "\x00 \x1b]0;x\x07\x1b[2J \u202e\u2066 🏳️\u200d🌈 \r\n\x0c\x85\u2028",
    "a million characters": "x" * 10**6,
}


@pytest.fixture(scope="module")
def model():
    return byte_model(sharpness=8.0)


class Saying(ScriptedSandbox):
    """A sandbox whose programs say a text wherever they can."""

    def __init__(self, text, verdict):
        super().__init__(lambda program: verdict)
        self.text = text

    def run(self, program, **options):
        execution = super().run(program, **options)
        outcomes = tuple(
            (Returned(self.text), Raised(self.text, self.text))[n % 2] for n in range(len(execution.outcomes))
        )
        return replace(execution, stdout=self.text, stderr=f"{self.text}\nError: {self.text}", outcomes=outcomes)


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED, Verdict.SYNTAX_ERROR])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_a_program_says_is_kept_in_a_thread_and_shown_to_a_tokenizer(tmp_path, model, text, verdict):
    config = SearchConfig(Budget(programs=3), branches=False, repair_after=1)
    with open_threads(tmp_path) as saver:
        around = Context(model, POLICIES["greedy"], Saying(text, verdict), max_tokens=12)
        result = run_task(around, read_task(REQUEST), config=config, checkpointer=saver, thread="t")
        again = run_task(around, read_task(REQUEST), config=config, checkpointer=saver, thread="t")
    assert result.outcome == again.outcome == "abstained" and len(result.attempts) > 1, "a repair's prompt was read"
    for attempt in result.attempts:
        "".join([*map(describe_failure, attempt.failures), *map(describe_output, attempt.behaviour or ())]).encode()


@pytest.mark.parametrize("name", ["what UTF-8 cannot hold", "what a terminal obeys"])
def test_what_a_person_types_is_written_and_kept(model, name):
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", 1.2), resolver=Ask())
    around = Context(model, policy, ScriptedSandbox(value=2), max_tokens=6)
    questions = []

    def person(question):
        questions.append(question)
        return f"a{TEXTS[name]}"

    run_task(around, read_task(REQUEST), checkpointer=open_memory_store(), thread="t", person=person)
    assert questions


@pytest.mark.parametrize("style", [PROMPT_STYLES["completion"], PLAIN_CHAT])
def test_a_model_that_writes_nul_characters_is_judged_like_others(tmp_path, monkeypatch, style):
    body = "\n    return '\x01'\n"
    known = {f"```python\n{REQUEST}{body}```" if style.chat else body: 1.0}

    class Nul(Characters):
        def feed(self, token):
            return self, {0: "", 1: "\x00"}.get(token, chr(token))

    monkeypatch.setattr("trie.Characters", Nul)
    model = TrieLM(known).model(style=style)
    with open_threads(tmp_path) as saver:
        around = Context(model, POLICIES["greedy"], ScriptedSandbox(lambda program: Verdict.SYNTAX_ERROR))
        result = run_task(around, read_task(REQUEST), checkpointer=saver, thread="t")
    assert result.outcome == "abstained" and "\x00" in result.best.program
