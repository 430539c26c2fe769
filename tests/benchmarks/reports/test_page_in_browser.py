"""The page in a real browser: nothing complains, the filter filters, a pause opens, and it reads at any width."""

import pytest
from chromium import BROWSER, Chromium
from results import dubito
from stories import FIRST, PAUSE, SECOND, attempt_of, outcome, story, write_run

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium (on Debian: apt-get install chromium)")

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>\u202e"
SHOWN = "[...document.querySelectorAll('.problem')].filter((each) => each.checkVisibility()).map((each) => each.id)"


@pytest.fixture(scope="module")
def browser():
    chromium = Chromium()
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    bad = attempt_of(HOSTILE, failures=[HOSTILE], verdict="failed", pauses=[PAUSE])
    stories = [story(0), story(1, (FIRST,)), story(2, (bad, SECOND))]
    outcomes = [outcome(0), outcome(1, passed=False, pauses=0), outcome(2, pauses=0)]
    write_run(folder, "greedy-tree", outcomes, stories)
    write_run(folder, "adadec-tree", [*outcomes[:2], outcome(2, passed=False, pauses=0)], stories, policy="adadec")
    result = dubito("report", folder, "--html", folder / "report.html")
    assert result.exit_code == 0, result.output
    return folder / "report.html"


def test_the_page_opens_without_a_complaint_and_runs_no_script_of_a_model(browser, page):
    browser.messages.clear()
    browser.open(page)
    browser.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.messages == []
    assert browser.evaluate("typeof window.hit") == "undefined"
    assert "window.hit = 2" in browser.evaluate("document.body.innerText"), "the text itself is there"


def test_a_slash_leads_to_the_filter_and_words_filter_problems(browser, page):
    browser.open(page)
    assert browser.evaluate(SHOWN) == ["t/0", "t/1", "t/2"]
    for key in "/WINDOW.hit":
        browser.press(key)
    assert browser.evaluate("document.querySelector('[type=search]').value") == "WINDOW.hit"
    assert browser.evaluate(SHOWN) == ["t/2"]
    assert browser.evaluate("document.querySelector('output').textContent") == "1 of 3"


@pytest.mark.parametrize(
    ("tags", "shown"),
    [(["failed"], ["t/1", "t/2"]), (["paused"], ["t/0"]), (["changed"], ["t/2"]), (["failed", "paused"], [])],
)
def test_a_box_leaves_what_failed_paused_or_changed(browser, page, tags, shown):
    browser.open(page)
    for tag in tags:
        browser.evaluate(f"document.querySelector('[value={tag}]').click()")
    assert browser.evaluate(SHOWN) == shown


def test_a_problem_and_a_pause_in_it_open_by_keyboard(browser, page):
    browser.open(page)
    for place in (".problem", ".problem[open] .program", ".problem[open] .program .pause"):
        assert browser.evaluate(f"document.querySelector('{place}').open") is False
        browser.evaluate(f"document.querySelector('{place} > summary').focus()")
        browser.press("Enter")
        assert browser.evaluate(f"document.querySelector('{place}').open") is True
    row = browser.evaluate("document.querySelector('.problem[open] .program .won').innerText")
    assert row.split() == ["1", "taken", "0.61", "-0.20"]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.evaluate(outline) == "solid", "the focus can be seen"


def test_a_link_to_a_problem_opens_it(browser, page):
    browser.open(page)
    browser.evaluate("location.hash = '#t/1'")
    browser.evaluate("new Promise(requestAnimationFrame)")
    assert browser.evaluate("[...document.querySelectorAll('.problem[open]')].map((each) => each.id)") == ["t/1"]


def test_without_script_all_problems_are_there_and_no_filter(browser, page):
    browser.open(page, script=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)  # for the questions below; the page has loaded
    assert browser.evaluate(SHOWN) == ["t/0", "t/1", "t/2"]
    assert browser.evaluate("document.getElementById('filter').checkVisibility()") is False
    assert browser.evaluate("document.querySelectorAll('.pause tr.won').length") >= 4


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_as_wide_as_a_telephone_and_dark_where_that_is_wanted(browser, page, dark):
    browser.open(page, width=400, dark=dark)
    browser.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 400
    red = browser.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
    assert (int(red) < 60) is dark


@pytest.mark.slow
def test_a_page_of_542_problems_in_three_runs_of_trees_is_small_and_opens_at_once(browser, tmp_path):
    attempts = (FIRST, *[attempt_of(SECOND.answer, edge=SECOND.edge, pauses=[PAUSE] * 4)] * 5, SECOND)
    for name in ("greedy", "adadec", "uscd"):
        outcomes = [outcome(number, passed=number % 3 > 0) for number in range(542)]
        stories = [story(number, attempts) for number in range(542)]
        write_run(tmp_path, f"{name}-tree", outcomes, stories, policy=name)
    assert dubito("report", tmp_path, "--html", tmp_path / "report.html").exit_code == 0
    assert (tmp_path / "report.html").stat().st_size < 10_000_000
    browser.open(tmp_path / "report.html")  # the page has a process of its own from now on
    before = browser.measure_cpu()
    browser.open(tmp_path / "report.html")
    seconds = browser.measure_cpu() - before  # of a CPU: this machine may be busy
    assert seconds < 2, f"{seconds:.2f} s"
