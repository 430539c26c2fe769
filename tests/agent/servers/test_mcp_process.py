"""`dubito mcp` as a process, through the library's own client, in the protocol of 2025 and in that of 2026."""

import asyncio
import json
import subprocess

import anyio
import jsonschema
import pytest
from assistants import ENDLESS, command, environment, request
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ElicitResult

from agent.workflow.standing import Standing

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

RIGHT = "def largest(xs):\n    return max(xs)\n"
ASKED = ENDLESS.replace("    >>> largest([1, 2])\n    1\n", "    >>> largest([3])\n    3\n")


def serving(state, *options, answer=None, mode="auto"):
    """Return a client of `dubito mcp`. answer: gives the answer to a form."""

    async def elicit(context, form):
        return answer(form)

    program, *arguments = command("mcp", *options)
    process = StdioServerParameters(command=program, args=arguments, env=environment(state), cwd=state)
    return Client(process, mode=mode, elicitation_callback=elicit if answer else None)


def choose(number):
    """Return the answer that takes a choice of a form."""

    def answer(form):
        choices = form.requested_schema["properties"]["choice"]["enum"]
        return ElicitResult(action="accept", content={"choice": choices[number]})

    return answer


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_tools_give_records_of_their_schemas_and_text(tmp_path, mode):
    async def call():
        asked = []

        def answer(form):
            asked.append(form)
            return choose(0)(form)

        told = []

        async def follow(progress, total, message):
            told.append((progress, message))

        async with serving(tmp_path, answer=answer, mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            checked = await client.call_tool("check", {"code": RIGHT, "examples": "assert largest([1, 2]) == 1"})
            broken = await client.call_tool("check", {"code": "def largest(xs)\n"})
            own = await client.call_tool("check", {"code": ASKED + "    return xs[-1]\n"})
            doubts = await client.call_tool("doubts", {"code": f"{RIGHT}\n\nresult = largset([1, 2])\n", "most": 3})
            solved = await client.call_tool("solve", {"request": ASKED, "ask": True}, progress_callback=follow)
            for name, result in (("check", checked), ("check", own), ("doubts", doubts), ("solve", solved)):
                jsonschema.validate(result.structured_content, tools[name].output_schema)
                assert not result.is_error and result.content[0].text
        return tools, [each.structured_content for each in (checked, broken, own, doubts, solved)], asked, told

    tools, (checked, broken, own, doubts, solved), asked, told = asyncio.run(call())
    assert set(tools) == {"doubts", "check", "solve"}
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    (example,) = checked["examples"]
    assert (checked["passed"], example["got"], example["wanted"]) == (False, "2", "1")
    assert "largest([1, 2]) returned 2, wanted 1" in example["explanation"]
    assert (broken["verdict"], broken["passed"]) == ("syntax error", False)
    assert own["passed"] and [each["passed"] for each in own["examples"]] == [True, True]
    assert 1 <= len(doubts["doubts"]) <= 3 and all(each["line"] for each in doubts["doubts"])
    assert solved["claim"] == "verified" and "def largest" in solved["program"]
    assert [number for number, _ in told] == sorted({number for number, _ in told}), "progress grows"
    assert any("passed 2 examples" in message for _, message in told)
    assert set(tools["solve"].output_schema["properties"]["claim"]["enum"]) == set(Standing)
    assert all("in doubt" in form.message for form in asked)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_answer_in_a_form_is_what_the_program_goes_on_with(tmp_path, mode):
    async def solve(**options):
        async with serving(tmp_path, "--strategy", "once", "--threshold", "0.01", mode=mode, **options) as client:
            first = await client.call_tool("solve", {"request": ASKED, "ask": True})
            second = await client.call_tool("solve", {"request": ASKED, "ask": False})
        return first.structured_content["program"], second.structured_content["program"]

    forms = []

    def write(form):
        forms.append(form)
        if len(forms) > 1:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"text": "return sorted(xs)[-1]\n"})

    own, alone = asyncio.run(solve(answer=write))
    assert "return sorted(xs)[-1]" in own and "sorted(xs)[-1]" not in alone
    assert 1 <= len(forms) <= 2, "who declines is asked no more"


def test_what_is_wrong_with_a_call_is_one_sentence_and_the_server_lives_on(tmp_path):
    calls = [
        ("doubts", {"code": "def f(x)"}, "the code:1: this is no Python"),
        ("doubts", {}, "doubts cannot take its argument 'code': field required"),
        ("doubts", {"code": RIGHT, "most": 99}, "doubts cannot take its argument 'most'"),
        ("doubts", {"code": RIGHT, "mots": 1}, "doubts cannot take its argument 'mots'"),
        ("check", {"code": RIGHT}, "no example came, and the code shows none"),
        ("check", {"code": RIGHT, "examples": "assert other(1) =="}, "the examples:1: this is no valid Python"),
        ("check", {"code": "x" * 1_000_001}, "at most 1000000 characters"),
        ("solve", {"request": "a\0b"}, "NUL character"),
        ("solve", {"request": "Write f(x).", "tests": "nothing"}, "holds no assert"),
    ]

    async def call():
        async with serving(tmp_path) as client:
            for name, arguments, sentence in calls:
                result = await client.call_tool(name, arguments)
                (said,) = result.content
                assert result.is_error and sentence in said.text and "\n" not in said.text, said.text
            with pytest.raises(MCPError, match="there is no tool 'fly'; choose from doubts, check, solve"):
                await client.call_tool("fly", {})
            fine = await client.call_tool("check", {"code": RIGHT, "examples": "assert largest([1, 2]) == 2"})
            assert fine.structured_content["passed"]

    asyncio.run(call())


def test_a_call_that_is_cancelled_stops_decoding_and_the_next_one_is_answered(tmp_path):
    async def call():
        async with serving(tmp_path, "--budget", "programs=100000,seconds=250") as client:
            with anyio.CancelScope() as scope:

                async def leave(progress, total, message):
                    if message.startswith("program 2 "):
                        scope.cancel()

                await client.call_tool("solve", {"request": ENDLESS}, progress_callback=leave)
                pytest.fail("an endless search ended")
            assert scope.cancelled_caught
            with anyio.fail_after(120):
                fine = await client.call_tool("check", {"code": RIGHT, "examples": "assert largest([1, 2]) == 2"})
            assert fine.structured_content["passed"]

    asyncio.run(call())


def test_a_client_that_dies_while_it_waits_takes_the_server_with_it(tmp_path):
    line = command("mcp", "--budget", "programs=100000,seconds=250")
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(tmp_path),
        cwd=tmp_path,
    ) as process:  # fmt: skip
        info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        meta = {"progressToken": 1}
        process.stdin.write(
            request(1, "initialize", **info)
            + b'nonsense\n{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'
            + request(2, "tools/call", name="solve", arguments={"request": ENDLESS}, _meta=meta)
        )
        process.stdin.flush()
        messages = []
        while not any("program 2 " in each.get("params", {}).get("message", "") for each in messages):
            messages.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(60) == 0
        assert [each["error"]["code"] for each in messages if "error" in each] == [-32700]


def test_a_client_hears_in_its_own_protocol_why_there_are_no_tools(tmp_path):
    async def connect():
        async with serving(tmp_path, "--policy", "adadce", mode="legacy"):
            pytest.fail("it was started wrong")

    with pytest.raises((MCPError, ExceptionGroup)) as failed:
        asyncio.run(connect())
    error = failed.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert "unknown policy 'adadce'" in str(error)
