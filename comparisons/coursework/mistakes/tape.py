"""Mistakes in the functions of ``assignments/tape.py``."""

from __future__ import annotations

from comparisons.coursework.mistakes.mistake import Mistake

__all__ = ["MISTAKES"]

ENGINE, SUMS = "graph/engine.py", "graph/accumulation.py"
NODES, WATCHING = "graph/function.py", "graph/watching.py"

MISTAKES = (
    # 3.1, in the place of counted dependencies
    Mistake(
        "E3",
        "3.1",
        ENGINE,
        "return sorted(turn, key=turn.__getitem__, reverse=True)",
        "return list(turn)",
        "nodes run in the order in which they are found: before all that flows into them has arrived",
    ),
    Mistake(
        "E5",
        "3.1",
        ENGINE,
        "return sorted(turn, key=turn.__getitem__, reverse=True)",
        "return sorted(turn, key=turn.__getitem__)",
        "the node made first runs first",
    ),
    Mistake(
        "E9",
        "3.1",
        ENGINE,
        "turn.get(next_node, number) >= number - 0.5:",
        "next_node not in turn:",
        "a leaf comes after the first of its users that is found, not after the last that runs",
    ),
    Mistake(
        "E10",
        "3.1",
        ENGINE,
        "        if node in turn:\n            continue\n        number",
        "        number",
        "what is behind a value is gone through once for each path to it",
    ),
    Mistake(
        "E11",
        "3.1",
        ENGINE,
        "            if type(next_node) is not AccumulateGrad:\n                if next_node is not None:\n"
        "                    found.append(next_node)\n",
        "            if next_node is None:\n                continue\n"
        "            if type(next_node) is not AccumulateGrad:"
        "\n                found.append(next_node)\n                break\n",
        "only the first operation among a node's inputs is followed",
    ),
    # 3.2
    Mistake(
        "E1",
        "3.2",
        SUMS,
        "        so_far += gradient\n    else:\n        waiting[output_nr] = so_far + gradient\n\n\ndef fitted",
        "        waiting[output_nr] = gradient\n    else:\n        waiting[output_nr] = gradient\n\n\ndef fitted",
        "'=' for '+=': the gradient that arrives last wins",
    ),
    Mistake(
        "E12",
        "3.2",
        SUMS,
        "elif type(so_far) is ndarray and so_far.base is None and sys.getrefcount(so_far) <= ALONE_WAITING:",
        "elif type(so_far) is ndarray:",
        "added in place also where another node, or the caller, holds the array",
    ),
    Mistake(
        "E13",
        "3.2",
        SUMS,
        "type(so_far) is ndarray and so_far.base is None and sys",
        "type(so_far) is ndarray and sys",
        "added in place to a part of an array that somebody else holds",
    ),
    Mistake(
        "E14",
        "3.2",
        SUMS,
        "    so_far = waiting[output_nr]\n    if so_far is None:",
        "    output_nr = 0\n    so_far = waiting[output_nr]\n    if so_far is None:",
        "the gradients of all outputs of a node are added up at the first",
    ),
    # 3.3
    Mistake(
        "E2",
        "3.3",
        SUMS,
        "leaf._grad.array += gradient",
        "leaf._grad.array[...] = gradient",
        "a second backward overwrites .grad",
    ),
    Mistake(
        "E6",
        "3.3",
        ENGINE,
        "        if sys.getrefcount(gradient) > ALONE or gradient.base is not None:\n"
        "            gradient = own_memory(gradient)\n",
        "",
        ".grad is an array that another leaf, or the caller, has too",
    ),
    Mistake(
        "E15",
        "3.3",
        SUMS,
        "        leaf._grad.array += gradient\n",
        "        leaf._grad = wrap(leaf._grad.array + gradient)\n",
        "a second backward makes another .grad: who holds the first does not see the sum",
    ),
    Mistake(
        "E16",
        "3.3",
        SUMS,
        "if leaf._grad is None else leaf._grad + gradient",
        "if leaf._grad is None else leaf._grad.add_(gradient)",
        "a sum that is recorded is written into the .grad that is there",
    ),
    Mistake(
        "E26",
        "3.3",
        SUMS,
        "leaf._grad = leaf.new_empty(leaf.shape).copy_(gradient) if leaf._grad is None",
        "leaf._grad = gradient if leaf._grad is None",
        "the first gradient that is recorded becomes .grad itself: who changes one changes both",
    ),
    Mistake(
        "E17",
        "3.3",
        ENGINE,
        "    if leaf._hooks is not None or node.around is not None:\n"
        "        return grad_mode.walk.run_watched_leaf(node, [gradient])\n",
        "",
        "hooks of leaves are not called",
    ),
    # 3.4
    Mistake(
        "F1",
        "3.4",
        NODES,
        "        if not grad_mode.enabled:\n            return cls.compute(inputs, options)\n        arrays",
        "        arrays",
        "no_grad is ignored: everything is recorded",
    ),
    Mistake(
        "F4",
        "3.4",
        NODES,
        "                leaf_node = value._accumulate_grad()\n                if leaf_node is None:",
        "                leaf_node = None\n                if leaf_node is None:",
        "a leaf gets another node with each use",
    ),
    Mistake(
        "F5",
        "3.4",
        NODES,
        "edges.append((value.grad_fn, value.output_nr, value._version_counter))",
        "edges.append((value.grad_fn, 0, value._version_counter))",
        "every edge leads to the first output of the node",
    ),
    Mistake(
        "F6",
        "3.4",
        NODES,
        "            if not value._requires_grad:\n                edges.append((None, 0, value._version_counter))",
        "            if not value._requires_grad:\n                edges.append(NO_EDGE)",
        "changes of a constant that was saved are not counted",
    ),
    Mistake(
        "F7",
        "3.4",
        NODES,
        "                    value._accumulate_grad = weakref.ref(leaf_node)\n",
        "                    value._accumulate_grad = lambda leaf_node=leaf_node: leaf_node\n",
        "a leaf keeps its node alive, in a cycle",
    ),
    # 3.5
    Mistake(
        "E4",
        "3.5",
        NODES,
        "        if self._saved and self.needs_input_grad != self.saves_nothing_for:\n            self._saved = None",
        "        pass",
        "what was saved is never freed: a second backward runs",
    ),
    Mistake(
        "F2",
        "3.5",
        NODES,
        "        if VersionCounter.latest > self.sequence_number:\n            self.check_versions()\n",
        "",
        "a saved value that was changed in place goes unnoticed",
    ),
    Mistake(
        "F8",
        "3.5",
        NODES,
        "                if counter.changed > saved_at:",
        "                if counter.changed:",
        "a value that was changed before it was saved is refused",
    ),
    Mistake(
        "F9",
        "3.5",
        NODES,
        "                    raise detached_since(self, value)",
        "                    continue",
        "a saved value that was detached in place goes unnoticed",
    ),
    Mistake(
        "F10",
        "3.5",
        NODES,
        "        if self._saved and self.needs_input_grad != self.saves_nothing_for:\n            self._saved = None",
        "        self._saved = None",
        "a node that saved nothing cannot run twice",
    ),
    Mistake(
        "F11",
        "3.5",
        NODES,
        "            for source in value.sources if type(value) is Given else (value,):",
        "            for source in (value,):",
        "an index that was changed since goes unnoticed",
    ),
    # 3.6; what the engine sums to an input's shape took the place of the rules' unbroadcast
    Mistake(
        "E8",
        "3.6",
        ENGINE,
        "grad_mode.enabled, grad_mode.walk, grad_mode.walked = create_graph, walk, True",
        "grad_mode.enabled, grad_mode.walk, grad_mode.walked = False, walk, True",
        "create_graph is ignored: no second derivative",
    ),
    Mistake(
        "E27",
        "3.6",
        ENGINE,
        "            if grad.shape != shape or grad.dtype is not kind:",
        "            if False:",
        "gradients are not summed to the shape of the input that was broadcast",
    ),
    Mistake(
        "E18",
        "3.6",
        ENGINE,
        "            if grad.shape != shape or grad.dtype is not kind:",
        "            if grad.shape != shape:",
        "a gradient keeps the type of the result where the input has another",
    ),
    Mistake(
        "E19",
        "3.6",
        ENGINE,
        "            if target in arrived:  # two paths lead from there to the result: two terms\n"
        "                add_to(arrived[target], output_nr, grad)\n            else:\n"
        "                arrived[target] = ",
        "            if True:\n                arrived[target] = ",
        "of several paths to a value one counts",
    ),
    Mistake(
        "E20",
        "3.6",
        ENGINE,
        "        if not retain_graph:\n            node.free()",
        "        node.free()",
        "retain_graph is ignored",
    ),
    Mistake(
        "E21",
        "3.6",
        ENGINE,
        "    retain_graph = create_graph if retain_graph is None else retain_graph",
        "    retain_graph = bool(retain_graph)",
        "what create_graph recorded is freed",
    ),
    Mistake(
        "E22",
        "3.6",
        ENGINE,
        "        if walk.watched or incoming is None or not node.plain:",
        "        if walk.watched or incoming is None:",
        "hooks around operations are not called",
    ),
    # 3.7
    Mistake(
        "E23",
        "3.7",
        WATCHING,
        "    passages = {node: False for node in order if node in asked}\n",
        "    passages = {node: False for node in order}\n",
        "everything is run, whatever was asked for",
    ),
    Mistake(
        "E24",
        "3.7",
        WATCHING,
        "    for node in reversed(order):  # what",
        "    for node in order:  # what",
        "only what leads directly to what was asked for is found",
    ),
    Mistake(
        "E25",
        "3.7",
        WATCHING,
        "                passages[node] = True\n    return",
        "                passages.setdefault(node, True)\n    return",
        "nothing behind a value that was asked for is reached",
    ),
)
