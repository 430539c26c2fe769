"""The tools of assistants, in the protocol of 2025, which puts questions, and in that of 2026, which is called anew."""

import asyncio
from itertools import product

import jsonschema
import pytest
from assistants import Piped
from chat_answers import fenced
from mcp import Client, MCPError
from mcp.types import ElicitResult

from agent.cli.exits import explain_error
from agent.servers.desk import Desk
from agent.servers.mcp.server import ToolServer, serve
from agent.servers.mcp.tools import MOST_QUESTIONS, Tools
from agent.workflow.standing import Standing
from sandbox.base import SandboxUnavailable

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3 and total([4]) is 4."
SUM, MAX, LEN = (f"def total(xs):\n    return {name}(xs)\n" for name in ("sum", "max", "len"))
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


class Parts:
    """An agent that is there from the start."""

    def __init__(self, agent):
        self.agent, self.model, self.sandbox = agent, agent.model, agent.sandbox


@pytest.fixture
def call(agent_of):
    """Return what lets a scenario call the tools of an agent."""

    def run(scenario, answers=None, *, answer=None, mode="auto", parts=None, **options):
        async def elicit(context, form):
            return answer(form)

        async def converse():
            agent = agent_of({fenced(each): weight for each, weight in (answers or {SUM: 1.0}).items()}, **options)
            desk = Desk(lambda: Tools(parts or Parts(agent)))
            server = ToolServer(desk, lambda error: explain_error(error)[0])
            transport = Piped(lambda streams: serve(server, desk, streams))
            async with Client(transport, mode=mode, elicitation_callback=elicit if answer else None) as client:
                return await scenario(client)

        return asyncio.run(asyncio.wait_for(converse(), 100))

    return run


def calling(name, **arguments):
    """Return the scenario that calls a tool, and gives its result after a look at its schema."""

    async def scenario(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool(name, arguments)
        if not result.is_error:
            jsonschema.validate(result.structured_content, tools[name].output_schema)
        return result

    return scenario


def choose(number):
    """Return the answer that takes a choice of a form."""
    return lambda form: ElicitResult(
        action="accept", content={"choice": form.requested_schema["properties"]["choice"]["enum"][number]}
    )


@MODES
def test_the_tools_have_descriptions_and_schemas(call, mode):
    async def scenario(client):
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in call(scenario, mode=mode)}
    assert set(tools) == {"doubts", "check", "solve"}
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert all(each["description"] for each in tool.input_schema["properties"].values())
    assert set(tools["solve"].output_schema["properties"]["claim"]["enum"]) == set(Standing)


def test_check_says_which_examples_pass_what_came_and_what_was_wanted(call):
    examples = "assert total([1]) == 1\nassert total([2]) == 3\nassert total('a') == 1"
    result = call(calling("check", code=SUM, examples=examples))
    checked, text = result.structured_content, result.content[0].text
    assert (checked["passed"], checked["explanation"]) == (False, "1 of 3 examples passed")
    first, second, third = checked["examples"]
    assert (first["passed"], second["passed"], third["passed"]) == (True, False, False)
    assert (second["got"], second["wanted"]) == ("2", "3") and "raised TypeError" in third["explanation"]
    assert "✗ total([2]) returned 2, wanted 3" in text and text.endswith("✗ 1 of 3 examples passed")


@pytest.mark.parametrize(
    ("code", "examples", "passed", "verdict", "each"),
    [
        (SUM, ">>> total([1, 2])\n3", True, "passed", [True]),
        (SUM.replace(":\n", ':\n    """Add.\n\n    >>> total([1])\n    1\n    """\n'), "", True, "passed", [True]),
        ("def total(xs)\n", "", False, "syntax error", []),
        ("raise ValueError('no')\ndef total(xs): ...\n", "assert total([]) == 0", False, "failed", [None]),
        ("import os\nos._exit(0)\ndef total(xs): ...\n", "assert total([]) == 0", False, "failed", [None]),
        (f"\ufeff{SUM}".replace("\n", "\r\n"), "assert total([1, 2]) == 3", True, "passed", [True]),
    ],
)
def test_check_takes_sessions_docstrings_and_programs_that_fail_by_themselves(
    call, code, examples, passed, verdict, each
):
    checked = call(calling("check", code=code, examples=examples)).structured_content
    assert (checked["passed"], checked["verdict"]) == (passed, verdict) and checked["explanation"]
    assert [example["passed"] for example in checked["examples"]] == each


@MODES
def test_solve_gives_the_program_its_claim_and_the_evidence_for_it(call, mode):
    told = []

    async def follow(progress, total, message):
        told.append((progress, message))

    async def scenario(client):
        return await client.call_tool("solve", {"request": ASKED}, progress_callback=follow)

    result = call(scenario, {SUM: 0.4, MAX: 0.6}, mode=mode)
    solution = result.structured_content
    assert (solution["claim"], solution["program"], solution["evidence"]["examples"]) == ("verified", SUM, 2)
    assert f"```python\n{SUM}```" in result.content[0].text and "verified" in result.content[0].text
    numbers = [number for number, _ in told]
    assert numbers == sorted(set(numbers)), "progress grows"
    assert any("│ max(xs over sum(xs" in message for _, message in told)
    assert any(message.endswith("forwards") and "program 1 ✗" in message for _, message in told)


