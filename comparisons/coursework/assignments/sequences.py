"""Sequences: embedding, layer norm, attention."""

from __future__ import annotations

from comparisons.coursework.cases import Case, integers, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

ROWS = Task(
    "6.1",
    "Rows named twice",
    "An embedding picks rows of a table: z = weight[indices]. `EmbeddingBackward.forward(ctx, grad, *, shape, "
    "indices, padding_index)` returns dL/dweight: zeros of `shape` = (n, d), of grad's type, to whose rows the rows "
    "of grad are added. `indices` is a tuple of one array of integers, of any shape, and grad has that shape and d. A "
    "row that is named twice gets both gradients, one that is not named keeps 0, and the row `padding_index` keeps 0 "
    "whatever grad holds there; -1 means that there is no such row.\n\n"
    "The rule behind it reads `indices` and, as the only array of `Given((kept,))`, where grad counts: an array of "
    "bool, True where the index is not padding_index, with a last dimension of 1 beside grad's. Both are saved, in "
    "this order, by `ctx.save_for_backward`.",
    4,
    (
        "`z[indices] += grad` reads, adds and writes once: of two rows for one place, what happens to the first?",
        "`np.add.at(z, indices, rows)` adds each one, one after the other.",
        "Compare indices[0] with padding_index and give the result a last dimension; save it; where it is False let "
        "`np.where` put 0 in the place of grad, and add the rest to zeros at the indices.",
    ),
    (Place("ops/embedding.py", "EmbeddingBackward.forward"),),
    ("2.7",),
    (
        Case(
            "6.1 rows named twice, and rows not named",
            "z = engine.nn.functional.embedding(i, x)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(5, 3), "i": integers(3, (7,)), "w": uniform(7, 3)},
        ),
        Case(
            "6.1 sentences of a batch",
            "z = engine.nn.functional.embedding(i, x)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(4, 4), "i": integers(4, (2, 4)), "w": uniform(2, 4, 4)},
        ),
        Case(
            "6.1 a row for padding",
            "engine.nn.functional.embedding(i, x, padding_idx=1).backward(w)\n"
            "engine.nn.functional.embedding(i, y, padding_idx=-1).backward(w)",
            ("x.grad", "y.grad"),
            {"x": uniform(3, 2), "y": uniform(3, 2), "i": integers(3, (2, 4)), "w": uniform(2, 4, 2)},
        ),
        Case(
            "6.1 a row for padding whose gradient is no number",
            "z = engine.nn.functional.embedding(i, x, padding_idx=1)\n"
            "z.backward(w.detach().masked_fill(i.unsqueeze(1) == 1, float('nan')))",
            ("x.grad",),
            {"x": uniform(3, 2), "i": integers(3, (6,)), "w": uniform(6, 2)},
        ),
        Case(
            "6.1 each row by how often it is named",
            "z = engine.nn.functional.embedding(i, x, scale_grad_by_freq=True)\nz.backward(w)",
            ("x.grad",),
            {"x": uniform(4, 2), "i": integers(3, (7,)), "w": uniform(7, 2)},
        ),
        Case(
            "6.1 one index",
            "z = engine.nn.functional.embedding(i[0], x)\nz.backward(w)",
            ("x.grad",),
            {"x": uniform(3, 2), "i": integers(3, (3,)), "w": uniform(2)},
        ),
        Case(
            "6.1 gradients of the gradient",
            "z = engine.nn.functional.embedding(i, x, padding_idx=1)\n"
            "(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
            "(second,) = engine.autograd.grad(first, w, v)",
            ("first", "second"),
            {"x": uniform(3, 2), "i": integers(3, (2, 4)), "w": uniform(2, 4, 2), "v": uniform(3, 2)},
        ),
        Case(
            "6.1 float32",
            "z = engine.nn.functional.embedding(i, x)\nz.backward(w)",
            ("x.grad",),
            {"x": uniform(3, 2, dtype="float32"), "i": integers(3, (6,)), "w": uniform(6, 2, dtype="float32")},
            "float32",
        ),
    ),
)

