"""The tape: edges recorded, the order of nodes, the sum of what arrives, the walk.

What the functions are asked is in ``tape_by_hand.py`` and ``tape_cases.py``.
"""

from __future__ import annotations

from comparisons.coursework.assignments.tape_by_hand import ACCUMULATE, ORDER, SUM
from comparisons.coursework.assignments.tape_cases import EDGES, INTEGRATION, SAVED, TOWARDS, WALK
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

IN_ORDER = Task(
    "3.1",
    "The order of nodes",
    """\
`in_order` finds every node behind the results and puts them in the order in which they run backward. `roots` is a
dictionary whose keys are the nodes to begin at. A node has `edges`, one triple an input: the next node (or None),
which of its outputs, and a counter that does not matter here. It has a `sequence_number` too: nodes are numbered as
they are made, so what uses a result always has a higher number than what made it.

Return a list in which each node stands once, the highest number first. Then a node comes after everything that uses
its results. A leaf's node (`type(node) is AccumulateGrad`) is the exception: its own number is huge and says nothing.
It comes right after the last of its users to run, that is, after the one with the lowest number. Of two leaves with
the same last user, the one whose last edge from it comes first comes first, however they were found.

Easily overlooked: a value that is used twice is found twice, and what is behind it must not be gone through again
each time (forty doublings of one value are 41 nodes, and 2**40 paths); a chain can be longer than Python lets
functions call themselves; a root may be a leaf, or lie behind another root.""",
    6,
    (
        "Collect first and sort afterwards: what do you need to know of each node in order to sort once?",
        "Keep a list of the nodes to look at, which grows while you go through it, and a dictionary from a node to its "
        "turn, a number. A node that has its turn already was looked at. What lies between two whole numbers?",
        "An operation's turn is its sequence_number. A leaf's is the lowest number of its users, less 0.5; when a "
        "lower or equal one is found, take the leaf out of the dictionary and put it in anew, so that it stands last "
        "there. `sorted(…, reverse=True)` keeps the order of equals.",
    ),
    (Place("graph/engine.py", "in_order"),),
    needs=("1.3",),
    cases=ORDER,
)

ADD_TO = Task(
    "3.2",
    "Add up what arrives",
    """\
Several paths can lead from a node to the result; each brings a gradient, and the derivative is their sum. `waiting`
is a list with one place for each output of the node: None where nothing has arrived yet, else the sum so far. Let
`gradient` arrive at the output `output_nr`, by changing the list; nothing is returned.

The sum so far is one of three things. An array: you may add into its memory (`+=`) only if nobody else can see it,
and `sys.getrefcount(so_far) <= ALONE_WAITING` and `so_far.base is None` say so, if `so_far` is its only name in your
function; a new array is always right, and slower. A tensor, while gradients are recorded: it must not be changed, for
its graph was made from it. Or a `Future`, which another thread still computes: `results([…])` waits for each of a
list and gives their values. `gradient` may be any of the three as well.

Easily overlooked: one rule may send the same array to both of its inputs (that of `x + y` does), so what waits here
may wait elsewhere too.""",
    5,
    (
        "What are the cases? Nothing is there yet; a sum is there that you may overwrite; a sum that you may not.",
        "Without Futures and without saving memory two lines are enough: put it there, or put the sum of the two "
        "there. Never `+=` on what came from outside.",
        "If the place holds None, put the gradient there. If either of the two is a Future, wait for both with "
        "`results` first. If the sum so far is a plain array (`type(…) is ndarray`) that is alone, add into it; "
        "otherwise put `so_far + gradient` there.",
    ),
    (Place("graph/accumulation.py", "add_to"),),
    ("3.1",),
    SUM,
)

