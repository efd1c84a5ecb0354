"""The first gradient: y = x² + 2x + 1 at x = 2, where dy/dx = 6. Step into each line."""

import minigrad

x = minigrad.tensor(2.0, requires_grad=True)
y = x**2 + 2 * x + 1  # step into: Tensor.__pow__, Function.apply, PowScalar.forward
y.backward()  # step into: run_backward in minigrad/graph/engine.py
print(x.grad)