LAYER_NORM = Task(
    "6.2",
    "Layer norm, backward",
    "`z = n · weight + bias`, with n = (x - mean) / √(variance + eps), mean and biased variance being those of the "
    "last dimensions (`ctx.dims`, a tuple), of each sample alone. weight and bias have the shape of these dimensions, "
    "or are None. `NativeLayerNorm.backward(ctx, grad_z)` returns the gradients of x, weight and bias, None for one "
    "that is not needed (`ctx.needs_input_grad`). `ctx.saved_tensors` are x, weight and bias; `ctx.eps` is a "
    "number.\n\n"
    "mean and variance depend on x: with g = grad_z · weight, grad_x = (g - M[g] - n · M[g · n]) / √(variance + eps), "
    "M being the mean over `ctx.dims`, kept as dimensions of 1. What weight and bias get is summed over the "
    "dimensions in front; there may be none, and a tensor's sum over the empty tuple sums over all.\n\n"
    "The gradient can be differentiated again: grad_z and what was saved are arrays, or tensors where the gradient's "
    "own graph is recorded. Operators, `sum(dims)`, `Mean.apply(t, dim=ctx.dims, keepdim=True)` and `Rsqrt.apply(t)`, "
    "1/√t, serve both. Make n anew from x, so that it is part of that graph.",
    7,
    (
        "It is the way back through batch norm (5.7), over other dimensions: the same two terms go away.",
        "weight multiplies before the means are taken: g, not grad_z, stands in all three places.",
        "grad_x = inverse · (g - Mean(g) - n · Mean(g · n)); grad_weight = (grad_z · n).sum(the first dimensions), "
        "grad_bias = grad_z.sum(the same), each as it is where there are none.",
    ),
    (Place("ops/normalization.py", "NativeLayerNorm.backward"),),
    ("5.7",),
    (
        Case(
            "6.2 the last dimension",
            "z = engine.nn.functional.layer_norm(x, (4,), a, b)\nz.backward(w)",
            ("z", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 4), "a": uniform(4), "b": uniform(4), "w": uniform(2, 3, 4)},
            "second order",
        ),
        Case(
            "6.2 a square batch",
            "z = engine.nn.functional.layer_norm(x, (4,), a, b)\nz.backward(w)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(4, 4), "a": uniform(4), "b": uniform(4), "w": uniform(4, 4)},
            "second order",
        ),
        Case(
            "6.2 the last two dimensions",
            "z = engine.nn.functional.layer_norm(x, (3, 4), a, b)\nz.backward(w)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 4), "a": uniform(3, 4), "b": uniform(3, 4), "w": uniform(2, 3, 4)},
            "second order",
        ),
        Case(
            "6.2 all dimensions, none in front",
            "z = engine.nn.functional.layer_norm(x, (2, 3), a, b)\nz.backward(w)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3), "a": uniform(2, 3), "b": uniform(2, 3), "w": uniform(2, 3)},
            "second order",
        ),
        Case(
            "6.2 a batch of one, and a large eps",
            "z = engine.nn.functional.layer_norm(x, (4,), a, b, eps=0.5)\nz.backward(w)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(1, 4, low=5.0, high=9.0), "a": uniform(4), "b": uniform(4), "w": uniform(1, 4)},
            "second order",
        ),
        Case(
            "6.2 without weight and bias",
            "z = engine.nn.functional.layer_norm(x, (4,))\nz.backward(w)",
            ("x.grad",),
            {"x": uniform(3, 4), "w": uniform(3, 4)},
            "second order",
        ),
        Case(
            "6.2 only one of the three needs a gradient",
            "engine.nn.functional.layer_norm(x, (4,), c.detach(), c.detach()).backward(w)\n"
            "engine.nn.functional.layer_norm(w.detach(), (4,), a, c.detach()).backward(w)\n"
            "engine.nn.functional.layer_norm(w.detach(), (4,), c.detach(), b).backward(w)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(3, 4), "a": uniform(4), "b": uniform(4), "c": uniform(4), "w": uniform(3, 4)},
            "second order",
        ),
        Case(
            "6.2 gradients of the gradients, none in front",
            "z = engine.nn.functional.layer_norm(x, (2, 3), a, b)\n"
            "first = engine.autograd.grad(z, (x, a, b), w, create_graph=True)\n"
            "second = engine.autograd.grad(first, (x, w), (s, t, u))",
            ("first[1]", "first[2]", "second[0]", "second[1]"),
            {name: uniform(2, 3) for name in "xabwstu"},
            "second order",
        ),
        Case(
            "6.2 gradients of the gradients",
            "z = engine.nn.functional.layer_norm(x, (4,), a, b, eps=0.25)\n"
            "first = engine.autograd.grad(z, (x, a, b), w, create_graph=True)\n"
            "second = engine.autograd.grad(first, (x, a, w), (s, t, u))",
            ("first[0]", "second[0]", "second[1]", "second[2]"),
            {
                "x": uniform(3, 4),
                "a": uniform(4),
                "b": uniform(4),
                "w": uniform(3, 4),
                "s": uniform(3, 4),
                "t": uniform(4),
                "u": uniform(4),
            },
            "second order",
        ),
    ),
)

