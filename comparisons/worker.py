"""The process of an engine under test: ``python -m comparisons.worker ENGINE``. See ``running.py``, which starts it.

It reads requests from standard input, a line of JSON each, and writes what there is to tell of them, and the answer, to
standard output. What the engine prints goes to standard error.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any, TextIO

from comparisons.chapters import run_chapter
from comparisons.engines import NoEngine, described, load_engine
from comparisons.harness import Report
from comparisons.running import Here, TrainingStopped, plain
from comparisons.settings import Settings
from comparisons.streams import own_streams

__all__ = ["serve"]


def serve(engine: str, requests: TextIO, answers: TextIO) -> None:
    """Import the engine, then answer requests until there are no more."""

    def tell(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    def tell_check(report: Report, check: str) -> None:
        tell(check=check, report=plain(report))

    try:
        tested = load_engine(engine)
    except NoEngine as error:
        tell(refused=str(error))
        return
    tell(about=described(tested))
    for line in requests:
        request = json.loads(line)
        settings = Settings(
            engine=tested,
            progress=lambda done, total: tell(progress=[done, total]),
            heard=tell_check,
            **request["settings"],
        )
        if "chapter" in request:
            tell(answer=plain(run_chapter(request["chapter"], settings)))
            continue
        try:
            tell(answer=asdict(Here().train(settings, *request["train"])))
        except TrainingStopped as error:
            tell(answer={"stopped": str(error)})


if __name__ == "__main__":
    serve(sys.argv[1], *own_streams())
