"""All that there is in the sandbox beside the engine: Python and its standard library, NumPy, two files of ours."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["INSTALLED", "LAB", "SITE", "make_site", "make_world", "world"]

LAB, SITE = "/lab", "/site"  # where our files and NumPy are
INSTALLED = ("site-packages", "dist-packages")  # in the standard library's folder, what is none of it
LEFT_OUT = (*INSTALLED, "test", "idlelib", "turtledemo", "tkinter", "ensurepip", "config-*")


def make_world(root: Path) -> None:
    """Lay out :func:`world` in a folder, for everybody to read."""
    for source, place in world():
        target = root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignore = shutil.ignore_patterns(*LEFT_OUT)
            shutil.copytree(source, target, copy_function=link, ignore=ignore, dirs_exist_ok=True)
        elif not target.exists():
            link(str(source), str(target))
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)


def link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where it cannot have one."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)


def numpy_folders() -> list[Path]:
    """NumPy's folder, and that of the libraries that its wheel brings along."""
    spec = importlib.util.find_spec("numpy")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).resolve().parent
    return [each for each in (package, package.with_name("numpy.libs")) if each.is_dir()]


def make_site(folder: Path) -> None:
    """A folder each for NumPy and our files, linked to from where nothing else can be imported."""
    for name, parts in ((SITE, numpy_folders()), (LAB, our_files())):
        place = folder / name.lstrip("/")
        place.mkdir()
        for part in parts:
            (place / part.name).symlink_to(part)


@functools.cache
def world() -> list[tuple[Path, str]]:
    """All that there is in the sandbox beside the engine: files and folders, and their places there."""
    python = Path(os.path.realpath(sys.executable))
    without_venv = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    standard = {Path(sysconfig.get_path(name, vars=without_venv)) for name in ("stdlib", "platstdlib")}
    parts = numpy_folders()
    modules = [
        each for folder in standard for each in (folder / "lib-dynload").glob("*.so") if "tkinter" not in each.name
    ]
    modules += [each for folder in parts for each in folder.rglob("*.so")]
    found = {(each, str(each)) for each in {python, *standard, *libraries([python, *modules])}}
    found |= {(each, f"{SITE}/{each.name}") for each in parts}
    found |= {(each, f"{LAB}/{each.name}") for each in our_files()}
    return sorted(found, key=lambda pair: pair[1])


def our_files() -> list[Path]:
    """What runs an engine."""
    return [Path(__file__).with_name(name) for name in ("confinement.py", "student.py")]


def libraries(programs: list[Path]) -> set[Path]:
    """The shared libraries that programs load, those of NumPy's wheel left out, and the list of where they are."""
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    paths = re.findall(r"^\t(?:\S+ => )?(/.+) \(0x", done.stdout, re.MULTILINE)
    found = {Path(each) for each in paths if "numpy.libs" not in each}
    listed = Path("/etc/ld.so.cache")
    return found | ({listed} if listed.exists() else set())
