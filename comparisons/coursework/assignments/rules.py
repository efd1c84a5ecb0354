"""Rules: the gradient of a sum, a product, a power, and what happens at a kink."""

from __future__ import annotations

from comparisons.coursework.cases import Case, Draw, among, integers, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

INF, NAN = float("inf"), float("nan")

# What is shown: the result, the gradients, and what came from above and must not be changed.
ONE, BOTH = ("z", "x.grad", "x", "w"), ("z", "x.grad", "y.grad", "w")

# The gradient of z, weighted by w, and the gradient of that, weighted by v.
FIRST = "(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
SECOND = FIRST + "(second,) = engine.autograd.grad(first, x, v)"
THIRD = (
    FIRST
    + "(second,) = engine.autograd.grad(first, x, v, create_graph=True)\n"
    + "(third,) = engine.autograd.grad(second, x, v)"
)


# ------------------------------------------------------------------------------------------------- central differences


GRADCHECK = "import sys\nmodule = sys.modules[engine.__name__ + '.autograd.gradcheck']\n"
STEP = 2.0**-8  # so large that rounding does not matter: both engines make the same error of the method


def jacobian(name: str, function: str, inputs: dict[str, Draw], position: int = 0, before: str = "") -> Case:
    """A case: the Jacobians of what ``function`` returns by one of its inputs, and that this is then as it was."""
    moved = [*inputs][position]
    begin = f"{GRADCHECK}{before}f = {function}\ninputs = ({', '.join(inputs)},)\n"
    end = "\nfirst, second = [*jacobians, None][:2]"
    ours = f"jacobians = module.numerical_jacobian(f, inputs, {position}, {STEP})"
    theirs = f"jacobians = [each.T for each in module._get_numerical_jacobian(f, inputs, eps={STEP})[{position}]]"
    return Case(
        f"1.1 {name}", begin + ours + end, ("first", "second", moved), inputs, "second order", begin + theirs + end
    )


DIFFERENCES = Task(
    "1.1",
    "Central differences",
    "Before you write rules, write what tells whether a rule is right. `numerical_jacobian(function, inputs, "
    "position, eps)` calls `function(*inputs)` with one element of `inputs[position]` moved by `+eps` and by `-eps`; "
    "the difference of what it returns, divided by `2 * eps`, is one **column** of the Jacobian. It returns a list: "
    "for each output an array of shape (elements of the output, elements of the input), both counted in row-major "
    "order. `outputs_of` calls the function and always gives a tuple; `difference(above, below, index, eps)` makes a "
    "column of the two sides, and refuses sides of different shapes.\n\n"
    "Move the element in the memory of the tensor itself (`.array`), for the function may know the tensor by another "
    "name. Easily overlooked: a function may return its own input, which you are about to move again, so copy what it "
    "returned; an input need not lie in memory row by row (`np.ndindex` gives the indices of any); the element is "
    "what it was when you are done, also when the function raises an exception; an input without elements has a "
    "Jacobian without columns, of shape (elements of the output, 0).",
    6,
    (
        "Which elements of the outputs change when one element of the input is moved, and where in the Jacobian do "
        "they stand?",
        "For each index of the input: keep the element, write element + eps, call, write element - eps, call, and "
        "write the element back in a `finally`. Collect the columns of each output.",
        "Of both sides keep a copy, `np.array(each.array)`, of each tensor that `outputs_of` gives. Per index there "
        "is then one `difference` an output; `np.stack(..., axis=1)` joins an output's columns. Where there was no "
        "index, call the function once to learn how large its outputs are.",
    ),
    (Place("autograd/gradcheck.py", "numerical_jacobian"),),
    cases=(
        jacobian("a function of a vector", "lambda x: x.sin()", {"x": uniform(4)}),
        jacobian("the second of two inputs", "lambda x, y: x @ y", {"x": uniform(2, 3), "y": uniform(3, 4)}, 1),
        jacobian("two outputs", "lambda x: (x @ x, x.cos())", {"x": uniform(2, 2)}),
        jacobian("a function that returns its input", "lambda x: x", {"x": uniform(3)}),
        jacobian(
            "an input that lies in memory column by column",
            "lambda y, x: y.sin() @ x",
            {"y": uniform(2, 3), "x": uniform(2, 2)},
            before="y = y.detach().t().requires_grad_()\n",
        ),
        jacobian("a number, and nothing", "lambda x, y: x.sin()", {"x": uniform(), "y": uniform(0, 2)}),
        jacobian("by an input without elements", "lambda x, y: x.sin()", {"x": uniform(2), "y": uniform(0, 2)}, 1),
        Case(
            "1.1 a function that raises",
            f"{GRADCHECK}calls = []\ndef f(x):\n    calls.append(x)\n    if len(calls) == 4:\n"
            "        raise ValueError\n    return x.sin()\n"
            f"try:\n    module.numerical_jacobian(f, (x,), 0, {STEP})\nexcept ValueError:\n    pass",
            ("x",),
            {"x": uniform(3)},
            "exact",
            "pass",
        ),
        Case(
            "1.1 an output whose shape depends on the values",
            f"{GRADCHECK}x = engine.tensor([1.0, 0.001, -1.0], dtype=engine.float64, requires_grad=True)\n"
            f"try:\n    module.numerical_jacobian(lambda x: x[x > 0], (x,), 0, {STEP})\n"
            "except AssertionError as error:\n    found = str(error).partition(', but')[0]",
            ("found",),
            theirs=f"{GRADCHECK}x = engine.tensor([1.0, 0.001, -1.0], dtype=engine.float64, requires_grad=True)\n"
            f"try:\n    module._get_numerical_jacobian(lambda x: x[x > 0], (x,), eps={STEP})\n"
            "except AssertionError as error:\n    found = str(error).partition(', but')[0]",
        ),
        Case(
            "1.1 a wrong rule is found",
            "class Cube(engine.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
            "        ctx.save_for_backward(x)\n        return x * x * x\n    @staticmethod\n"
            "    def backward(ctx, grad):\n"
            "        return factor * grad * ctx.saved_tensors[0] * ctx.saved_tensors[0]\nfactor = 3\n"
            "right = engine.autograd.gradcheck(Cube.apply, (x,), raise_exception=False)\nfactor = 2.9\n"
            "wrong = engine.autograd.gradcheck(Cube.apply, (x,), raise_exception=False)",
            ("right", "wrong"),
            {"x": uniform(2, 2, low=0.5)},
        ),
    ),
)