INTO_GRAD = Task(
    "3.3",
    "Into .grad, in place",
    """\
At a leaf the walk ends: what arrived is added to the leaf's `.grad`. `run_leaf` is called for each leaf of a walk. It
does the common thing itself, a first gradient of a plain leaf, and leaves the rest to `add_to_grad`. The leaf is
`node.variable`; its gradient is `leaf._grad`, a tensor or None. `wrap(array)` makes a tensor of an array.

`run_leaf`: if the leaf has hooks (`leaf._hooks is not None or node.around is not None`), hand over by
`grad_mode.walk.run_watched_leaf(node, [gradient])` and do no more. Else, holding `Accumulating.lock`: a first array
that arrives becomes `.grad`, but only if its memory is nobody else's (`own_memory(gradient)` gives a copy where that
is not so; `sys.getrefcount(gradient) > ALONE or gradient.base is not None` tells when to ask it). All else is
`add_to_grad`'s: a `.grad` is there, the leaf lies otherwise (`leaf._strided`), it asks for no gradient any more, or
what arrives is no array of the leaf's type. NumPy makes a bare number of an array without dimensions: `np.asarray`.

`add_to_grad`: a `Future` is noted in `grad_mode.walk.unfinished`, a tuple of pairs `(node, future)`, and is not
waited for. A leaf that asks for no gradient any more (`leaf._requires_grad`) gets none. A tensor was recorded: the
sum is a new tensor, and the first one is copied (`new_empty(…).copy_(…)`), so that a later change of `.grad` does not
change it. An array is added to the array that is there, in place, after `check_can_be_added`, and the change is
counted: `leaf._grad._version_counter.bump("accumulation in backward()")`. Without a `.grad`, `array_like(leaf, None)`
is memory that lies as the leaf does; fill it, and call `keep_strides` on the new tensor.

Both count each gradient that they add in `leaf._accumulations`, once.""",
    4,
    (
        "Who may hold what you are about to change? The user holds leaf.grad and expects to see the sum there; another "
        "leaf may hold the array that has just arrived.",
        "In run_leaf three questions, in this order: are there hooks, is this the simple case, is the array ours? In "
        "add_to_grad: is it there yet, is it wanted, is it recorded, is this the first, else in place.",
        "run_leaf's simple case: no .grad, gradient.dtype is the leaf's array's, not strided, grad still required; "
        "then asarray, own_memory if it is not alone, wrap, count. add_to_grad: `leaf._grad + gradient` for a tensor, "
        "and `leaf._grad.array += gradient` for an array, then bump.",
    ),
    (Place("graph/engine.py", "run_leaf"), Place("graph/accumulation.py", "add_to_grad")),
    ("3.2",),
    ACCUMULATE,
)

RECORD = Task(
    "3.4",
    "Record the edges",
    """\
`Mul.apply(a, b)` computes a product and makes it a part of the graph. Where recording is off (`grad_mode.enabled`),
or where no input requires grad, nothing is recorded: `cls.compute(inputs, options)` does all that is to be done then.

Otherwise go through the inputs and note three things of each: what forward is given (`value.array` of a tensor,
anything else as it is), whether its gradient is wanted (`value._requires_grad`), and an edge, a triple of the node
that its gradient goes to, of which of that node's outputs it is, and of what counts the changes of its memory
(`value._version_counter`). For a result of another operation that is `value.grad_fn` and `value.output_nr`. A tensor
that requires no grad has None and 0 there, and its counter all the same: it may be saved, and then be changed. What
is no tensor has `NO_EDGE`. A leaf has a node of its own, an `AccumulateGrad`, one for as long as anything uses it:
the leaf knows it weakly, `value._accumulate_grad()` gives it, or None, and then you make it: set its `variable`, and
its `outputs` to `ONE_OUTPUT[shape, dtype]` of the array, and let the leaf know it by `weakref.ref`.

Then make the node: an instance of `cls` with `needs_input_grad` (a list) and `edges` (a tuple), and call its
`forward` with the arrays and the options; an error of memory is raised again as `out_of_memory(error)`. What forward
gives is made a tensor by `node.result(asarray(array), output_nr)`, each of a tuple with its own number. At last
`node.take_place(inputs, results)` numbers the node. Return a tensor, or a tuple where forward gave one.

Easily overlooked: the node must have its edges before forward runs, which looks at `needs_input_grad`; `x * x` has
two edges to one node, not two nodes.""",
    8,
    (
        "For each kind of input ask: where does its gradient go? There are four kinds: no tensor, a constant, a "
        "result, a leaf.",
        "A leaf's node must be the same in all graphs that live at once, and must die with them: that is why the leaf "
        "keeps a weak reference, and the edge the strong one.",
        "Three lists, filled in one loop; if True is in none of the needs, compute; `node = cls()`; needs and edges; "
        "forward; result of each output with its number; take_place with the tuple of all results; return as forward "
        "gave them.",
    ),
    (Place("graph/function.py", "Function.apply"),),
    cases=EDGES,
)

SAVED_VALUES = Task(
    "3.5",
    "Saved, freed, changed in place",
    """\
What forward saved is in `self._saved`, a tuple. Three functions guard it.

`saved_tensors`: after `free` there is None, and a look raises `freed(self)`. If anything at all was changed since
this node was made (`VersionCounter.latest > self.sequence_number`), `check_versions` looks whether it was one of the
saved values. Then the values are given: as tensors with their history, which `restored()` makes, where operations are
being recorded (`grad_mode.enabled`), where the user's hooks hold the values (`self.packed`), or where the rule takes
tensors (`self.receives_tensors`); else the arrays as they are.

`check_versions`: where the user's hooks hold the values, there is nothing to check. Otherwise `origins()` tells of
each saved value, in order, whose it was, or None. An origin is `((maker, output_nr), counter, saved_at)`. If
`counter.changed > saved_at`, raise `changed_since(self, value, origin)`. If the tensor was detached in place since
(`counter.detached`, where that is not empty, holds the pair of the maker's `sequence_number`, None where it has none,
and `output_nr`), raise `detached_since(self, value)`. A value without an origin may still have been a tensor that an
option gave, such as an index: itself, or the `sources` of a `Given`. If one of those tensors has a counter that
changed after this node's number, raise `changed_since` with its array and the origin `(NO_EDGE[:2], its counter, this
node's number)`.

`free` lets go of what was saved: from then on it is None. But a node that saved nothing can be run again and again,
as in PyTorch: `()` stays, and so do the Nones of a node whose needs are those for which it saves nothing
(`self.needs_input_grad == self.saves_nothing_for`).

Changes and nodes are numbered by one counter, so a change came after a node exactly if its number is higher.""",
    6,
    (
        "A value is stale if it was changed after it was saved. Two numbers tell that, and both are there.",
        "Do the cheap test first: one number tells whether any tensor was changed since. Only then look at each saved "
        "value, and only at those that have an origin at their origin.",
        "saved_tensors: None, then latest, then restored or plain. check_versions: zip of the saved values and "
        "origins(); with an origin test changed, then detached, then go on to the next; without one look at the "
        "tensors among the sources. free: set None unless empty, or unless needs equal saves_nothing_for.",
    ),
    (
        Place("graph/function.py", "Function.saved_tensors"),
        Place("graph/function.py", "Function.check_versions"),
        Place("graph/function.py", "Function.free"),
    ),
    ("3.4",),
    SAVED,
)

