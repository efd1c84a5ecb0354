"""What tests of the coursework share."""

import sys

import pytest

from comparisons.coursework import processes
from comparisons.coursework.world import numpy_folders
from tests.comparisons.coursework import forks


@pytest.fixture(scope="session")
def forking_engines():
    """What begins engines' processes, at the level "limits", as forks of one that has imported NumPy."""
    if sys.platform != "linux":
        yield processes.subprocess
        return
    with forks.begun(processes.ENVIRONMENT, numpy_folders()[0].parent) as made:
        yield made


@pytest.fixture(scope="module")
def forked_engines(forking_engines):
    """Engines' processes have imported NumPy already, where limits alone shut them in.

    It is for tests of what is said of an engine, not of how its process begins or what that can reach.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "subprocess", forking_engines)
        yield
