"""What several of the engine's tests prepare."""

import gc

import pytest


@pytest.fixture
def left_in_cycles():
    """Finds what of minigrad's died since the test began and waits for the garbage collector.

    Only what is minigrad's: threads of other libraries may leave something at the same time. What lived before the
    test is frozen: to go through it takes longer than the test.
    """

    def find():
        gc.collect()
        return [each for each in gc.garbage if type(each).__module__.startswith("minigrad")]

    gc.collect()
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield find
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.fixture
def set_threads():
    """Sets how many threads there are, until the test is over."""
    import minigrad  # here, when it is known which engine is tested

    before = minigrad.get_num_threads()
    yield minigrad.set_num_threads
    minigrad.set_num_threads(before)