THE_WALK = Task(
    "3.6",
    "The walk",
    """\
`run_backward` is the loop of the engine. `arrived` is a dictionary from a node to the gradients that wait there, a
list with one for each output; at the beginning it holds those of the results.

First, what the walk needs. `walk.order` is given, or is `in_order(arrived)`. If something is asked for (`inputs`) or
anomalies are detected (`anomaly.enabled`), call `walk.watch(inputs, accumulate)`, which may leave nodes out of the
order. `retain_graph` that is None means the value of `create_graph`. In `grad_mode`, `enabled` is `create_graph`,
`walk` is this walk, and `walked` is True; whoever called restores them.

Then each node in its turn takes what has arrived out of `arrived` (None where nothing has). A node that is not
`plain`, one where nothing arrived, and every node of a walk that is `watched`, goes by `walk.run_watched(node,
incoming)`; if that gives None, the node is done. A plain leaf's node (`AccumulateGrad`) is done by `run_leaf`, with
its one gradient. Of any other node call the rule: `node.backward`, with one argument an output.

What comes out is one gradient an input, alone or in a tuple; where there are not as many as edges,
`checked_count(node, outgoing)` says so, or cuts them. Send each along its edge, unless it, or the edge's node, is
None: if the shape or the dtype is not what the target's `outputs` say at that place, `fitted(gradient, (target,
output_nr), node, outgoing)` makes it so; if something waits at the target already, `add_to` it; else `one_of(target,
output_nr, gradient)` begins its list. Then, unless the graph is retained, `node.free()`.

At the end return `walk.captured`.

Easily overlooked: let go of what you sent (`outgoing = grad = None`) before the next node runs, or each leaf copies
an array that seems to be somebody else's.""",
    12,
    (
        "One node at a time: what arrived, what its rule makes of it, where that goes. The order was task 3.1, the sum "
        "was task 3.2, the leaf was task 3.3: call them.",
        "Take with `arrived.pop(node, None)`. Ask the three ways in this order: watched, not plain or nothing arrived; "
        "a leaf; a rule. After the first two, mostly `continue`.",
        "for node in walk.order: pop; run_watched, or run_leaf and continue, or backward(incoming[0]); make a tuple; "
        "check the count; for each edge and gradient skip None, fit, add_to or one_of; let go; free unless retained. "
        "After the loop return walk.captured.",
    ),
    (Place("graph/engine.py", "run_backward"),),
    ("3.1", "3.2", "3.3", "3.4", "3.5"),
    WALK,
)

ONLY_TOWARDS = Task(
    "3.7",
    "Only towards the inputs asked for",
    """\
`autograd.grad(z, x)` need not run what does not lead to `x`. `passages_to` says which nodes do: of the nodes in
`order` (as a walk has them: a node before all that its edges lead to) return those that are in `asked`, and those
from which edges lead to one that is, however far, as a dictionary. The value says whether the node's rule has to run:
True if one of its edges leads to a node in the dictionary, else False. A node that was asked for and leads nowhere
further is in the dictionary with False: the gradient that enters it is all that is wanted.

Easily overlooked: what was asked for may itself lead to something else that was; a node of `asked` that is not in
`order` is not reached, and is left out.""",
    4,
    (
        "Which nodes can you tell at once? And if you know it of all that a node's edges lead to, what of the node?",
        "Go through the order from its end: when you come to a node, all behind it is decided.",
        "Begin with False for each node of the order that was asked for. Then, in reversed order, a node with an edge "
        "to a node in the dictionary is set to True there.",
    ),
    (Place("graph/watching.py", "passages_to"),),
    ("3.6",),
    TOWARDS,
)

ASSIGNMENT = Assignment(
    "A3",
    "The tape",
    (IN_ORDER, ADD_TO, INTO_GRAD, RECORD, SAVED_VALUES, THE_WALK, ONLY_TOWARDS),
    INTEGRATION,
    5,
    beneath=("A1", "A2"),
)
