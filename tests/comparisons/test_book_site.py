"""The web site of the book, in Chromium: its links, figures, colours, search and pages to step through.

A whole site takes a minute to build, so these tests are of one that is there: MINIGRAD_SITE is its folder, as in
``.ci/full``. Without it those that need one are skipped.
"""

from __future__ import annotations

import functools
import http.server
import os
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from comparisons.book.site.building import MARK, check_place, put
from comparisons.book.site.docstrings import clean
from comparisons.book.site.reference import pages

SITE = os.environ.get("MINIGRAD_SITE")
needs_site = pytest.mark.skipif(SITE is None, reason="MINIGRAD_SITE names no site")
WIDTHS = [1400, 400]


# ------------------------------------------------------------------------------------------- how it is made


def test_a_site_is_put_where_nothing_else_is_lost(tmp_path):
    folder, former, site = tmp_path / "site", tmp_path / "former", tmp_path / "new"
    assert check_place(folder) is None
    folder.mkdir()
    assert check_place(folder) is None
    (folder / "thesis.tex").write_text("years of work")
    assert "not a site of the book" in check_place(folder)
    with pytest.raises(OSError):
        put(site, folder, former)  # there is no new one
    assert (folder / "thesis.tex").exists()
    site.mkdir()
    (folder / MARK).touch()
    assert check_place(folder) is None
    put(site, folder, former)
    assert not any(folder.iterdir()) and (former / "thesis.tex").exists()


@pytest.mark.parametrize(
    "written, read",
    [
        ("|x| * y, ``|x| * y``", r"\|x\| \* y, ``|x| * y``"),
        ("fills_ it; see :func:`zero_`", r"fills\_ it; see :func:`zero_`"),
        ("a_b stays", "a_b stays"),
        (">>> x * y", ">>> x * y"),
    ],
)
def test_formulas_in_docstrings_are_no_markup(written, read):
    lines = ["Such as::", "", "    x * y", "", written]
    clean(None, "function", "f", test_formulas_in_docstrings_are_no_markup, None, lines)
    assert lines == ["Such as::", "", "    x * y", "", read]


def test_every_public_name_stands_in_the_reference():
    import comparisons.face
    import minigrad
    import torch_impl.face

    written = "".join(pages().values()).split()
    for package, face in (("minigrad", minigrad), ("comparisons", comparisons.face), ("torch_impl", torch_impl.face)):
        names = [name for name in face.__all__ if not hasattr(getattr(face, name), "__path__")]
        missing = [name for name in names if f"{package}.{name}" not in written]
        assert [name for name in missing if f"minigrad.{name}" not in MODULES] == []


MODULES = {"minigrad.random", "minigrad.linalg", "minigrad.return_types", "minigrad.cuda"}


# ------------------------------------------------------------------------------------------- its files


