"""The first gradient: y = x² + 2x + 1 at x = 2, where dy/dx = 6. Before a line stands where stepping into it leads."""

import minigrad

x = minigrad.tensor(2.0, requires_grad=True)

# Tensor.__pow__, Function.apply, PowScalar.forward; then the same for the product and for the sums.
y = x**2 + 2 * x + 1

# Tensor.backward, backward, first_gradients, walk_backward, run_backward. Its loop calls the rule of what was made last
# first: Add.backward twice, Mul.backward, PowScalar.backward.
y.backward()

print(x.grad)
