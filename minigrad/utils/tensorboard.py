"""SummaryWriter: what a training tells, written for TensorBoard, whose package this one file needs.

Scalars, histograms, images, figures, texts and graphs are written as PyTorch's SummaryWriter writes them.
"""

from __future__ import annotations

import io
import os
import re
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import numpy as np

from minigrad import Tensor, get_rng_state, nn
from minigrad.jit.graph import Names
from minigrad.jit.recording import seen
from minigrad.jit.tracing import trace

try:
    from tensorboard.compat.proto.config_pb2 import RunMetadata
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
except ImportError:
    raise ImportError("SummaryWriter needs the package tensorboard: pip install 'minigrad[tensorboard]'") from None

__all__ = ["SummaryWriter"]

writer = sys.modules[f"{__name__}.writer"] = sys.modules[__name__]  # PyTorch's stands in a file below


Step = int | None
Time = float | None  # seconds since 1970; None: now


@dataclass(eq=False, repr=False)
class SummaryWriter:
    """Writes a file of events in a folder, which ``tensorboard --logdir`` shows.

    What PyTorch's has besides (embeddings, curves, hyperparameters, videos, sounds, meshes) is refused.

    Args:
        log_dir: the folder. Default: one in ``runs`` with the time and the machine's name.
        comment: what follows these in the default's name.
        purge_step: events from this step on, of an earlier run in the folder, are hidden.
        max_queue: how many events may wait to be written.
        flush_secs: how many seconds they may wait.
        filename_suffix: the end of the file's name.
    """

    log_dir: Any = None
    comment: str = ""
    purge_step: int | None = None
    max_queue: int = 10
    flush_secs: float = 120
    filename_suffix: str = ""

    def __post_init__(self) -> None:
        if not self.log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            self.log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{self.comment}")
        self.all_writers: dict[str, Any] = {}  # by their folders: that of the run, and one a line of add_scalars
        self._writer()

    def _writer(self, folder: str = "") -> Any:
        """What writes to a folder, that of the run unless told; made anew after ``close``."""
        place = folder or str(self.log_dir)
        if place not in self.all_writers:
            writer = EventFileWriter(place, self.max_queue, self.flush_secs, self.filename_suffix)
            self.all_writers[place] = writer
            if self.purge_step is not None and not folder:
                start = Event(session_log=SessionLog(status=SessionLog.START))
                for event in (Event(file_version="brain.Event:2"), start):
                    add_event(writer, event, self.purge_step, None)
                self.purge_step = None
        return self.all_writers[place]

    def _add(self, value: Any, step: Any, walltime: Time, folder: str = "") -> None:
        add_event(self._writer(folder), Event(summary=Summary(value=[value])), step, walltime)

    def get_logdir(self) -> Any:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Step = None,
        walltime: Time = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A number, or a tensor with one, at a step; in the newer style as a tensor, on demand of float64.

        Raises:
            AssertionError: there are several numbers.
            NotImplementedError: it is neither number, array nor tensor.
        """
        number = one_number(scalar_value)
        if not new_style:
            self._add(Summary.Value(tag=tag, simple_value=number), global_step, walltime)
            return
        kind = "double" if double_precision else "float"
        tensor = TensorProto(dtype=f"DT_{kind.upper()}", **{f"{kind}_val": [number]})
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
        self._add(Summary.Value(tag=tag, tensor=tensor, metadata=metadata), global_step, walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: Step = None, walltime: Time = None
    ) -> None:
        """Several numbers by name, as lines of one plot: each line is a run of its own, in a folder below.

        Raises:
            AssertionError, NotImplementedError: as :meth:`add_scalar`.
        """
        walltime = time.time() if walltime is None else walltime
        for tag, scalar_value in tag_scalar_dict.items():
            folder = f"{self._writer().get_logdir()}/{main_tag.replace('/', '_')}_{tag}"
            value = Summary.Value(tag=main_tag, simple_value=one_number(scalar_value))
            self._add(value, global_step, walltime, folder)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Step = None,
        bins: Any = "tensorflow",
        walltime: Time = None,
        max_bins: int | None = None,
    ) -> None:
        """How often the elements of a tensor of any shape fall into which bin: TensorBoard's, or as ``np.histogram``'s.

        Raises:
            ValueError: there is no element.
            NotImplementedError: it is neither array nor tensor.
        """
        self._add(Summary.Value(tag=tag, histo=histogram(as_array(values), bins, max_bins)), global_step, walltime)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: Step = None, walltime: Time = None, dataformats: str = "CHW"
    ) -> None:
        """A picture: uint8 from 0 to 255, or floating from 0 to 1. Shape: (3, H, W) or (1, H, W), or as ``dataformats``
        says: "HWC", "HW", "NCHW" …

        Raises:
            AssertionError: the shape is not of this format.
            NotImplementedError: it is neither array nor tensor.
        """
        self._add(Summary.Value(tag=tag, image=picture(as_array(img_tensor), dataformats)), global_step, walltime)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: Step = None, walltime: Time = None, dataformats: str = "NCHW"
    ) -> None:
        """Pictures in a grid, eight a row: :meth:`add_image`. Shape: (N, 3, H, W) or (N, 1, H, W).

        Raises:
            AssertionError: the shape is not of this format.
        """
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self, tag: str, figure: Any, global_step: Step = None, close: bool = True, walltime: Time = None
    ) -> None:
        """A figure of Matplotlib's, or several, as a picture; it is closed unless told."""
        several = isinstance(figure, list)
        drawn = [drawn_figure(each, close) for each in (figure if several else [figure])]
        pixels, dataformats = (np.stack(drawn), "NHWC") if several else (drawn[0], "HWC")
        self.add_image(tag, pixels, global_step, walltime, dataformats)

    def add_text(self, tag: str, text_string: str, global_step: Step = None, walltime: Time = None) -> None:
        """A text in Markdown."""
        content = TextPluginData(version=0).SerializeToString()
        plugin = SummaryMetadata.PluginData(plugin_name="text", content=content)
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype="DT_STRING", string_val=[text_string.encode()], tensor_shape=shape)
        metadata = SummaryMetadata(plugin_data=plugin)
        self._add(Summary.Value(tag=f"{tag}/text_summary", tensor=tensor, metadata=metadata), global_step, walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The operations of a module, as ``minigrad.jit.trace`` finds them: each box is a module (:class:`Drawing`).

        The module runs in evaluation mode, and is then, with all in it, in the mode that it was in itself.

        Args:
            model: the module, or a program of one.
            input_to_model: tensors to call it with: one, or a tuple or list of them.
            verbose: print the graph too.
            use_strict_trace: refuse a module that returns a dictionary; else its values are drawn as a tuple's.

        Raises:
            AttributeError: it is no module.
            RuntimeError: there is no input, or the module cannot be traced or fails.
            TypeError: the input is no tensors.
        """
        if not isinstance(model, nn.Module):
            raise AttributeError(f"add_graph draws a module, not {type(model).__name__}")
        if input_to_model is None:
            raise RuntimeError("add_graph runs the module: give it input_to_model, a tensor or a tuple of tensors")
        program = traced(model, input_to_model, use_strict_trace)
        if verbose:
            print(program.graph)
        graph = GraphDef(node=Drawing(program).nodes.values(), versions={"producer": 22})
        stats = RunMetadata(step_stats={"dev_stats": [{"device": "/device:CPU:0"}]}).SerializeToString()
        told = {"tag": "step1", "run_metadata": stats}
        for event in (Event(graph_def=graph.SerializeToString()), Event(tagged_run_metadata=told)):
            add_event(self._writer(), event, None, None)

    def __getattr__(self, name: str) -> Any:
        if name in INSTEAD:
            return lambda *args, **kwargs: refuse(name)
        raise AttributeError(f"'SummaryWriter' object has no attribute '{name}'")

    def flush(self) -> None:
        """Write what waits."""
        for writer in self.all_writers.values():
            writer.flush()

    def close(self) -> None:
        """Write what waits, and close the files. What is added afterwards goes to new ones."""
        for writer in self.all_writers.values():
            writer.close()
        self.all_writers = {}

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


# What PyTorch's writer has besides, and what there is in its place.
INSTEAD = dict.fromkeys(["add_audio", "add_embedding", "add_mesh"], "") | {
    "add_custom_scalars": "use add_scalars",
    "add_hparams": "use add_text and add_scalar",
    "add_onnx_graph": "use add_graph",
    "add_pr_curve": "draw it with Matplotlib and use add_figure",
    "add_video": "use add_images",
}


def refuse(name: str) -> NoReturn:
    """Raise a NotImplementedError that says what to use."""
    raise NotImplementedError(f"minigrad's SummaryWriter has no {name}" + f": {INSTEAD[name]}" * bool(INSTEAD[name]))


def add_event(writer: Any, event: Any, step: Any, walltime: Time) -> None:
    """Give an event to what writes it."""
    event.wall_time = time.time() if walltime is None else walltime
    if step is not None:
        event.step = int(step)
    writer.add_event(event)


def traced(model: Any, inputs: Any, strict: bool) -> Any:
    """The program of a module in evaluation mode."""
    training, state = model.training, get_rng_state()
    hook = model.register_forward_hook(
        lambda module, given, made: tuple(made.values()) if isinstance(made, dict) and not strict else None
    )
    try:
        program = trace(model.eval(), inputs, check_trace=False)
        if not state.equal(get_rng_state()):
            run_again(model, inputs)
    finally:
        hook.remove()
        model.train(training)
    return program


def run_again(model: Any, inputs: Any) -> None:
    """Draw the random numbers that a module draws where PyTorch's trace is checked, by three runs more."""
    for _ in range(3):
        model(*([inputs] if isinstance(inputs, Tensor) else inputs))


class Drawing:
    """A module's program as TensorBoard's nodes: each one's name begins with the modules in which it stands.

    Operations stand where they are called, parameters where they are kept, constants with those that take them.

    Attributes:
        nodes: TensorBoard's, by name.
        titles: of each module, by its path, what it is called, such as ``Linear[0]``.
        made: of each value the name of TensorBoard's node; of a constant the program's node; of a module where it
            stands, such as ``Net/Sequential[layers]``, and the module.
    """

    def __init__(self, program: Any) -> None:
        graph = program.inlined_graph
        self.names = Names(graph).names
        modules = program.named_modules(remove_duplicate=False)
        titles = {path: f"{each.original_name}[{path.rpartition('.')[2]}]" for path, each in modules}
        self.titles = titles | {"": program.original_name}
        self.made: dict[Any, Any] = {graph.inputs[0]: (program.original_name, program)}
        self.nodes: dict[str, Any] = {}
        taken = {*graph.all_values()}
        for value in graph.inputs[1:]:
            if value in taken:
                self.made[value] = self.add(f"input/{self.names[value]}", "IO Node", [], value)
        for node in graph.nodes:
            self.draw(node)
        for number, value in enumerate(graph.outputs, 1):
            self.add(f"output/output.{number}", "IO Node", [self.place(value, program.original_name)], value)

    def draw(self, node: Any) -> None:
        """Add an operation, a parameter or a buffer; note a module or a constant."""
        where, inputs = "/".join([self.titles[path] for path in ("", *node.scope)]), []
        if node.kind == "prim::Constant":
            self.made[node.output] = node
            return
        if node.kind == "prim::GetAttr":
            (where, owner), name = self.made[node.inputs[0]], node.attributes["name"]
            found = getattr(owner, name)
            if isinstance(found, nn.Module):
                self.made[node.output] = f"{where}/{found.original_name}[{name}]", found
                return
            where = f"{where}/{name}"
            node.output.seen = seen(found) if isinstance(found, Tensor) else ""
        else:
            inputs = [self.place(each, where) for each in node.inputs]
        for value in node.outputs:
            self.made[value] = self.add(f"{where}/{self.names[value]}", node.kind, inputs, value, node.attributes)

    def place(self, value: Any, where: str) -> str:
        """The name of the node of a value that is taken here; a constant is added here."""
        made = self.made[value]
        if isinstance(made, str):
            return made
        return self.add(f"{where}/{self.names[value]}", made.kind, [], value, made.attributes)

    def add(self, name: str, kind: str, inputs: list[str], value: Any, attributes: Any = "") -> str:
        """Add the node that makes a value; its name."""
        node = self.nodes[name] = NodeDef(name=name, op=kind, input=inputs)
        node.attr["attr"].s = str(attributes).replace("'", " ").encode()
        if value.seen:
            sizes = re.findall(r"\d+", value.seen.partition("(")[2])
            node.attr["_output_shapes"].list.shape.add(dim=[{"size": int(size)} for size in sizes])
        return name


def as_array(value: Any) -> np.ndarray:
    """A tensor, an array or a number as an array.

    Raises:
        NotImplementedError: it is none of these.
    """
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if not np.isscalar(value) and not hasattr(value, "__array__"):
        raise NotImplementedError(f"Got {type(value)}, but numpy array or minigrad tensor are expected.")
    return np.asarray(value)


def one_number(value: Any) -> float:
    """The one number that a value is or holds."""
    array = as_array(value)
    if array.size != 1:
        raise AssertionError(
            f"Tensor should contain one element (0 dimensions). Was given size: {array.size} and {array.ndim} "
            f"dimensions."
        )
    return float(array.item())


def default_bins() -> list[float]:
    """TensorBoard's bins: each a tenth wider than the one before, on both sides of 0."""
    edges, edge = [], 1e-12
    while edge < 1e20:
        edges.append(edge)
        edge *= 1.1
    return [-each for each in reversed(edges)] + [0.0] + edges


def histogram(values: np.ndarray, bins: Any, max_bins: int | None) -> Any:
    """The bins between the first and the last that are not empty, with an empty one before them."""
    if values.size == 0:
        raise ValueError("The input has no element.")
    values = values.astype(float).reshape(-1)
    bins = default_bins() if isinstance(bins, str) and bins == "tensorflow" else bins
    counts, limits = np.histogram(values, bins=bins)
    if max_bins is not None and len(counts) > max_bins:  # so many of them as one
        joined = len(counts) // max_bins
        rest = len(counts) % joined
        counts = np.pad(counts, (0, joined - rest if rest else 0)).reshape(-1, joined).sum(axis=-1)
        limits = np.append(limits[:-1:joined], limits[-1])
    filled = np.flatnonzero(counts)
    start, end = int(filled[0]), int(filled[-1]) + 1
    counts = counts[start - 1 : end] if start else np.append(0, counts[:end])
    told = {"min": values.min(), "max": values.max(), "num": len(values)}
    told |= {"sum": values.sum(), "sum_squares": values.dot(values)}
    return HistogramProto(**told, bucket_limit=limits[start : end + 1].tolist(), bucket=counts.tolist())


def picture(array: np.ndarray, dataformats: str) -> Any:
    """An array of this format as a PNG file."""
    from PIL import Image  # TensorBoard brings it along

    array = in_rows(array, dataformats.upper())
    scale = 1 if array.dtype == np.uint8 else 255
    pixels = (array.astype(np.float32) * scale).clip(0, 255).astype(np.uint8)
    height, width, channels = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=file.getvalue())


def in_rows(array: np.ndarray, format: str) -> np.ndarray:
    """An array as (H, W, C) with three channels or four; several pictures in a grid."""
    if len(set(format)) != len(format):
        raise AssertionError(f"You can not use the same dimension shorthand twice. input_format: {format}")
    if array.ndim != len(format):
        raise AssertionError(
            f"size of input tensor and input format are different. tensor shape: {array.shape}, input_format: {format}"
        )
    if len(format) == 2:
        array, format = array[..., None], f"{format}C"
    array = array.transpose([format.index(each) for each in ("NHWC" if len(format) == 4 else "HWC")])
    if array.shape[-1] == 1:
        array = np.concatenate([array] * 3, axis=-1)
    return in_grid(array) if array.ndim == 4 else array


def in_grid(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) as one picture with eight a row; what is left of the last row is black."""
    count, height, width, channels = pictures.shape
    if channels != 3:
        raise AssertionError("Input should be a 4D numpy array with 3 channels")
    columns = min(count, 8)
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, channels), pictures.dtype)
    grid[:count] = pictures
    grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, channels)


def drawn_figure(figure: Any, close: bool) -> np.ndarray:
    """A figure of Matplotlib's as (H, W, 3)."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    if close:
        plt.close(figure)
    return pixels