class Page(HTMLParser):
    """What a page links to, the places in it that can be linked to, and its pictures that have no text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.places: set[str] = set()
        self.leads_to: list[str] = []
        self.loads: list[str] = []
        self.untold: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places |= {value for name in ("id", "name") if (value := values.get(name))}
        self.leads_to += [value for name in ("href", "src") if (value := values.get(name))]
        self.loads += [value for value in [values.get("src")] if value and value.startswith(("http", "//"))]
        told = [values.get(name) for name in ("alt", "aria-label", "aria-hidden", "title")]
        if (tag == "img" or (tag == "svg" and values.get("role") == "img") or tag == "iframe") and not any(told):
            self.untold.append(self.get_starttag_text() or tag)


@pytest.fixture(scope="module")
def site():
    return Path(SITE or "").resolve()


@pytest.fixture(scope="module")
def read(site):
    """Every page of the site, by its path."""
    found = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    assert len(found) > 30
    return found


@needs_site
def test_no_link_is_dead_and_nothing_is_loaded_from_elsewhere(site, read):
    dead = []
    for path, page in read.items():
        dead += page.loads
        for link in page.leads_to:
            if urlsplit(link).scheme in ("http", "https", "mailto", "data"):
                continue
            address, place = urldefrag(urljoin(path.as_uri(), link))
            target = Path(unquote(urlsplit(address).path))
            place = unquote(place)
            if not target.is_file() or (place and target in read and place not in read[target].places):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


@needs_site
def test_every_figure_has_a_text(site, read):
    assert {str(path.relative_to(site)): page.untold for path, page in read.items() if page.untold} == {}


# ------------------------------------------------------------------------------------------- in a browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def tab(browser, address):
    """A tab. What goes wrong in it, and what it asks for elsewhere, is in ``tab.faults``."""
    tab = browser.new_page(viewport={"width": WIDTHS[0], "height": 1000}, reduced_motion="reduce")
    tab.faults = []
    tab.on("console", lambda message: message.type == "log" or tab.faults.append(f"{tab.url}: {message.text}"))
    tab.on("pageerror", lambda error: tab.faults.append(f"{tab.url}: {error}"))
    tab.on(
        "response",
        lambda answer: answer.status < 400 or tab.faults.append(f"{tab.url}: {answer.status} of {answer.url}"),
    )
    ours = (address, "data:", "about:", "blob:")
    tab.on("request", lambda asked: asked.url.startswith(ours) or tab.faults.append(f"{tab.url} asks for {asked.url}"))
    yield tab
    tab.close()
    assert tab.faults == []


def chapters(site):
    return [path.relative_to(site).as_posix() for path in sorted(site.glob("comparisons/tutorial/[0-9]*.html"))]


@needs_site
def test_every_page_opens_without_a_fault_and_no_page_is_wider_than_the_screen(site, read, address, tab):
    tab.set_default_timeout(120_000)
    wide = []
    for path in read:
        name = path.relative_to(site).as_posix()
        if name.startswith("source/"):
            continue
        tab.goto(address + name)
        for width in WIDTHS if name.startswith("comparisons/") else WIDTHS[:1]:
            tab.set_viewport_size({"width": width, "height": 1000})
            if tab.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(f"{name} at {width}")
        if "math notranslate" in path.read_text(encoding="utf-8"):
            tab.wait_for_selector("mjx-container", state="attached")
            assert tab.locator("mjx-merror").count() == 0, name
    assert wide == []


@needs_site
def test_cells_of_both_engines_stand_side_by_side_where_there_is_room(site, address, tab):
    for name in chapters(site):
        tab.goto(address + name)
        pair = tab.locator("div.pair").first
        if not pair.count():
            continue
        for width, beside in zip(WIDTHS, (True, False)):
            tab.set_viewport_size({"width": width, "height": 1000})
            first, second = (cell.bounding_box() for cell in pair.locator("> div.cell").all())
            assert (first["y"] == second["y"]) is beside, (name, width)
        assert pair.locator("p.engine").all_inner_texts() == ["PyTorch", "minigrad"]


@needs_site
def test_the_mode_is_chosen_for_graphs_and_steppers_too_and_a_stepper_steps(site, address, tab):
    seen = 0
    for name in chapters(site):
        tab.goto(address + name)
        frame = next((each for each in tab.frames if each is not tab.main_frame), None)
        graph = tab.locator("svg.minigrad-graph").first
        if frame is None or not graph.count():
            continue
        seen += 1
        colours = []
        for theme in ("light", "dark"):
            tab.locator(".theme-toggle:visible").first.click()
            while tab.evaluate("document.body.dataset.theme") != theme:
                tab.locator(".theme-toggle:visible").first.click()
            frame.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
            paper = "element => getComputedStyle(element).backgroundColor"
            drawn = graph.locator(".graph > polygon").first.evaluate("element => getComputedStyle(element).fill")
            colours.append((tab.locator("body").evaluate(paper), frame.locator("body").evaluate(paper), drawn))
        assert all(light != dark for light, dark in zip(*colours)), (name, colours)
        before = frame.inner_text("#count")
        frame.locator("#on").click()
        assert before.startswith("0 /") and frame.inner_text("#count").startswith("1 /")
    assert seen or not chapters(site)


@needs_site
def test_search_finds_and_code_can_be_copied(site, address, tab):
    tab.goto(address + "search.html?q=broadcast")
    tab.wait_for_selector("#search-results li a")
    tab.goto(address + "docs/seeing.html")
    tab.wait_for_selector("button.copybtn", state="attached")
    assert tab.locator("button.copybtn").count() == tab.locator("article pre").count() > 3
    tab.goto(address + "index.html")
    tab.locator("input[name=q]").fill("Conv2d")
    tab.locator("input[name=q]").press("Enter")
    tab.wait_for_selector("#search-results li a:has-text('Conv2d')")


@needs_site
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_cannot_see_or_point_can_read_the_pages(site, address, tab, scheme):
    """axe finds nothing that WCAG forbids."""
    from axe_playwright_python.sync_playwright import Axe

    tab.emulate_media(color_scheme=scheme)
    found = {}
    for name in [*chapters(site)[1:2], "reference/optim.html"]:
        tab.goto(address + name)
        wrong = Axe().run(tab, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        found[name] = [(each["id"], each["nodes"][0]["html"][:120], len(each["nodes"])) for each in wrong]
    assert found == {name: [] for name in found}
