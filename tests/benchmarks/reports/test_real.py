"""The page of real models shows the runs there are, names the others as not run, and gives each row its command."""

import json
from dataclasses import replace

from results import OUTCOME, dubito, refused, written

from benchmarks.experiments.real import JOINT, REAL_COMPARISONS, REAL_RUNS, REPORTED, RealRun
from benchmarks.reports.real import report_real

QWEN, OURS = RealRun("HumanEval", "qwen"), RealRun("HumanEval", "dubito")


def outcomes(*passed, tokens=50):
    return [
        replace(OUTCOME, task_id=f"HumanEval/{n}", plus="passed" if each else "failed", feedback="none", tokens=tokens)
        for n, each in enumerate(passed)
    ]


def test_without_any_run_each_row_says_so_and_has_its_command():
    page = report_real({}, {}).text
    assert page.count("| not run |") == sum(len(each.runs) for each in REAL_COMPARISONS) + 4
    assert all(f"$ dubito {' '.join(run.command())}\n" in page for run in REAL_RUNS.values())


def test_each_row_is_filled_by_a_run_of_the_page():
    runs = {*(each.run for each in REPORTED), *(run for pair in JOINT for run in pair)}
    assert runs <= set(REAL_RUNS.values())
    page = report_real({name: outcomes(True) for name in REAL_RUNS}, {}).text
    assert "not run" not in page.lower()


def test_a_row_holds_the_interval_the_test_and_how_much_has_run():
    runs = {QWEN.name: outcomes(True, False, False, False), OURS.name: outcomes(True, True, True, False)}
    page = report_real(runs, {})
    assert "| dubito | greedy | 100.0 | 75.0 (30.1 to 95.4) | 2/0 | 0.500 | 50.0 |" in page.text
    assert "| 0 | 4 of 164 so far |" in page.text
    assert page.record["joint"] == {"problems": 4, "qwen": 1, "dubito": 3, "gained": 2, "lost": 0, "p": 0.5}
    published = page.record["published"][0]
    assert published["ours"] == {"base": 100.0, "plus": 25.0} and published["within_interval"] is True


def test_programs_that_took_all_their_tokens_are_counted():
    record = report_real({QWEN.name: outcomes(True, tokens=768)}, {}).record
    (row,) = record["comparisons"]["Prompt styles on HumanEval+"]
    assert (row["cut_off"], row["missing"]) == (1, 163)


def test_the_command_reads_the_runs_of_a_folder_and_writes_its_own_page_alone(tmp_path):
    written(QWEN.file(tmp_path), *outcomes(True, True))
    result = dubito("bench", "real", "--folder", tmp_path, "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["comparisons"]["Prompt styles on HumanEval+"]
    page = tmp_path / "real.md"
    for _ in range(2):
        assert dubito("bench", "real", "--folder", tmp_path, "--out", page).exit_code == 0
    assert page.read_text().startswith("# Real models\n")
    assert "\nRuns: begun " in page.read_text() and "weights unknown." in page.read_text()
    (tmp_path / "thesis.md").write_text("# Mine")
    refused(dubito("bench", "real", "--folder", tmp_path, "--out", tmp_path / "thesis.md"), "was not made by this")
    refused(dubito("bench", "real", "--only", "all"), "unknown run 'all'; choose from HumanEval-qwen2.5-coder-0.5b")


def test_missing_runs_are_run_each_in_a_process_of_its_own_and_one_that_fails_is_named(tmp_path, monkeypatch):
    import subprocess

    commands = []

    def run(command, **options):
        commands.append((command[4:], options["env"]["OMP_NUM_THREADS"]))
        options["stdout"].write("dubito: there is no such model\n")
        return subprocess.CompletedProcess(command, 2)

    monkeypatch.setattr("benchmarks.cli.processes.subprocess.run", run)
    result = dubito("bench", "real", "--run", "--only", QWEN.name, "--limit", 3, "--folder", tmp_path / "runs")
    (command,) = commands
    assert command == ([*QWEN.command(), "--out", str(QWEN.file(tmp_path / "runs")), "--limit", "3"], "1")
    assert result.exit_code == 2 and "there is no such model (its log is" in result.stderr
    assert "| not run |" in result.stdout
