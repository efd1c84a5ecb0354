"""Read first: what will the graph be, and in which order does the engine walk it?"""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment, Question, Task

__all__ = ["ASSIGNMENT"]

FORM = (
    "Answer in words and numbers, in lower case, parted by single spaces, without commas, brackets or quotation marks: "
    "`mulbackward0 none`, `3`, `z c b`. A node is called by its `name()`, such as `addbackward0`, the node of a leaf "
    "`accumulategrad`; where there is no node say `none`. Numbers are integers: `3`, not `3.0`."
)

POLYNOMIAL = (
    "This is `x*x + 2*x + 1` with a name for each part:\n\n"
    "    x = tensor(3.0, requires_grad=True)\n"
    "    a = x * x\n"
    "    b = 2 * x\n"
    "    c = a + b\n"
    "    z = c + 1\n\n"
)

GRAPH = Task(
    "0.1",
    "Predict the graph",
    POLYNOMIAL + "Read `Function.apply` in `graph/function.py`, where edges are recorded, and predict what `z.grad_fn` "
    "and its `next_functions` will be, before you run anything. One node belongs to each result, one edge to each "
    "input of an operation, also where an input is used twice; an input that needs no gradient has an edge that leads "
    "nowhere. A leaf has one node, however often it is used.\n\n" + FORM,
    3,
    (
        "Draw a box for every operation, and one for x. From each box draw an arrow to where each of its inputs was "
        "made.",
        "`x * x` has two inputs, both made at x. `2 * x` has two, too: the tensor and a number, of which Python hands "
        "the tensor over first. A number has no history.",
        "`next_functions` has an entry for each input, in the order in which the operation got them: the node that "
        "made it, or None. Count the boxes for nodes, and the arrows that end at a box for edges.",
    ),
    questions=(
        Question(
            "names",
            "The names of the nodes of z, c, b and a, in this order.",
            "addbackward0 addbackward0 mulbackward0 mulbackward0",
        ),
        Question("nodes", "How many nodes has the graph behind z, the leaf's included?", "5"),
        Question("edges", "How many edges lead from a node to a node?", "6"),
        Question(
            "shared",
            "To one node more than one edge leads. Its name, and how many edges lead to it.",
            "accumulategrad 3",
        ),
        Question(
            "edges of a",
            "The names of the nodes that the two edges of a's node lead to.",
            "accumulategrad accumulategrad",
        ),
        Question(
            "edges of b",
            "The same of b's node, in the order of its `next_functions`; `none` where there is no node.",
            "accumulategrad none",
        ),
        Question(
            "detached",
            "Another graph: `s = x.exp()`, `p = s * s`, `q = s.detach()`, `z = p + q`. The names of the nodes that "
            "the two edges of z's node lead to, `none` where there is no node.",
            "mulbackward0 none",
        ),
        Question("shared again", "In that other graph: the name of the node to which two edges lead.", "expbackward0"),
        Question(
            "unrecorded", "After `with no_grad(): y = x * 2`: the name of the node `y.grad_fn`, or `none`.", "none"
        ),
    ),
)

ORDER = Task(
    "0.2",
    "Predict the order",
    POLYNOMIAL
    + "Read `run_backward` and `in_order` in `graph/engine.py`, and `add_to` in `graph/accumulation.py`, and "
    "predict what `z.backward()` does. Nodes are called here by the tensor that they belong to: the node that made a "
    "is `a`, the one that adds to `x.grad` is `x`. A node runs when all that flows into it has arrived; of those that "
    "are ready the one made last runs first, but the node of a leaf does not wait for others. What a node saved is "
    "freed "
    "when it has run.\n\n" + FORM,
    3,
    (
        "z's node runs first: it was made last, and everything else was made before it. Which was made just before?",
        "The order of making is a, b, c, z, whatever stands left or right of a plus. x's node waits until all three "
        "edges have brought something.",
        "Each edge carries the derivative of z along that path: through b it is 2, through each of the two edges of a "
        "it is x = 3. A sum needs none of its operands, so its node saves nothing; a product saves what it needs.",
    ),
    needs=("0.1",),
    questions=(
        Question("order", "In which order do the five nodes run? Such as `x a b c z`.", "z c b a x"),
        Question("waiting", "b's node has run, a's not yet. How many gradients have come to x's node so far?", "1"),
        Question("sent by b", "The number that b's node sends to x's.", "2"),
        Question("sent by a", "The two numbers that a's node sends along its two edges.", "3 3"),
        Question("total", "`x.grad` after the walk.", "8"),
        Question(
            "freed",
            "`z.backward()` is called once more, and raises an error at the first node that finds what it saved freed. "
            "Which node is it?",
            "b",
        ),
        Question("nothing saved", "For `z = x + 1` alone `z.backward()` is called twice. `x.grad` then?", "2"),
        Question(
            "made last",
            "Another graph: `s = x.exp()`, `p = s * 2`, `q = s * s`, `z = p + q`. In which order do its five nodes "
            "run?",
            "z q p s x",
        ),
        Question("summed", "In that other graph: how many gradients are added up before s's node runs?", "3"),
        Question(
            "a leaf beside",
            "With a second leaf w: `s = x.exp()`, `z = s + w`. In which order do the four nodes run?",
            "z w s x",
        ),
    ),
)

ASSIGNMENT = Assignment("A0", "Read and predict", (GRAPH, ORDER))