ATTEND = "z = engine.nn.functional.scaled_dot_product_attention(q, k, v{})\n"
HEADS = {"q": uniform(2, 3, 4), "k": uniform(2, 5, 4), "v": uniform(2, 5, 6), "w": uniform(2, 3, 6)}
GRADS = ("z", "q.grad", "k.grad", "v.grad")

ATTENTION = Task(
    "6.3",
    "Attention",
    "`scaled_dot_product_attention(query, key, value, …)` computes softmax(query keyᵀ · scale + mask) value, for "
    "query (..., L, E), key (..., S, E), value (..., S, V), giving (..., L, V); the softmax goes over the S keys. "
    "`scale` is 1/√E unless it is given (it may be 0).\n\n"
    "`attn_mask`, of a shape that broadcasts to (..., L, S): one of bool is True where a query may look, elsewhere "
    "the score is -inf; a floating one is added to the scores. `is_causal`: query i may look at the keys 0 to i. A "
    "query that may look nowhere gets zeros, where the softmax alone would make NaN. `enable_gqa`: key and value have "
    "fewer heads (dimension -3) than query, and each is repeated for as many neighbouring heads of query as come to "
    "it (`repeat_interleave`). `dropout_p` drops weights, after the softmax, by `dropout(weights, dropout_p)`.\n\n"
    "Compose it of operations on tensors (`@`, `transpose`, `masked_fill`, `softmax`, `ones(L, S, "
    "dtype=dtypes.bool).tril()`): then autograd knows the way back. `check_attention`, which is called first, refuses "
    "what does not fit.",
    8,
    (
        "Write the plain formula first, without masks: scores, softmax over the last dimension, times value.",
        "A bool mask fills the scores before the softmax, where it is False; is_causal is such a mask, lower "
        "triangular.",
        "nowhere = the rows of scores that are -inf throughout, kept as a dimension of 1; where there are any, fill "
        "their weights with 0. Then dropout if dropout_p > 0, and weights @ value.",
    ),
    (Place("ops/attention.py", "scaled_dot_product_attention"),),
    ("4.4",),
    (
        Case("6.3 plain", ATTEND.format("") + "z.backward(w)", GRADS, HEADS),
        Case(
            "6.3 as many queries as keys as numbers",
            ATTEND.format("") + "z.backward(w)",
            GRADS,
            {name: uniform(3, 3) for name in "qkvw"},
        ),
        Case(
            "6.3 a scale",
            ATTEND.format(", scale=2.0")
            + "flat = engine.nn.functional.scaled_dot_product_attention(q, k, v, scale=0.0)\n"
            "(z * flat).backward(w)",
            (*GRADS, "flat"),
            HEADS,
        ),
        Case(
            "6.3 where a query may look, and one that may look nowhere",
            "look = m.detach() > 0\nlook[0, 0] = False\nlook[1, :, 0] = True\nlook[:, 1:, 0] = True\n"
            + ATTEND.format(", attn_mask=look")
            + "z.backward(w)",
            GRADS,
            {**HEADS, "m": uniform(2, 3, 5)},
        ),
        Case(
            "6.3 a floating mask, of each head",
            ATTEND.format(", attn_mask=m.detach()") + "z.backward(w)",
            GRADS,
            {**HEADS, "m": uniform(2, 1, 5)},
        ),
        Case(
            "6.3 causal, more keys than queries",
            ATTEND.format(", is_causal=True") + "z.backward(w)",
            GRADS,
            HEADS,
        ),
        Case(
            "6.3 causal, more queries than keys",
            ATTEND.format(", is_causal=True") + "z.backward(w)",
            GRADS,
            {"q": uniform(5, 4), "k": uniform(3, 4), "v": uniform(3, 2), "w": uniform(5, 2)},
        ),
        Case(
            "6.3 fewer heads of keys than of queries",
            ATTEND.format(", enable_gqa=True") + "z.backward(w)",
            GRADS,
            {"q": uniform(6, 2, 3), "k": uniform(2, 3, 3), "v": uniform(2, 3, 2), "w": uniform(6, 2, 2)},
        ),
        Case(
            "6.3 large scores",
            ATTEND.format("") + "z.backward(w)",
            ("z", "v.grad"),
            {
                "q": uniform(3, 2, low=100.0, high=200.0),
                "k": uniform(4, 2, low=100.0, high=200.0),
                "v": uniform(4, 2),
                "w": uniform(3, 2),
            },
            "second order",
        ),
        Case(
            "6.3 what does not fit is refused",
            "refused, mask = [], q.detach() @ k.detach().transpose(1, 2) > 0\n"
            "for given in ((q, k, v, mask, 0.0, True), (q, k[0, 0], v), (q, k.float(), v), (q, k, v, mask.long()), "
            "(q, k, v)):\n"
            "    try:\n        engine.nn.functional.scaled_dot_product_attention(*given)\n        refused.append(0)\n"
            "    except RuntimeError as error:\n"
            "        if isinstance(error, NotImplementedError):\n            raise\n"
            "        refused.append(1)",
            ("refused",),
            HEADS,
        ),
        Case(
            "6.3 everything dropped",
            ATTEND.format(", dropout_p=1.0") + "z.backward(w)",
            ("z", "v.grad"),
            HEADS,
        ),
    ),
)

