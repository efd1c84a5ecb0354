"""``--html``: the page of a run, in Chromium too; what it tells of an engine that differs, stops, or writes HTML."""

import json
import os
import re
import subprocess
import sys
from html import unescape

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from comparisons import CHAPTERS, Report
from comparisons.chapters import tape
from comparisons.cli import app
from comparisons.coursework.engines import find_engine
from comparisons.page.chapter import why
from comparisons.page.code import aligned, code_of, lines_of
from comparisons.page.curves import curve_of
from comparisons.page.elements import LONGEST, element
from comparisons.running import Ended, from_plain, plain
from comparisons.tolerances import TOLERANCES
from minigrad.ops.transcendental import Sin

pytestmark = pytest.mark.usefixtures("unmeasured")

SCRIPT = "<script>document.title = 'theirs'</script>"
STRANGE = f"""
__version__ = "<i>7</i>"
float64 = "float64"


def tensor(*arguments, **options):
    raise ValueError("{SCRIPT} \\u202e \\x00")
"""


def command(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def words(page):
    """What is read on a page, or on a part of it."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())


def part(page, chapter):
    """The section of a chapter."""
    return page[page.index(f'<section id="{chapter}"') :].partition("</section>")[0]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The folder of a run in which sin's gradient has the wrong sign."""
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        right = Sin.backward
        patch.setattr(Sin, "backward", lambda ctx, grad_z: -right(ctx, grad_z))
        chapters = "--only", "dynamic-graph", "--only", "conv-block"
        done = command(*chapters, "--html", folder / "new" / "report", "--json", folder / "results.json")
    assert done.exit_code == 1, done.output
    return folder


@pytest.fixture(scope="module")
def strange(tmp_path_factory, request):
    """The page of a run of an engine that writes HTML. The engine's process is a fork where there are forks."""
    folder = tmp_path_factory.mktemp("strange")
    (folder / "strange" / "models").mkdir(parents=True)
    (folder / "strange" / "__init__.py").write_text(STRANGE)
    (folder / "strange" / "models" / "conv_block.py").write_text(f"# </code>{SCRIPT}\nfrom strange import nn\n")
    chapters = "--only", "dynamic-graph", "--only", "conv-block"
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":
            patch.setattr(subprocess, "Popen", request.getfixturevalue("forking").Popen)
        done = command(*chapters, "--engine", folder / "strange", "--html", folder)
    assert done.exit_code == 3, done.output
    return folder / "index.html"


class TestWhatIsTold:
    def test_every_row_and_why_so_much_is_allowed(self, planted):
        page = (planted / "new" / "report" / "index.html").read_text()
        results = json.loads((planted / "results.json").read_text())
        assert [each["chapter"] for each in results["chapters"]] == ["dynamic-graph", "conv-block"]
        for chapter in results["chapters"]:
            section = part(page, chapter["chapter"])
            rows = [words(each) for each in re.findall("<tr[^>]*><th[^>]*scope=.row.*?</tr>", section)]
            assert len(rows) == len(chapter["comparisons"])
            for told, row in zip(rows, chapter["comparisons"]):
                assert told.startswith(f"{row['subject']} {row['values']:,} ") and told.endswith(row["status"])
                assert TOLERANCES[row["tolerance"]].limit in told
                assert words(element("p", why(row["tolerance"]))) in words(section)
                assert row["message"] in words(section) and row["cause"] in words(section)
            assert f"{chapter['seconds']:.2f} s" in words(section)

    def test_a_difference_is_seen_at_a_glance_with_its_cause(self, planted):
        page = (planted / "new" / "report" / "index.html").read_text()
        glance = words(page[page.index("<nav") : page.index("</nav>")])
        assert "dynamic-graph ✗ differs 16 of 22" in glance and "conv-block ✓ agrees 8 of 8" in glance
        assert "likely cause: a constant factor: ours is -1 times theirs" in words(part(page, "dynamic-graph"))
        first = words(page[page.index('id="findings"') :].partition("</li>")[0])
        assert "dynamic-graph: a loop on values at 1.25, dy/dx: 1 of 1 values differ" in first

    def test_how_it_was_run(self, planted):
        page = words((planted / "new" / "report" / "index.html").read_text())
        results = json.loads((planted / "results.json").read_text())
        for name, value in results["versions"].items():
            assert value in page, name
        assert find_engine("minigrad").digest in page and "seed 0 type float64 PyTorch’s device cpu data digits" in page
        assert "exit status 1: something differs" in page

    def test_graphs_and_curves(self, planted):
        section = part((planted / "new" / "report" / "index.html").read_text(), "conv-block")
        assert section.count('<svg class="minigrad-graph"') == 3 and "conv-block, they are equal" in words(section)
        (curve,) = re.findall(r'<svg [^>]*class="curve">.*?</svg>', section)
        assert curve.count("L") == 4  # two engines, three steps
        names = re.findall(r' id="([^"]*)"', (planted / "new" / "report" / "index.html").read_text())
        assert len(set(names)) == len(names) > 100

    def test_what_an_engine_writes_is_text(self, strange):
        page = strange.read_text()
        assert "default-src 'none'; style-src 'sha256-" in page and "script-src" not in page
        assert "<script" not in page and "<i>" not in page and "\u202e" not in page and "\0" not in page
        assert f"dynamic-graph: dy/dx = 6 at 2: strange and 15 more: stopped: ValueError: {SCRIPT}" in words(page)
        assert "<i>7</i>" in words(page)
        network = words(part(page, "conv-block"))
        assert "○ not there yet" in network and "# </code><script>" in network and "from torch import Tensor" in network
        assert "drawn only where minigrad is under test" in words(part(page, "dynamic-graph"))

    def test_a_run_that_is_stopped(self, tmp_path, monkeypatch):
        def interrupted(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(tape, "compare_programs", interrupted)
        chapters = "--only", "operations", "--only", "tape", "--only", "layers"
        assert command(*chapters, "--html", tmp_path).exit_code == 130
        page = (tmp_path / "index.html").read_text()
        assert "Stopped: interrupted. 1 of 3 chapters had run. All 74 comparisons that were made agree." in words(page)
        glance = words(page[page.index("<nav") : page.index("</nav>")])
        assert "operations ✓ agrees 74 of 74" in glance and "tape – not run" in glance and "layers – not run" in glance
        assert '<section id="tape"' not in page and "exit status 130: interrupted" in words(page)

    def test_an_engine_that_cannot_be_imported(self, tmp_path):
        assert command("--engine", tmp_path / "<b>.py", "--html", tmp_path).exit_code == 2
        page = words((tmp_path / "index.html").read_text())
        assert "<b>.py: there is no file" in page and "exit status 2: wrong usage" in page
        assert "dynamic-graph – not run" in page

    def test_long_texts_are_cut(self):
        assert words(element("p", "x" * (LONGEST + 1000))).endswith("x … (1,000 signs more)")

    def test_what_is_as_above_is_told_in_full(self):
        assert not any("as above" in why(name) for name in TOLERANCES)
        assert why("tail float32") == "2e-06 of each value: " + TOLERANCES["tail float64"].reason


class TestCode:
    @pytest.mark.parametrize("chapter", CHAPTERS)
    def test_every_chapter_has_its_code_in_two_columns(self, chapter):
        code = code_of(chapter, "minigrad", find_engine("minigrad").sources)
        rows = re.findall("<tr[^>]*><td.*?</tr>", code)
        assert rows and all(row.count("<td") == 2 for row in rows)
        assert all(row.count("<code") > 20 for row in rows) or len(rows) > 5

    def test_one_text_stands_twice_below_the_line_that_differs(self):
        code = code_of("operations", "hw2", {})
        (differing,) = re.findall('<tr class="differs">.*?</tr>', code)
        assert words(differing) == "e = hw2 e = torch"
        assert code.count("DIFFERENTIATED_ONCE: dict[") == 2 and "def run" not in words(code)
        assert words(code).count('"""3x, the elements of its middle column replaced by y².""" return') == 0
        assert words(code).count('"""3x, the elements of its middle column replaced by y²."""') == 2

    def test_networks_differ_by_their_imports(self):
        code = code_of("conv-block", "minigrad", find_engine("minigrad").sources)
        told = [words(each) for each in re.findall('<tr class="differs">.*?</tr>', code)]
        assert "from minigrad import Tensor, nn from torch import Tensor, nn" in told
        assert len(told) == 3  # and which module and which engine the parameters are
        assert "there is no hw2/models/conv_block.py" in words(code_of("conv-block", "hw2", {}))
        large = {"hw2/models/conv_block.py": b"x = 1\n" * 100_000}
        assert "conv_block.py is too large" in words(code_of("conv-block", "hw2", large))

    def test_lines_are_aligned_and_what_differs_is_marked(self):
        ours = "x = 1\nif x:\n    y = mine(x)\nz = 3\n"
        theirs = "x = 1\nw = 0\nv = 0\nif x:\n    y = yours(x)\nz = 3"
        texts = [list(lines_of(each)) for each in (ours, theirs)]
        rows = re.findall('<tr class="(same|differs)">(.*?)</tr>', aligned("title", ("a", "b"), *texts))
        assert [kind for kind, _ in rows] == ["same", "differs", "differs", "same", "differs", "same"]
        assert rows[1][1].startswith('<td class="none">') and words(rows[1][1]) == "w = 0"
        assert re.findall("<mark>(.*?)</mark>", rows[4][1]) == ["mine", "yours"]
        assert 'data-line="6"' in rows[5][1] and 'data-line="4"' in rows[5][1]

    @pytest.mark.parametrize("text", ["", "\n", "def (\n\t'''", "x = '\r\n\x0c'", "<b>&amp;</b>"], ids=repr)
    def test_any_text_is_shown(self, text):
        shown = unescape(re.sub("<[^>]*>", "", aligned("", ("", ""), list(lines_of(text)), [])))
        assert "<b>&amp;</b>" not in text or "<b>&amp;</b>" in shown


NAN, INF = float("nan"), float("inf")


class TestCurves:
    @pytest.mark.parametrize(
        ("ours", "theirs", "lines", "told"),
        [
            ([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], 4, "from 3 to 1, on both the same to the last bit"),
            ([3.0, 2.0], [3.0, 1.0], 2, "they differ by at most 1.0e+00 of b’s"),
            ([3.0, NAN, 1.0, 2.0], [3.0, 2.0, 1.0, INF], 3, "a from 3 to 2, b from 3 to inf"),
            ([5.0], [5.0], 0, "from 5 to 5"),
            ([0.0, 0.0], [0.0, 0.0], 2, "from 0 to 0"),
            ([1e308, -1e308], [1e-320, 2e-320], 1, "a from 1e+308"),
            ([NAN], [INF], 0, "no number of it can be drawn"),
        ],
        ids=str,
    )
    def test_any_numbers_can_be_drawn(self, ours, theirs, lines, told):
        curve = curve_of("loss by step", ("a", "b"), ours, theirs)
        assert curve.count("L") == lines and told in words(curve)
        assert not re.search('="[^"]*(nan|inf)[^"]*"', re.sub('aria-label="[^"]*"', "", curve))

    def test_they_come_from_another_process(self):
        report = Report("mlp")
        for ours in (2.0, NAN, None, np.ones(3)):
            report.add_point("loss by step", ours, torch.tensor(1.5))
        told = json.loads(json.dumps(plain(report)))
        assert str(from_plain(told).curves) == "{'loss by step': ([2.0, nan, nan, nan], [1.5, 1.5, 1.5, 1.5])}"
        for strange in (None, [], {"loss": 1}, {"loss": [[1.0]]}):
            with pytest.raises(Ended):
                from_plain({**told, "curves": strange})


class TestUsage:
    @pytest.mark.parametrize(
        ("case", "sentence"),
        [
            ("file", "is no folder"),
            ("in a file", "is no folder"),
            ("read-only", "no folder can be made in"),
            ("index is a folder", "index.html: it is a folder"),
            ("long", "File name too long"),
            ("for a command", "--html before train is the chapters'"),
        ],
    )
    def test_wrong_usage_is_one_sentence_before_anything_runs(self, case, sentence, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("mine")
        (tmp_path / "made" / "index.html").mkdir(parents=True)
        place = {"file": "file", "in a file": "file/report", "index is a folder": "made", "long": "x" * 300}
        if case == "read-only":
            monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
        before = sorted(tmp_path.rglob("*"))
        arguments = ["train"] if case == "for a command" else ["--only", "tape"]
        done = command("--html", tmp_path / place.get(case, "new"), *arguments)
        assert done.exit_code == 2 and "--html" in done.output and sentence in done.output, done.output
        assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "file").read_text() == "mine"

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    def test_it_is_written_where_the_other_file_cannot_be(self, tmp_path):
        done = command("--only", "tape", "--json", "/dev/full", "--html", tmp_path)
        assert done.exit_code == 1 and "No space left" in done.stderr
        assert "24 of 24" in words((tmp_path / "index.html").read_text())

    def test_a_page_that_cannot_be_made_leaves_the_old_one(self, tmp_path, monkeypatch):
        (tmp_path / "index.html").write_text("old")
        monkeypatch.setattr("comparisons.page.report.replace_file", lambda path, content: 1 / 0)
        assert isinstance(command("--only", "tape", "--html", tmp_path).exception, ZeroDivisionError)
        assert [each.name for each in tmp_path.iterdir()] == ["index.html"]
        assert (tmp_path / "index.html").read_text() == "old"


# ------------------------------------------------------------------------------------------- the browser


@pytest.fixture
def tab(browser):
    """A tab, and what went wrong in it: a request for anything but the page, a word on the console."""
    tab = browser.new_context().new_page()
    faults = []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda request: faults.append(request.url) if not request.is_navigation_request() else None)
    yield tab
    tab.close()
    assert faults == []


OPEN = "for (const each of document.querySelectorAll('details')) each.open = true"
# Lines of code and graphs in which nothing is of another kind than above: axe takes milliseconds a word. It does
# not judge the colours of a single letter.
WITHOUT_ALIKE = """
const known = new Set()
for (const part of document.querySelectorAll(".code tr, .minigrad-graph")) {
  const kinds = [part, ...part.querySelectorAll("*")].map((each) => {
    const attributes = ["class", "fill", "stroke"].map((name) => each.getAttribute(name))
    return [part.getAttribute("class"), each.tagName, each.textContent.length > 1, ...attributes].join()
  })
  if (kinds.every((kind) => known.has(kind))) part.remove()
  kinds.forEach((kind) => known.add(kind))
}
"""
# Of what is right axe would tell each element, which takes longer than to judge it.
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}