@MODES
@pytest.mark.parametrize("number", [0, 1])
def test_the_answer_in_a_form_is_what_the_program_goes_on_with(call, mode, number):
    forms = []

    def answer(form):
        forms.append(form)
        return choose(number)(form)

    solve = calling("solve", request=ASKED, ask=True)
    result = call(solve, {SUM: 0.4, MAX: 0.6}, answer=answer, mode=mode, strategy="once", threshold="0.5")
    assert ("max(xs)", "sum(xs)")[number] in result.structured_content["program"]
    (form,) = forms
    assert form.message.startswith("The model is in doubt: how does it go on?\n\n") and "def total(xs):" in form.message
    assert form.requested_schema["properties"]["choice"]["enum"][0].startswith("1  `max(xs")


@MODES
def test_a_person_may_write_another_text(call, mode):
    answers = {SUM: 0.4, MAX: 0.6}
    write = ElicitResult(action="accept", content={"text": "sum(reversed(xs))\n"})
    solve = calling("solve", request=ASKED, ask=True)
    result = call(solve, answers, answer=lambda form: write, mode=mode, strategy="once", threshold="0.5")
    assert "return sum(reversed(xs))" in result.structured_content["program"]


@MODES
@pytest.mark.parametrize("action", ["decline", "cancel", "accept"])
def test_whoever_gives_no_answer_is_asked_no_more(call, mode, action):
    forms = []

    def answer(form):
        forms.append(form)
        return ElicitResult(action=action, content={"choice": "none of these"} if action == "accept" else None)

    solve = calling("solve", request=ASKED, ask=True)
    result = call(solve, {SUM: 0.4, MAX: 0.5, LEN: 0.1}, answer=answer, mode=mode, threshold="0.5")
    assert result.structured_content["claim"] == "verified" and len(forms) == 1


@MODES
def test_questions_have_a_bound(call, mode):
    forms = []

    def answer(form):
        forms.append(form)
        return choose(0)(form)

    many = {f"def total(xs):\n    return {''.join(name)}\n": 1.0 for name in product("ab", repeat=MOST_QUESTIONS + 2)}
    call(calling("solve", request=ASKED, ask=True), many, answer=answer, mode=mode, threshold="0.5", strategy="once")
    assert len(forms) == MOST_QUESTIONS


def test_a_client_without_forms_and_a_call_that_wants_none_are_asked_nothing(call):
    answers = {SUM: 0.4, MAX: 0.6}
    assert call(calling("solve", request=ASKED, ask=True), answers).structured_content["claim"] == "verified"
    quiet = calling("solve", request=ASKED, ask=False)
    fail = lambda form: pytest.fail("nobody wanted to be asked")  # noqa: E731
    assert call(quiet, answers, answer=fail, ask=True).structured_content["claim"] == "verified"


def test_a_run_that_is_gone_is_said_to_be_gone(call):
    async def scenario(client):
        return await client.session.call_tool("solve", {"request": ASKED}, request_state="unknown")

    result = call(scenario, answer=choose(0))
    assert result.is_error and "waits for no answer any more; call solve again" in result.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("doubts", {"code": SUM}, "a text is read by the backend hf"),
        ("doubts", {}, "doubts cannot take its argument 'code': field required"),
        ("doubts", {"code": SUM, "most": 99}, "doubts cannot take its argument 'most', which is 99: input should be"),
        ("doubts", {"code": SUM, "mots": 1}, "doubts cannot take its argument 'mots'"),
        ("check", {"code": SUM}, "no example came, and the code shows none"),
        ("check", {"code": SUM, "examples": "assert other(1) =="}, "the examples:1: this is no valid Python"),
        ("check", {"code": "x" * 1_000_001}, "at most 1000000 characters"),
        ("solve", {"request": "a\0b"}, "NUL character"),
        ("solve", {"request": " \n"}, "nothing was asked for; say what to write"),
        ("solve", {"request": "Write f(x).", "tests": "x = 1"}, "holds no assert"),
    ],
)
def test_what_is_wrong_with_a_call_is_one_sentence_and_the_server_lives_on(call, name, arguments, sentence):
    async def scenario(client):
        result = await client.call_tool(name, arguments)
        with pytest.raises(MCPError, match="there is no tool 'fly'; choose from doubts, check, solve"):
            await client.call_tool("fly", {})
        return result, await client.call_tool("check", {"code": SUM, "examples": "assert total([1]) == 1"})

    result, fine = call(scenario)
    (said,) = result.content
    assert result.is_error and sentence in said.text and "\n" not in said.text
    assert fine.structured_content["passed"]


def test_a_part_that_is_missing_fails_only_what_needs_it(call, box):
    class Missing:
        sandbox = box

        @property
        def model(self):
            raise SandboxUnavailable("no model today")

        agent = model

    async def scenario(client):
        checked = await client.call_tool("check", {"code": SUM, "examples": "assert total([1]) == 1"})
        calls = (("doubts", {"code": SUM}), ("solve", {"request": ASKED}))
        return checked, [await client.call_tool(*each) for each in calls]

    checked, failed = call(scenario, parts=Missing())
    assert checked.structured_content["passed"]
    assert [(each.is_error, each.content[0].text) for each in failed] == [(True, "no model today")] * 2