# ----------------------------------------------------------------------------------- sums, products, quotients, powers


SUMS = Task(
    "1.2",
    "Sums and differences",
    "Write `backward` of `Add`, `Sub`, `Neg`, of `AddScaled` (z = x + alpha · y) and of `Rsub` (z = number - x). Each "
    "gets `grad_z`, dL/dz, of z's shape, and returns dL/dx, or the pair dL/dx, dL/dy. Two tensors need not have one "
    "shape: return gradients of z's shape, the engine sums them to an operand's.\n\n"
    "A rule runs on NumPy arrays, or, when the gradient itself is to be differentiated, on tensors: write it with "
    "operators, not with functions of NumPy. `ctx.needs_input_grad` tells whose gradient is wanted; for another you "
    "may return None. Leave `grad_z` as it is, for others may hold that array: no `*=`.",
    3,
    (
        "If x grows by 1 and all else stays, by how much does z grow?",
        "A gradient is what came from above times that: times 1, times -1, times alpha.",
        "`Add` gives `grad_z` to both. In x - y and in number - x it is the one that is subtracted whose gradient "
        "changes its sign. What `forward` of `AddScaled` kept as `ctx.alpha` belongs to y alone.",
    ),
    tuple(Place("ops/arithmetic.py", f"{name}.backward") for name in ("Add", "AddScaled", "Sub", "Rsub", "Neg")),
    cases=(
        Case(
            "1.2 a sum", "z = x + y\nz.backward(w)", BOTH, {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)}
        ),
        Case(
            "1.2 a tensor added to itself",
            "z = x + x\nz.backward(w)",
            ONE,
            {"x": uniform(5), "w": uniform(5)},
        ),
        Case(
            "1.2 a difference",
            "z = x - y\nz.backward(w)",
            BOTH,
            {"x": uniform(3, 3), "y": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case("1.2 the opposite", "z = -x\nz.backward(w)", ONE, {"x": uniform(), "w": uniform()}),
        Case(
            "1.2 a number minus a tensor",
            "z = 2 - x\nz.backward(w)",
            ONE,
            {"x": uniform(5), "w": uniform(5)},
        ),
        Case(
            "1.2 a difference with a constant",
            "z = x - y.detach()\nz.backward(w)\nt = u.detach() - v\nt.backward(w)",
            ("z", "t", "x.grad", "v.grad"),
            {"x": uniform(5), "y": uniform(5), "u": uniform(5), "v": uniform(5), "w": uniform(5)},
        ),
        Case(
            "1.2 a term with a factor",
            "z = engine.add(x, y, alpha=3)\nz.backward(w)",
            BOTH,
            {"x": uniform(5), "y": uniform(5), "w": uniform(5)},
        ),
        Case(
            "1.2 a term with a factor and a constant",
            "z = engine.sub(x.detach(), y, alpha=0.5)\nz.backward(w)\nt = engine.add(u, v.detach(), alpha=2)\n"
            "t.backward(w)",
            ("z", "t", "y.grad", "u.grad"),
            {name: uniform(2, 3) for name in "xyuvw"},
        ),
        Case(
            "1.2 without elements",
            "z = x - y\nz.backward(w)\nt = -x\nt.backward(w)",
            BOTH,
            {"x": uniform(2, 0), "y": uniform(2, 0), "w": uniform(2, 0)},
        ),
        Case(
            "1.2 the gradient of a gradient",
            "z = x - y\n(first,) = engine.autograd.grad(z, y, w, create_graph=True)\n"
            "(second,) = engine.autograd.grad(first, w, v)",
            ("first", "second"),
            {"x": uniform(5), "y": uniform(5), "w": uniform(5), "v": uniform(5)},
        ),
    ),
)

PRODUCT = Task(
    "1.3",
    "Product",
    "Write the rule of `z = x * y`. Both operands may be the same tensor: the engine adds up what you return for "
    "each. A gradient of z's shape will do for an operand that was broadcast: the engine sums it.\n\n"
    "Easily overlooked: `forward` saved only what will be needed. Where y needs no gradient x was not saved and is "
    "None here, and the other way around; the gradient of an operand that needs none is None.",
    4,
    (
        "Hold y still and ask what dz/dx is; then the other way around.",
        "The chain rule multiplies what came from above, `grad_z`, by each of the two.",
        "`ctx.saved_tensors` gives x and y, `ctx.needs_input_grad` whether each gradient is wanted: compute the one "
        "of x from y, the one of y from x, and each only where it is wanted.",
    ),
    (Place("ops/arithmetic.py", "Mul.backward"),),
    cases=(
        Case(
            "1.3 a product",
            "z = x * y\nz.backward(w)",
            BOTH,
            {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)},
        ),
        Case("1.3 a tensor times itself", "z = x * x\nz.backward(w)", ONE, {"x": uniform(5), "w": uniform(5)}),
        Case(
            "1.3 a factor is 0",
            "z = x * y\nz.backward(w)",
            BOTH,
            {"x": among(0.0, -1.5, shape=(6,)), "y": among(0.0, 2.5, shape=(6,)), "w": uniform(6)},
        ),
        Case(
            "1.3 the second factor is constant",
            "z = x * y.detach()\nz.backward(w)",
            BOTH,
            {"x": uniform(5), "y": uniform(5), "w": uniform(5)},
        ),
        Case("1.3 a number", "z = x * -3\nz.backward(w)", ONE, {"x": uniform(), "w": uniform()}),
        Case(
            "1.3 the first factor is constant",
            "z = x.detach() * y\nz.backward(w)",
            BOTH,
            {"x": uniform(5), "y": uniform(5), "w": uniform(5)},
        ),
        Case(
            "1.3 the gradient of a gradient",
            "z = x * y\n(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
            "by_y, by_w = engine.autograd.grad(first, (y, w), v)",
            ("first", "by_y", "by_w"),
            {"x": uniform(5), "y": uniform(5), "w": uniform(5), "v": uniform(5)},
        ),
    ),
)

