"""An agent over a model that knows a few answers by heart, and a sandbox."""

import pytest
from trie import PLAIN_CHAT, TrieLM

from agent.cli.agent_options import Agent, AgentOptions
from agent.cli.components import build_policy
from sandbox import open_sandbox

OPTIONS = {
    "model": "models/tiny", "policy": None, "threshold": None, "strategy": "adaptive", "programs": None, "ask": False,
    "budget": None, "order": None, "min_probability": 0.0, "max_tokens": 120, "sandbox": "process", "seed": 0,
    "device": None, "weights": "auto", "prompt_style": "auto",
}  # fmt: skip


@pytest.fixture(scope="session")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


@pytest.fixture
def agent_of(box):
    """Return what makes an agent: answers with their weights, and options."""

    def make(answers, **options):
        checked = AgentOptions.take({**OPTIONS, **options}).check()
        policy = build_policy("adadec", model="models/tiny", threshold="0.5", ask=options.get("ask", False))
        return Agent(checked, TrieLM(answers).model(style=PLAIN_CHAT), policy, box)

    return make