BLOCK = (
    "functional = engine.nn.functional\n"
    "parameters = [each.detach().clone().requires_grad_() for each in (table, of_queries, of_keys, of_values, a, b, "
    "out)]\n"
    "table, of_queries, of_keys, of_values, a, b, out = parameters\n"
    "optimizer = engine.optim.Adam(parameters, lr=0.05, eps=0.001)\nlosses = []\n"
    "for _ in range(4):\n"
    "    optimizer.zero_grad()\n"
    "    x = functional.embedding(i, table{padding})\n"
    "    n = functional.layer_norm(x, (4,), a, b)\n"
    "    z = x + functional.scaled_dot_product_attention(n @ of_queries, n @ of_keys, n @ of_values{options})\n"
    "    scores = functional.layer_norm(z, (4,), a, b) @ out\n"
    "    loss = functional.cross_entropy(scores.flatten(0, 1), i.flatten())\n"
    "    loss.backward()\n    optimizer.step()\n    losses.append(loss.item())\n"
)
TOKENS = {
    "i": integers(5, (2, 3)),
    "table": uniform(5, 4),
    **{name: uniform(4, 4) for name in ("of_queries", "of_keys", "of_values")},
    "a": uniform(4),
    "b": uniform(4),
    "out": uniform(4, 5),
}

INTEGRATION = (
    Case(
        "6 together: an attention block learns",
        BLOCK.format(padding="", options=""),
        ("losses", "table", "of_queries", "a", "out"),
        TOKENS,
        "training float64",
    ),
    Case(
        "6 together: a causal attention block learns, with a row for padding",
        BLOCK.format(padding=", padding_idx=0", options=", is_causal=True"),
        ("losses", "table", "of_keys", "b"),
        TOKENS,
        "training float64",
    ),
    Case(
        "6 together: an attention block that may not look at padding learns",
        "mask = (i != 0).unsqueeze(1)\n" + BLOCK.format(padding="", options=", attn_mask=mask"),
        ("losses", "table", "of_values", "out"),
        TOKENS,
        "training float64",
    ),
)

ASSIGNMENT = Assignment("A6", "Sequences", (ROWS, LAYER_NORM, ATTENTION), INTEGRATION, 4)