QUOTIENT = Task(
    "1.4",
    "Quotient",
    "Write the rule of `z = x / y`. As in the product, what no gradient needs was not saved: x is None where y needs "
    "no gradient. Where y is 0 the gradients are what the arithmetic gives, infinities and NaN.\n\n"
    "Easily overlooked: the sign of the second gradient; and that y² is 0 long before y is, so divide by y twice "
    "instead. The rule may run on tensors, when the gradient itself is to be differentiated: use operators.",
    4,
    (
        "Write z as x · y⁻¹.",
        "dz/dx = 1/y, and dz/dy = -x/y². Each times what came from above.",
        "Of the second gradient divide x by y, the quotient by y again, and multiply by `-grad_z`; compute it only "
        "where it is wanted, for else x is None.",
    ),
    (Place("ops/division.py", "Div.backward"),),
    ("1.2", "1.3"),
    (
        Case(
            "1.4 a quotient",
            "z = x / y\nz.backward(w)",
            BOTH,
            {"x": uniform(3, 4), "y": among(-1.75, -0.5, 0.75, 3.0, shape=(3, 4)), "w": uniform(3, 4)},
        ),
        Case(
            "1.4 a tensor divided by itself",
            "z = x / x\nz.backward(w)",
            ONE,
            {"x": among(-2.0, 0.5, 4.0, shape=(6,)), "w": uniform(6)},
        ),
        Case(
            "1.4 the denominator is constant",
            "z = x / y.detach()\nz.backward(w)",
            BOTH,
            {"x": uniform(5), "y": uniform(5, low=0.5), "w": uniform(5)},
        ),
        Case(
            "1.4 the numerator is constant",
            "z = x.detach() / y\nz.backward(w)",
            BOTH,
            {"x": uniform(5), "y": uniform(5, low=0.5), "w": uniform(5)},
        ),
        Case(
            "1.4 the denominator is 0, or almost",
            "z = x / y\nz.backward(w)",
            BOTH,
            {
                "x": among(0.0, 1e-250, -1e-250, shape=(12,)),
                "y": among(0.0, 1e-200, -1e-200, 2.0, shape=(12,)),
                "w": uniform(12, low=0.5),
            },
        ),
        Case(
            "1.4 the gradient of a gradient",
            "z = x / y\n(first,) = engine.autograd.grad(z, y, w, create_graph=True)\n"
            "by_x, by_y, by_w = engine.autograd.grad(first, (x, y, w), v)",
            ("first", "by_x", "by_y", "by_w"),
            {"x": uniform(5), "y": uniform(5, low=0.5), "w": uniform(5), "v": uniform(5)},
            "second order",
        ),
    ),
)

