"""Large graphs and long runs: no recursion, nothing left behind."""

import gc
import subprocess
import sys
import tracemalloc

import pytest

import minigrad

LONG = """
import gc

import minigrad

gc.disable()  # it would go through the growing graph again and again
x = minigrad.tensor(1.0, requires_grad=True)
y = x
for _ in range({length}):
    y = y + 1
y.backward()
assert x.grad.item() == 1.0
assert "AddBackward0" in repr(y)
node = y.grad_fn
del y, node
print("freed")
"""


@pytest.mark.parametrize("length", [100_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_long_chain_of_operations(length):
    done = subprocess.run(
        [sys.executable, "-c", LONG.format(length=length)], capture_output=True, text=True, timeout=600
    )
    assert done.stdout == "freed\n", done.stderr


def test_a_graph_dies_without_the_garbage_collector(left_in_cycles):
    for create_graph in (False, True):
        x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x).exp().sum()
        minigrad.autograd.grad(y, x, create_graph=create_graph)
        (y * 1).backward() if create_graph else None
        x.grad = None
        del x, y
    z = minigrad.ones(3, requires_grad=True) * 2
    z.exp_()
    z[0] = 1.0
    z.register_hook(print)
    z.retain_grad()
    del z
    assert left_in_cycles() == []


@pytest.mark.long
@pytest.mark.usefixtures("unmeasured")
def test_ten_thousand_training_steps_leave_memory_where_it_was():
    model = minigrad.nn.Sequential(minigrad.nn.Linear(4, 8), minigrad.nn.ReLU(), minigrad.nn.Linear(8, 3))
    optimizer = minigrad.optim.Adam(model.parameters())
    criterion = minigrad.nn.CrossEntropyLoss()
    images, labels = minigrad.rand(5, 4), minigrad.tensor([0, 1, 2, 0, 1])

    def steps(count):
        for _ in range(count):
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    gc.disable()
    try:
        steps(2_000)  # until what is kept of each parameter's last changes is full
        blocks_before = sys.getallocatedblocks()
        steps(6_100)
        blocks = sys.getallocatedblocks() - blocks_before
        tracemalloc.start()  # tells large blocks too, and how large, but a step takes four times as long
        steps(100)
        bytes_before, _ = tracemalloc.get_traced_memory()
        steps(1_800)
        bytes_more = tracemalloc.get_traced_memory()[0] - bytes_before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert blocks < 500, f"{blocks} objects more after 6,100 steps"
    assert bytes_more < 9_000, f"{bytes_more} bytes more after 1,800 steps, where a list that grows takes 14,400"