class TestInABrowser:
    @pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 400)])
    def test_it_can_be_read(self, planted, strange, scheme, width, tab):
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        tab.emulate_media(color_scheme=scheme)
        for page in (planted / "new" / "report" / "index.html", strange):
            tab.goto(page.as_uri())
            assert tab.title() == ("strange" if page is strange else "minigrad") + " beside PyTorch"
            if page is not strange:
                tab.evaluate(OPEN)
            for each in (1400, 400):
                tab.set_viewport_size({"width": each, "height": 900})
                assert tab.evaluate("document.documentElement.scrollWidth") == each  # parts scroll, the page does not
            tab.set_viewport_size({"width": width, "height": 900})
            tab.evaluate(WITHOUT_ALIKE)
            found = axe.run(tab, options=ONLY_VIOLATIONS).response["violations"]
            assert [(each["id"], [node["html"][:80] for node in each["nodes"]]) for each in found] == []

    def test_two_columns_become_one_where_there_is_no_room(self, planted, tab):
        tab.goto((planted / "new" / "report" / "index.html").as_uri())
        cells = "[...document.querySelectorAll('#conv-block .code .{} td')].slice(0, 2).map((each) => {})"
        for width, same, beside in ((1400, True, True), (400, False, False)):
            tab.set_viewport_size({"width": width, "height": 900})
            assert tab.evaluate(cells.format("same", "each.checkVisibility()")) == [True, same]
            first, second = tab.evaluate(cells.format("differs", "each.getBoundingClientRect().top"))
            assert (first == second) is beside

    def test_keys(self, planted, tab):
        tab.goto((planted / "new" / "report" / "index.html").as_uri())
        tab.keyboard.press("Tab")  # the table of contents, which may scroll
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        assert tab.url.endswith("#dynamic-graph")
        for _ in range(3):  # its numbers, what is told of its graphs
            if tab.evaluate("document.activeElement.tagName") == "SUMMARY":
                break
            tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.parentNode.open")
        tab.keyboard.press("Enter")
        assert not tab.evaluate("document.activeElement.parentNode.open")

    def test_on_paper_all_is_shown_on_white(self, planted, tab):
        tab.goto((planted / "new" / "report" / "index.html").as_uri())
        tab.emulate_media(media="print", color_scheme="dark")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        paper = "getComputedStyle(document.querySelector('.minigrad-graph .graph > polygon')).fill"
        assert tab.evaluate(paper) == "rgb(255, 255, 255)"