POWERS = Task(
    "1.5",
    "Powers",
    "Write the rule of `z = x ** n`, n a number, which `forward` kept as `ctx.number`: an integer or a fraction, also "
    "negative. Build xⁿ⁻¹ by `PowScalar.apply` and multiply by the number with `MulScalar.apply`, as PyTorch's rule "
    "does: both take arrays as well as tensors, and record themselves where the gradient is differentiated again.\n\n"
    "Easily overlooked: x⁰ is constant. Its gradient is 0 everywhere, also where x is 0, infinite or NaN, where 0 · "
    "x⁻¹ would be NaN: `constant_like(array, grad_z)` makes of an array of zeros a gradient of the kind of `grad_z`. "
    "At x = 0 the gradient of x¹ is 1, that of x² is 0, that of √x is infinite.",
    4,
    (
        "(x³)′ = 3x². What is it for any n, and for which n is that formula no number at x = 0?",
        "dz/dx = n · xⁿ⁻¹, and for n = 0 zeros, made before anything is divided.",
        "Three steps after the exception for 0: the power with `number=ctx.number - 1`, that times `ctx.number`, and "
        "that times `grad_z`. z itself is of no use: z/x is no number where x is 0.",
    ),
    (Place("ops/powers.py", "PowScalar.backward"),),
    ("1.3",),
    (
        Case(
            "1.5 square and cube",
            "z = x**2\nz.backward(w)\nt = y**3\nt.backward(w)",
            ("z", "x.grad", "y.grad"),
            {"x": uniform(4, 2), "y": uniform(4, 2), "w": uniform(4, 2)},
        ),
        Case(
            "1.5 where x is 0 or negative",
            "for n in (1, 2, 3):\n    (x**n).backward(w)",
            ("x.grad",),
            {"x": among(-1.5, -1.0, 0.0, 1.0, shape=(8,)), "w": uniform(8)},
        ),
        Case(
            "1.5 the power 0",
            "z = x**0\nz.backward(w)",
            ONE,
            {"x": among(-1.0, 0.0, 2.0, INF, NAN, shape=(10,)), "w": uniform(10)},
        ),
        Case(
            "1.5 negative powers",
            "z = x**-1\nz.backward(w)\nt = y**-3\nt.backward(w)",
            ("z", "x.grad", "y.grad"),
            {"x": uniform(5, low=0.5), "y": among(-2.0, 0.5, 0.0, shape=(5,)), "w": uniform(5, low=0.5)},
        ),
        Case(
            "1.5 fractions",
            "z = x**0.5\nz.backward(w)\nt = y**1.5\nt.backward(w)",
            ("z", "x.grad", "y.grad"),
            {"x": among(0.0, 0.25, 2.0, -1.0, shape=(8,)), "y": among(0.0, 0.25, 2.0, shape=(8,)), "w": uniform(8)},
        ),
        Case(
            "1.5 to third order",
            "z = x**3\n" + THIRD,
            ("first", "second", "third"),
            {"x": among(-1.5, 0.0, 0.5, shape=(6,)), "w": uniform(6), "v": uniform(6)},
            "second order",
        ),
    ),
)


