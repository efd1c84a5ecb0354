"""Questions: what was predicted is right where its digest is the one that was handed out.

Digests are salted and slow, so that an answer is found more quickly by thinking than by trying.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparisons.coursework.kit.handed_out import Broken, Handout, Question, read_json

__all__ = ["ANSWERS", "digest", "given_answers", "is_right", "keep_answer", "normalised"]

ANSWERS = "answers.json"
ROUNDS = 100_000
LONGEST = 1000


def normalised(answer: str) -> str:
    """An answer in lower case, its words parted by single spaces."""
    return " ".join(answer.lower().split())


def digest(answer: str, salt: str) -> str:
    """The digest of an answer."""
    return hashlib.pbkdf2_hmac("sha256", normalised(answer).encode(), salt.encode(), ROUNDS).hex()


def is_right(question: Question, answer: str) -> bool:
    """Whether an answer is the right one."""
    return 0 < len(answer.strip()) <= LONGEST and digest(answer, question.salt) == question.digest


def given_answers(handout: Handout) -> dict[str, dict[str, str]]:
    """What stands in ``answers.json``, by task and question.

    Raises:
        Broken: it is not as it was handed out.
    """
    told: Any = read_json(handout.folder / ANSWERS)
    if not isinstance(told, dict) or not all(isinstance(each, dict) for each in told.values()):
        raise Broken(f"{ANSWERS} must have for each task its questions, and for each of these an answer")
    return {task: {name: str(answer) for name, answer in each.items()} for task, each in told.items()}


def keep_answer(folder: Path, answers: Mapping[str, Mapping[str, str]], task: str, name: str, answer: str) -> None:
    """Write an answer into ``answers.json``."""
    told = {**answers, task: {**answers.get(task, {}), name: answer}}
    partial = folder / f"{ANSWERS}.partial"
    partial.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, folder / ANSWERS)
