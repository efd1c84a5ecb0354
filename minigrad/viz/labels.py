"""What stands in a box, and what its tooltip tells."""

from __future__ import annotations

from minigrad.viz.parts import TraceNode, shape_text
from minigrad.viz.summary import Summary
from minigrad.viz.telling import is_number, short_file

__all__ = ["cut", "lines_of", "shape_lines", "tooltip_of"]

OUTPUTS_SHOWN = 4  # of an operation with more outputs, the shapes of the first ones
VALUES_SHOWN = 4
DIGITS = 4
LONGEST = 60  # of a line


def lines_of(
    node: TraceNode, *, values: bool, grads: bool, inside: str = "", arrived: Summary | None = None
) -> tuple[str, ...]:
    """The lines of a node's box: its name, what it is, what comes out of it, values and gradient.

    ``inside`` names the module that it is all of, ``arrived`` is the gradient of what an operation gave.
    """
    lines = [inside] if inside else []
    name = node.label or node.variable
    if name and name != inside:
        lines.append(name)
    if is_number(node):
        return (*lines, str(node.value))
    if node.kind == "constant":
        if not name:
            lines.append("constant")
        if node.value is not None:
            lines.append(f"{shape_text(node.value.shape)} {node.value.dtype}")
    else:
        if node.kind != "output" or not name:
            lines.append(node.name)
        lines += shape_lines(node)
    told = node.value if values else None
    if told is not None and told.values and not told.shape and node.kind == "operation":
        lines[-1] = value_line(told)
    elif told is not None and told.values and (node.kind != "operation" or len(told.values) <= VALUES_SHOWN):
        lines.append(value_line(told))
    grad = arrived if node.grad is None else node.grad
    if grads and grad is not None:
        lines.append(f"grad {grad if isinstance(grad, str) else few(grad)}")
    return tuple([cut(line) for line in lines])


def shape_lines(node: TraceNode) -> list[str]:
    """What comes out of a node; of a tensor the type too."""
    if node.kind != "operation":
        return [f"{shape_text(shape)} {dtype}" for shape, dtype in zip(node.shapes, node.dtypes)]
    if len(node.shapes) == 1:
        return [shape_text(node.shapes[0])]
    lines = [f"output {index}: {shape_text(shape)}" for index, shape in enumerate(node.shapes[:OUTPUTS_SHOWN])]
    if len(node.shapes) > OUTPUTS_SHOWN:
        lines.append(f"and {len(node.shapes) - OUTPUTS_SHOWN} more outputs")
    return lines


def value_line(value: Summary) -> str:
    return f"value{'s' if value.shape else ''} {few(value)}"


def few(value: Summary) -> str:
    """Few values one by one, of many how large they are."""
    if not value.known:
        return "not known"
    if value.norm is None and len(value.values) <= VALUES_SHOWN:
        return ", ".join([short(each) for each in value.values])
    if value.norm is None:
        head = ", ".join([short(each) for each in value.values[: VALUES_SHOWN - 1]])
        return f"{head}, …"
    bounds = [f"norm {short(value.norm)}" if value.min is None else f"{short(value.min)} to {short(value.max)}"]
    return ", ".join([*bounds, *value.counts()])


def short(value: float | str | None) -> str:
    """A number in few digits."""
    return f"{value:.{DIGITS}g}" if type(value) is float else str(value)


def cut(line: str) -> str:
    """``line``, or its beginning."""
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def tooltip_of(node: TraceNode) -> str:
    """What is known of a node."""
    told = [str(node) if node.label or not node.variable else f"{node} ({node.variable})"]
    if node.formula:
        told.append(node.formula)
    if node.line is not None:
        told.append(f"{short_file(node.file)}:{node.line}")
    if node.kind != "constant" and node.value is not None:
        told.append(f"value {node.value}")
    if node.grad is not None:
        told.append(f"grad {node.grad}")
    if node.saved_bytes:
        told.append(f"saves {node.saved_bytes} bytes" + (f": {', '.join(node.saved)}" if node.saved else ""))
    return "\n".join(told)