# --------------------------------------------------------------------------------------------- functions of one number


def function_of_one(name: str, program: str, draw: Draw) -> Case:
    """A case: one function and its gradient."""
    return Case(f"1.6 {name}", f"z = {program}\nz.backward(w)", ONE, {"x": draw, "w": uniform(*draw.shape)})


def function_twice(name: str, program: str, draw: Draw) -> Case:
    """A case: the gradient's gradient."""
    drawn = {"x": draw, "w": uniform(*draw.shape), "v": uniform(*draw.shape)}
    return Case(f"1.6 {name}", f"z = {program}\n{SECOND}", ("first", "second"), drawn, "second order")


FUNCTIONS = Task(
    "1.6",
    "exp, log, sqrt, sine and cosine",
    "Write `backward` of `Exp`, `Log`, `Sqrt` (in `ops/powers.py`) and of `Sin`, `Cos` (in `ops/transcendental.py`). "
    "Look at what each `forward` saved: the result z, where the derivative is a formula of z, so that nothing is "
    "computed twice; else x.\n\n"
    "A rule may run on tensors: where it needs a function of x, call that function's own `apply` (`Cos.apply(x)`), "
    "not NumPy's. At the border of where they are defined the gradients are what the arithmetic gives: log and sqrt "
    "have an infinite one at 0, sqrt of a negative number NaN.",
    3,
    (
        "(eˣ)′ = eˣ, (ln x)′ = 1/x, (√x)′ = 1/(2√x), sin′ = cos. Which of these can be read off the result?",
        "eˣ and √x are the saved z: `grad_z * z`, and `grad_z` divided by 2z. The logarithm divides by the saved x.",
        "The 2z of the square root is `MulScalar.apply(z, number=2)`. The cosine's gradient is `grad_z` times "
        "`Sin.apply(x)`, with a minus.",
    ),
    (
        *(Place("ops/powers.py", f"{name}.backward") for name in ("Sqrt", "Exp", "Log")),
        *(Place("ops/transcendental.py", f"{name}.backward") for name in ("Sin", "Cos")),
    ),
    ("1.2", "1.3", "1.4"),
    (
        function_of_one("exp", "x.exp()", among(-INF, -30.0, -1.0, 0.0, 0.5, 3.0, shape=(2, 6))),
        function_of_one("log", "x.log()", among(0.0, 1e-300, 0.5, 1.0, 20.0, INF, shape=(12,))),
        function_of_one("sqrt", "x.sqrt()", among(-1.0, 0.0, 1e-300, 0.25, 3.0, shape=(10,))),
        function_of_one("sine", "x.sin()", uniform(8, low=-4.0, high=4.0)),
        function_of_one("cosine", "x.cos()", uniform(8, low=-4.0, high=4.0)),
        function_twice("exp and sqrt, the gradient of a gradient", "x.exp() + x.sqrt()", uniform(6, low=0.5)),
        function_twice("log, the gradient of a gradient", "x.log()", uniform(6, low=0.5)),
        function_twice("sine and cosine, the gradient of a gradient", "x.sin() + x.cos()", uniform(6)),
    ),
)

