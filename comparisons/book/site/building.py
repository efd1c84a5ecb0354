"""The site built: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from comparisons.book.sections import Section
from comparisons.book.site.staging import ROOT, stage

__all__ = ["SiteError", "build", "check_place"]

MARK = ".minigrad-book"  # a file that only a site of ours has
CONFIGURATION = Path(__file__).parent


class SiteError(RuntimeError):
    """The site could not be made; the message has what Sphinx said."""


def check_place(folder: Path) -> str | None:
    """Why no site can be put at ``folder``, in a sentence; None where one can."""
    if not (ROOT / "docs").is_dir():
        return "the site is made of a checkout of the repository, and this package was installed without its docs/"
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        return (
            "there are files in it that are not a site of the book: give an empty folder, or one that is not there yet"
        )
    if os.path.lexists(folder) and folder.resolve() in (Path.cwd(), *Path.cwd().parents):
        return "this program runs in it, so that it cannot be replaced: give a folder in it"
    return None


def build(sections: list[Section], folder: Path) -> None:
    """Make the site of the notebooks that are there, and put it at ``folder``, in the place of a former one.

    Raises:
        SiteError: a page has a fault, such as a link that leads nowhere.
        OSError: it cannot be written.
    """
    folder = Path(os.path.realpath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".minigrad-book-", dir=folder.parent) as workshop:
        sources, site = Path(workshop) / "sources", Path(workshop) / "site"
        stage(sources, sections)
        run_sphinx(sources, site)
        (site / MARK).touch()
        for left in (site / ".doctrees", site / ".buildinfo", site / "objects.inv"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        put(site, folder, Path(workshop) / "former")


def put(site: Path, folder: Path, former: Path) -> None:
    """Let ``site`` take the place of what is at ``folder``; where that fails, what was there comes back."""
    if folder.is_dir():
        folder.rename(former)
    try:
        site.rename(folder)
    except BaseException:
        if former.is_dir():
            former.rename(folder)
        raise


def run_sphinx(sources: Path, site: Path) -> None:
    """Let Sphinx make pages, in a process of its own; what it warns of is a fault."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-E", "-c", str(CONFIGURATION)]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "TMPDIR": str(site.parent)}
    done = subprocess.run([*command, str(sources), str(site)], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SiteError(done.stderr.replace(f"{sources}{os.sep}", "").strip() or done.stdout.strip())
