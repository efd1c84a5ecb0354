"""Changes that change nothing in the functions of ``assignments/tape.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "graph/engine.py: in_order",
        "turn[next_node] = number - 0.5",
        "turn[next_node] = number",
        "a leaf with its last user's number stands behind it too: it is put in later, and sorting keeps the order of "
        "equals",
    ),
    Equivalent(
        "graph/accumulation.py: add_to",
        "if type(so_far) is Future or type(gradient) is Future:",
        "if True:",
        "a sum has the same values in new memory; nobody else sees the array that is written into otherwise",
    ),
    *[
        Equivalent(
            "graph/accumulation.py: add_to",
            "if type(so_far) is ndarray and so_far.base is None and (sys.getrefcount(so_far) <= ALONE_WAITING):",
            new,
            "a sum has the same values in new memory; nobody else sees the array that is written into otherwise",
        )
        for new in (
            "if type(so_far) is ndarray and so_far.base is None and (sys.getrefcount(so_far) < ALONE_WAITING):",
            "if False:",
        )
    ],
    Equivalent(
        "graph/engine.py: run_leaf",
        "if leaf._grad is not None or gradient.dtype is not leaf.array.dtype or leaf._strided or (not "
        "leaf._requires_grad):",
        "if True:",
        "add_to_grad does it too, and copies where it need not",
    ),
    *[
        Equivalent(
            "graph/engine.py: run_leaf",
            "if sys.getrefcount(gradient) > ALONE or gradient.base is not None:",
            new,
            "own_memory looks itself whether the array is anybody else's, and copies it at most",
        )
        for new in (
            "if True:",
            "if sys.getrefcount(gradient) >= ALONE or gradient.base is not None:",
        )
    ],
    Equivalent(
        "graph/engine.py: run_leaf",
        "leaf._accumulations += 1",
        "leaf._accumulations = 1",
        "setting .grad sets the count to 0: it is 0 wherever .grad is None",
    ),
    Equivalent(
        "graph/function.py: Function.apply",
        "output = node.forward(*arrays, **options) if options else node.forward(*arrays)",
        "output = node.forward(*arrays, **options)",
        "no options are passed on as none",
    ),
    Equivalent(
        "graph/function.py: Function.saved_tensors",
        "if VersionCounter.latest > self.sequence_number:",
        "if VersionCounter.latest >= self.sequence_number:",
        "a change and a node never have the same number of the one clock",
    ),
    Equivalent(
        "graph/function.py: Function.saved_tensors",
        "if VersionCounter.latest > self.sequence_number:",
        "if True:",
        "where nothing was changed since, the closer look finds nothing",
    ),
    Equivalent(
        "graph/function.py: Function.saved_tensors",
        "if grad_mode.enabled or self.packed or self.receives_tensors:",
        "if True:",
        "restored() asks the same, and gives what was saved where nothing is to be restored",
    ),
    Equivalent(
        "graph/function.py: Function.check_versions",
        "if counter.changed > saved_at:",
        "if counter.changed >= saved_at:",
        "a change and a node never have the same number of the one clock",
    ),
    Equivalent(
        "graph/function.py: Function.check_versions",
        "continue",
        "pass",
        "what has an origin is an array: in it no tensor is found to be looked at",
    ),
    Equivalent(
        "graph/function.py: Function.check_versions",
        "if isinstance(source, Tensor) and source._version_counter.changed > self.sequence_number:",
        "if isinstance(source, Tensor) and source._version_counter.changed >= self.sequence_number:",
        "a change and a node never have the same number of the one clock",
    ),
    Equivalent(
        "graph/engine.py: run_backward",
        "if walk.watched or incoming is None or (not node.plain):",
        "if True:",
        "run_watched does with a plain node what the loop does, and finds nobody who watches",
    ),
    Equivalent(
        "graph/engine.py: run_backward",
        "if len(outgoing) != len(node.edges):",
        "if True:",
        "checked_count gives back what has the right count",
    ),
    Equivalent(
        "graph/engine.py: run_backward",
        "if grad.shape != shape or grad.dtype is not kind:",
        "if True:",
        "fitted gives back what fits",
    ),
    Equivalent(
        "graph/engine.py: run_backward",
        "arrived[target] = [grad] if len(target.outputs) == 1 else one_of(target, output_nr, grad)",
        "arrived[target] = one_of(target, output_nr, grad)",
        "for a node of one output it makes the same list of one gradient",
    ),
)