RELU = Task(
    "1.7",
    "ReLU, at 0 and at NaN",
    "Write ReLU whole:\n\n"
    "- `Relu.forward` computes max(x, 0), where NaN stays NaN, into the array `out` where one is given (the call was "
    "in place) or into a new one of x's type, saves the **result**, and returns it. Bools it refuses with a "
    "NotImplementedError that says so.\n- `Relu.backward` applies `ThresholdBackward` to what came from above and the "
    "saved result.\n- `ThresholdBackward.forward` gives the gradient where the result is positive or NaN, and 0 "
    "elsewhere: at x = 0 the gradient is 0. It too saves the result.\n- `ThresholdBackward.backward` is the rule of "
    "that rule, which is linear in the gradient; the result only switches, so that its own gradient is zeros of the "
    "gradient's shape.\n- `pass_where_positive` is a helper with which the engine does the work of "
    "`ThresholdBackward.forward` on parts of large arrays. You may write all with `np.maximum` and `np.where`, and "
    "leave it empty.\n\n"
    "Easily overlooked: NaN is neither positive nor negative nor 0, so ask for what is dropped, not for what is kept; "
    "and a gradient that is infinite or NaN is dropped too, which multiplying by 0 does not do.",
    3,
    (
        "Draw the function and its slope. At which numbers do `x > 0` and `not x <= 0` differ?",
        "`np.maximum(x, 0)` keeps NaN, and takes `out=`. The gradient: 0 where `result <= 0`, else as it is.",
        "`np.where(result <= 0, 0, grad)` has the gradient's type if the 0 has it: `np.zeros((), grad.dtype)`. Save "
        "the result in `ThresholdBackward.forward` too: the rule of the rule applies `ThresholdBackward` to what "
        "arrives, with that result; its second gradient `constant_like` makes of zeros and `grad_z`.",
    ),
    (
        Place("ops/rectifiers.py", "Relu.forward"),
        Place("ops/rectifiers.py", "Relu.backward"),
        Place("ops/rectifiers.py", "pass_where_positive"),
        Place("ops/rectifiers.py", "ThresholdBackward.forward"),
        Place("ops/rectifiers.py", "ThresholdBackward.backward"),
    ),
    (),
    (
        Case(
            "1.7 positive and negative",
            "z = x.relu()\nz.backward(w)",
            ONE,
            {"x": uniform(3, 4), "w": uniform(3, 4)},
        ),
        Case(
            "1.7 at 0",
            "z = x.relu()\nz.backward(w)",
            ONE,
            {"x": among(-1.0, -0.0, 0.0, 5e-324, 0.5, shape=(10,)), "w": uniform(10)},
        ),
        Case(
            "1.7 at NaN and infinity",
            "z = x.relu()\nz.backward(w)",
            ONE,
            {"x": among(-INF, -1.0, INF, NAN, shape=(8,)), "w": uniform(8)},
        ),
        Case(
            "1.7 a gradient that is infinite or NaN",
            "z = x.relu()\nz.backward(w)",
            ("x.grad",),
            {"x": among(-2.0, 0.0, 2.0, shape=(12,)), "w": among(INF, NAN, 1.0, shape=(12,))},
        ),
        Case(
            "1.7 other types",
            "z = x.relu()\nz.backward(w)\nt = i.relu()\ns = x[0].relu()",
            ("z", "x.grad", "t", "s"),
            {
                "x": uniform(5, dtype="float32"),
                "w": uniform(5, dtype="float32"),
                "i": among(-3, 0, 2, shape=(4,), dtype="int64"),
            },
        ),
        Case(
            "1.7 in place",
            "y = x.clone()\nz = y.relu_()\nz.backward(w)",
            ("y", "x.grad"),
            {"x": among(-1.0, 0.0, 1.5, shape=(2, 3)), "w": uniform(2, 3)},
        ),
        Case(
            "1.7 the result is saved, and not x",
            "y = x.clone()\nz = y.relu()\ny.zero_()\nz.backward(w)\nt = x.relu()\nfound = ''\nwith "
            "engine.no_grad():\n    t.add_(1)\ntry:\n    t.backward(w)\nexcept Exception as error:\n    found = "
            "type(error).__name__",
            ("x.grad", "found"),
            {"x": among(-0.5, 0.5, shape=(6,)), "w": uniform(6)},
        ),
        Case(
            "1.7 bools",
            "found = ''\ntry:\n    (x > 0).relu()\nexcept Exception as error:\n"
            "    found = 'bool' in str(error).lower()",
            ("found",),
            {"x": uniform(3)},
        ),
        Case(
            "1.7 the gradient of a gradient",
            "z = x.relu()\n" + FIRST + "by_w, by_x = engine.autograd.grad(first, (w, x), v)",
            ("first", "by_w", "by_x"),
            {"x": among(-1.5, 0.0, 2.0, NAN, shape=(8,)), "w": uniform(8), "v": uniform(8)},
        ),
    ),
)

