"""Two models are compared token by token: a model is at no distance from itself, and near itself in other weights."""

import json
import math

import pytest
from results import dubito, refused
from text_model import byte_model, save

from agent.errors import InvalidRequestError
from benchmarks.exercises import make_problem
from benchmarks.experiments.fidelity import compare_models, report_fidelity
from benchmarks.experiments.teacher_forcing import encode_solution

PROBLEMS = [make_problem(f"exercises/{number}") for number in range(2)]


def test_a_model_is_at_no_distance_from_itself():
    model = byte_model()
    report = report_fidelity(list(compare_models(model, model, PROBLEMS)), ("a", "a"))
    assert (report.record["kl"], report.record["entropy_moved"], report.record["parted"]) == (0.0, 0.0, 0)
    assert "0 tokens, 0.00%" in report.text


def test_distances_are_those_of_the_two_distributions():
    one, other = byte_model(seed=0, sharpness=2.0), byte_model(seed=1, sharpness=2.0)
    (compared,) = compare_models(one, other, PROBLEMS[:1])
    prompt, tokens = encode_solution(one, PROBLEMS[0])
    logprobs = [each.lm.score_tokens(prompt, tokens).float().log_softmax(-1) for each in (one, other)]
    kl = (logprobs[1].exp() * (logprobs[1] - logprobs[0])).sum()
    assert compared.kl == pytest.approx(float(kl), rel=1e-4) and compared.tokens == len(tokens)
    own = [-sum(float(rows[at, token]) for at, token in enumerate(tokens)) for rows in logprobs]
    assert [compared.surprisal, compared.other_surprisal] == pytest.approx(own, rel=1e-4)
    parted = [at for at in range(len(tokens)) if logprobs[0][at].argmax() != logprobs[1][at].argmax()]
    assert len(compared.parted) == len(parted) > 0
    report = report_fidelity([compared], ("a", "b")).record
    assert report["perplexity"] == pytest.approx([math.exp(each / len(tokens)) for each in own], rel=1e-4)


def test_models_that_share_no_tokens_and_solutions_that_do_not_fit_are_refused():
    model, short = byte_model(), byte_model(context=8)
    with pytest.raises(InvalidRequestError, match="none fits into the model's context"):
        report_fidelity(list(compare_models(model, short, PROBLEMS)), ("a", "b"))


def test_the_command_compares_two_precisions_of_one_model(tmp_path):
    save(byte_model(sharpness=2.0), tmp_path)
    words = ("bench", "fidelity", "--model", tmp_path, "--limit", 1, "--weights", "bf16", "--against-weights", "fp32")
    report = json.loads(dubito(*words, "--json").stdout)
    assert report["models"] == [f"{tmp_path} in bfloat16", f"{tmp_path} in float32"]
    assert 0 < report["kl"] < 0.1 and report["tokens"] > 10
    refused(dubito("bench", "fidelity", "--model", tmp_path, "--weights", "int3"), "int3")
