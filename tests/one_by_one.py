"""What the grader's processes do side by side, in this one."""

from contextlib import ExitStack

import torch


def one_by_one(make, setting, jobs, **_):
    """Each job with its result, as ``side_by_side`` gives it. PyTorch has as many threads afterwards as before."""
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        work = make(setting, stack)
        for job in jobs:
            yield job, work(job)