TANH = Task(
    "1.8",
    "tanh to second order",
    "The gradient that passes a tanh with the result z is grad · (1 - z²). It is an operation of its own, "
    "`TanhBackward`, so that it can be differentiated: write its `forward`, on arrays, and its `backward`. This gets "
    "`grad_out`, the gradient with respect to what `forward` gave, and returns two gradients, of `grad` and of "
    "`z`.\n\n"
    "Save what `backward` needs. The gradient of z then flows on into tanh by itself: z is its result. Easily "
    "overlooked: that z is in the formula too. For a third derivative `backward` runs on tensors, so that the first "
    "gradient is best `TanhBackward.apply` again.",
    5,
    (
        "Call the operation f(g, z) = g · (1 - z²). What are df/dg and df/dz?",
        "df/dg = 1 - z² and df/dz = -2 · z · g. Each times `grad_out`.",
        "`forward` saves both, the gradient and z. The first gradient, grad_out · (1 - z²), is what this very "
        "operation computes, with `grad_out` in the place of `grad`.",
    ),
    (
        Place("ops/transcendental.py", "TanhBackward.forward"),
        Place("ops/transcendental.py", "TanhBackward.backward"),
    ),
    ("1.3",),
    (
        Case(
            "1.8 the gradient",
            "z = x.tanh()\nz.backward(w)",
            ONE,
            {"x": among(-20.0, -1.5, 0.0, 0.25, 3.0, shape=(2, 5)), "w": uniform(2, 5)},
        ),
        Case(
            "1.8 the second derivative",
            "z = x.tanh()\n" + SECOND,
            ("first", "second"),
            {"x": uniform(6), "w": uniform(6), "v": uniform(6)},
            "second order",
        ),
        Case(
            "1.8 the gradient by what came from above",
            "z = x.tanh()\n" + FIRST + "(by_w,) = engine.autograd.grad(first, w, v)",
            ("first", "by_w"),
            {"x": uniform(6), "w": uniform(6), "v": uniform(6)},
            "second order",
        ),
        Case(
            "1.8 the third derivative",
            "z = x.tanh()\n" + THIRD,
            ("third",),
            {"x": uniform(6), "w": uniform(6), "v": uniform(6)},
            "second order",
        ),
    ),
)

SIGMOID = Task(
    "1.9",
    "A sigmoid that does not overflow",
    "Write 1 / (1 + e⁻ˣ) so that nothing overflows and no digit is lost: `logistic(x)`, on an array of floating-point "
    "numbers, gives an array of the same type; `Sigmoid.forward` computes it for x, saves the result and returns it. "
    "e⁻ˣ overflows where x is very negative, and eˣ where it is very positive; and 1 - something close to 1 has no "
    "digits left: far to the left the sigmoid is eˣ, small, and right to the last digit. Easily overlooked: `np.where` "
    "is given both of its values everywhere, so that neither may overflow where it is not chosen.\n\n"
    "The rest of `Sigmoid.forward` is types: `in_default_float` makes floats of integers, `in_opmath` widens float16 "
    "to float32, and the result is rounded to the type that `in_default_float` gave. At -∞ the result is 0, at ∞ 1, at "
    "NaN NaN.",
    4,
    (
        "For which x is e⁻ˣ at most 1? Find a formula for the other x that uses only such powers.",
        "Multiply numerator and denominator by eˣ: 1 / (1 + e⁻ˣ) = eˣ / (1 + eˣ). Use the first where x ≥ 0, else the "
        "second.",
        "With d, e to the power -|x|, which `decaying(x)` computes, both have the denominator 1 + d; the numerator is "
        "1 where x ≥ 0 and d elsewhere. `np.where` chooses. `np.asarray(..., x.dtype)` rounds to x's type.",
    ),
    (Place("ops/activation.py", "logistic"), Place("ops/activation.py", "Sigmoid.forward")),
    (),
    (
        Case(
            "1.9 between -5 and 5",
            "z = x.sigmoid()\nz.backward(w)",
            ONE,
            {"x": uniform(3, 4, low=-5.0, high=5.0), "w": uniform(3, 4)},
        ),
        Case(
            "1.9 at 0, infinity and NaN",
            "z = x.sigmoid()\nz.backward(w)",
            ONE,
            {"x": among(-INF, -0.0, 0.0, INF, NAN, shape=(10,)), "w": uniform(10)},
        ),
        Case(
            "1.9 far to the left",
            "z = x.sigmoid()\nz.backward(w)",
            ONE,
            {"x": among(-700.0, -80.0, -37.0, -20.0, shape=(8,)), "w": uniform(8, low=0.5)},
            "tail float64",
        ),
        Case(
            "1.9 nothing overflows",
            "import numpy\nwith numpy.errstate(over='raise', invalid='raise'):\n    z = x.sigmoid()",
            ("z",),
            {"x": among(-1000.0, -720.0, 30.0, 720.0, 1000.0, shape=(10,))},
        ),
        Case(
            "1.9 other types",
            "z = x.sigmoid()\nt = i.sigmoid()\ns = x.half().sigmoid()\none = x[0].sigmoid()",
            ("z", "t", "s", "one"),
            {"x": uniform(5, dtype="float32"), "i": integers(4, (4,))},
            "float32",
        ),
        Case(
            "1.9 the gradient of a gradient",
            "z = x.sigmoid()\n" + SECOND,
            ("first", "second"),
            {"x": uniform(6), "w": uniform(6), "v": uniform(6)},
            "second order",
        ),
    ),
)


# ------------------------------------------------------------------------------------------------ all of them together


EXPRESSION = "((x * x + 1).sqrt() / (y**2 + 2)).log() - (x - y).tanh() * (-x).sigmoid() + (2 - y).relu() * x.sin()"

INTEGRATION = (
    Case(
        "A1 an expression of all rules",
        f"z = {EXPRESSION}\nz.backward(w)",
        BOTH,
        {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)},
        "second order",
    ),
    Case(
        "A1 its second derivatives",
        f"z = {EXPRESSION}\nfirst = engine.autograd.grad(z, (x, y), w, create_graph=True)\n"
        "second = engine.autograd.grad(first, (x, y, w), (v, w))\nby_x, by_y, by_w = second",
        ("by_x", "by_y", "by_w"),
        {"x": uniform(5), "y": uniform(5), "w": uniform(5), "v": uniform(5)},
        "second order",
    ),
    Case(
        "A1 the checker finds no mistake in the rules",
        f"f = lambda x, y: {EXPRESSION} + (x * y).exp() - y.cos()\n"
        "first_order = engine.autograd.gradcheck(f, (x, y), raise_exception=False)\n"
        "second_order = engine.autograd.gradgradcheck(f, (x, y), (w,), raise_exception=False)",
        ("first_order", "second_order"),
        {"x": uniform(2, low=0.25, high=1.75), "y": uniform(2, low=0.25, high=1.75), "w": uniform(2)},
    ),
    Case(
        "A1 Newton's method",
        "for _ in range(4):\n    f = x**3 - x * 2 - 5\n"
        "    (slope,) = engine.autograd.grad(f, x, engine.ones_like(f))\n"
        "    x = (x - f / slope).detach().requires_grad_()",
        ("x",),
        {"x": uniform(4, low=1.5, high=3.0)},
        "second order",
    ),
)

ASSIGNMENT = Assignment(
    "A1",
    "Rules",
    (DIFFERENCES, SUMS, PRODUCT, QUOTIENT, POWERS, FUNCTIONS, RELU, TANH, SIGMOID),
    INTEGRATION,
    4,
)
