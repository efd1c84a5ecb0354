"""What minigrad's SummaryWriter writes for TensorBoard: the events that PyTorch's writes."""

import importlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import minigrad
import torch_impl.models

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore")  # TensorBoard's own
Image = pytest.importorskip("PIL.Image")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader  # noqa: E402
from torch.utils.tensorboard import SummaryWriter as Theirs  # noqa: E402

from minigrad.utils.tensorboard import SummaryWriter as Ours  # noqa: E402


def told(value):
    """What an event says, its picture decoded: two versions of a library may pack it otherwise."""
    pixels = None
    if value.HasField("image"):
        pixels = np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string))).tolist()
        value.image.encoded_image_string = b""
    return str(value), pixels


def written(writer_class, e, folder, act, **options):
    """The events of every file below ``folder``, the older first, by the file's folder there."""
    with writer_class(folder, **options) as writer:
        assert str(writer.get_logdir()) == str(folder)
        act(e, writer)
    found = {}
    for path in sorted(folder.rglob("events*"), key=lambda path: path.stat().st_mtime_ns):
        events = [event for event in LegacyEventFileLoader(str(path)).Load() if not event.HasField("source_metadata")]
        found.setdefault(str(path.parent.relative_to(folder)), []).extend(
            (event.step, event.file_version, str(event.session_log), [told(value) for value in event.summary.value])
            for event in events
        )
    return dict(sorted(found.items()))


def scalars(e, writer):
    writer.add_scalar("loss", 0.5, 1)
    writer.add_scalar("loss", e.tensor(0.25, requires_grad=True), e.tensor(2))
    writer.add_scalar("a/b", np.float32(3), new_style=True)
    writer.add_scalar("a/c", e.ones(1, 1), 4, new_style=True, double_precision=True)
    writer.add_scalars("both/of", {"train": 1, "valid": e.tensor(2.0)}, 5)


def histograms(e, writer):
    values = e.tensor(np.sin(np.arange(-6, 7, dtype=np.float32)) * 3)
    writer.add_histogram("weights", values.view(1, 13), 1)
    writer.add_histogram("few", values.double(), 2, bins=3)
    writer.add_histogram("joined", np.linspace(0, 1, 50), bins="auto", max_bins=3)
    writer.add_histogram("above", e.ones(3))
    writer.add_histogram("edges", np.array([0.5, 2]), bins=[0, 1, 3])


def images(e, writer):
    rows = e.arange(24.0).view(2, 3, 4) / 30 - 0.05
    writer.add_image("gray", rows[:1], 1)
    writer.add_image("bytes", (rows * 255).clamp(0, 255).to(e.uint8)[0], dataformats="HW")
    writer.add_image("last", e.ones(2, 3, 4).numpy() / 2, dataformats="HWC")
    writer.add_images("grid", e.arange(540.0).view(10, 3, 6, 3) / 540, 2)
    writer.add_images("grays", e.ones(3, 1, 2, 2) / 2, 2)


def figures(e, writer):
    plt = pytest.importorskip("matplotlib.pyplot")
    for tag, count in (("one", 1), ("two", 2)):
        drawn = [plt.figure(figsize=(1, 1)) for _ in range(count)]
        drawn[0].add_subplot().plot([1, 2])
        writer.add_figure(tag, drawn[0] if count == 1 else drawn, 3)
    assert not plt.get_fignums()


def texts(e, writer):
    writer.add_text("notes", "*größer*", 2)
    writer.flush()
    writer.close()
    writer.add_text("after", "closed")


@pytest.mark.parametrize("act", [scalars, histograms, images, figures, texts], ids=lambda act: act.__name__)
def test_events(act, tmp_path):
    ours = written(Ours, minigrad, tmp_path / "ours", act)
    assert ours == written(Theirs, torch, tmp_path / "theirs", act)
    assert any(value for events in ours.values() for *_, values in events for value in values)


def test_a_run_that_goes_on(tmp_path):
    options = {"purge_step": 3, "filename_suffix": ".again"}
    act = lambda e, writer: writer.add_scalar("loss", 1, 3)  # noqa: E731
    found = [
        written(kind, e, tmp_path / kind.__module__, act, **options) for kind, e in ((Ours, minigrad), (Theirs, torch))
    ]
    assert found[0] == found[1]
    assert list(tmp_path.rglob("*.again"))


def test_the_default_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Ours(comment="_slow").close()
    assert [path.name.endswith("_slow") for path in (tmp_path / "runs").iterdir()] == [True]


@pytest.mark.parametrize(
    ("error", "act"),
    [
        (NotImplementedError, lambda writer: writer.add_scalar("loss", [1])),
        (AssertionError, lambda writer: writer.add_scalar("loss", np.ones(2))),
        (ValueError, lambda writer: writer.add_histogram("weights", np.ones(0))),
        (AssertionError, lambda writer: writer.add_image("image", np.ones((2, 2)))),
        (AssertionError, lambda writer: writer.add_images("images", np.ones((1, 2, 2, 2)))),
        (AssertionError, lambda writer: writer.add_image("image", np.ones((2, 2)), dataformats="HH")),
        (NotImplementedError, lambda writer: writer.add_video("video", np.ones((1, 1, 3, 2, 2)))),
        (AttributeError, lambda writer: writer.add_nothing()),
    ],
)
def test_refused(error, act, tmp_path):
    with Ours(tmp_path) as writer, pytest.raises(error):
        act(writer)


# ------------------------------------------------------------------------------------------- graphs


def mlp(e):
    return e.nn.Sequential(e.nn.Linear(6, 4), e.nn.ReLU(), e.nn.Dropout(), e.nn.Linear(4, 3)), e.ones(5, 6)


def cnn(e):
    class Net(e.nn.Module):
        def __init__(self):
            super().__init__()
            layers = [e.nn.Conv2d(1, 4, 3), e.nn.BatchNorm2d(4), e.nn.ReLU(), e.nn.MaxPool2d(2), e.nn.Dropout2d()]
            self.features = e.nn.Sequential(*layers)
            self.heads = e.nn.ModuleList([e.nn.Linear(36, 3)])
            self.last = self.heads[0]  # in two places
            self.features[1].eval()

        def forward(self, x, unused=None):
            features = self.features(x).flatten(1)
            noise = e.randn(2, 3)
            return self.heads[0](features) + noise

    return Net(), e.ones(2, 1, 8, 8)


def residual(e):
    block = (torch_impl if e is torch else minigrad).models.ResidualBlock
    return e.nn.Sequential(block(3, 8, stride=2), block(8, 8)), e.ones(1, 3, 8, 8)


# What PyTorch's layers call in C++, below the function that its users and minigrad's call.
RENAMED = {"aten::_convolution": "aten::conv2d", "aten::feature_dropout": "aten::dropout2d"}


def shape_of(node):
    return [[each.size for each in shape.dim] for shape in node.attr["_output_shapes"].list.shape]


def graph(writer_class, folder, model, inputs, **options):
    """The nodes that TensorBoard reads."""
    with writer_class(folder) as writer:
        writer.add_graph(model, inputs, **options)
    return EventAccumulator(str(folder)).Reload().Graph().node


def drawn(writer_class, e, folder, make):
    """What a graph shows: where there are nodes, the shapes of what goes in and out, what is computed in which order
    and where; and what the run left: random numbers and modes."""
    e.manual_seed(0)
    model, inputs = make(e)
    nodes = graph(writer_class, folder, model, (inputs,))
    left = [e.rand(1).item(), [each.training for each in model.modules()]]
    places = {node.name.rpartition("/")[0] for node in nodes}
    ends = [(node.name.partition("/")[0], shape_of(node)) for node in nodes if node.op == "IO Node"]
    computed = [node for node in nodes if node.op.startswith("aten::")]
    told = [(node.name.rpartition("/")[0], RENAMED.get(node.op, node.op), shape_of(node)) for node in computed]
    return nodes, {"places": places, "ends": ends, "computed": told, "left": left}


@pytest.mark.parametrize("make", [mlp, cnn, residual], ids=lambda make: make.__name__)
def test_graphs(make, tmp_path):
    nodes, ours = drawn(Ours, minigrad, tmp_path / "ours", make)
    assert ours == drawn(Theirs, torch, tmp_path / "theirs", make)[1]
    names = [node.name for node in nodes]
    assert len(set(names)) == len(names) and {each for node in nodes for each in node.input} <= set(names)
    kept = {}  # unlike PyTorch's, with their shapes
    for node in nodes:
        if node.op == "prim::GetAttr":
            path = re.sub(r"\w+\[(\w+)\]", r"\1", node.name).split("/")[1:-1]
            kept[".".join(path)] = shape_of(node)
    model = make(minigrad)[0]
    wanted = dict([*model.named_parameters(), *model.named_buffers()])
    assert kept == {name: [[*each.shape]] for name, each in wanted.items() if "num_batches" not in name}


def test_graph_of_a_program_and_of_a_dictionary(tmp_path, capsys):
    """A program keeps its graph, and its branch; of a dictionary the values are drawn, on demand."""

    class Named(minigrad.nn.Module):
        def forward(self, x):
            return {"half": x / 2, "x": x}

    program = minigrad.jit.script(mlp(minigrad)[0])
    before = str(program.graph)
    found = {node.op for node in graph(Ours, tmp_path / "program", program, minigrad.ones(5, 6), verbose=True)}
    assert str(program.graph) == before == capsys.readouterr().out.removesuffix("\n")
    assert {"aten::linear", "aten::relu", "aten::dropout"} <= found
    with pytest.raises(RuntimeError, match="returned dict"):
        graph(Ours, tmp_path / "strict", Named(), minigrad.ones(2))
    *_, both, output = graph(Ours, tmp_path / "dict", Named(), minigrad.ones(2), use_strict_trace=False)
    assert both.op == "prim::TupleConstruct" and [*output.input] == [both.name] and len(both.input) == 2


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (lambda e: e.nn.Linear(3, 4), lambda e: e.ones(5, 7)),
        (lambda e: e.nn.Linear(3, 4), lambda e: None),
        (lambda e: e.nn.Linear(3, 4), lambda e: 3),
        (lambda e: e.relu, lambda e: e.ones(2)),
    ],
    ids=["a wrong shape", "no input", "a number", "a function"],
)
def test_no_graph(model, inputs, tmp_path):
    errors = []
    for kind, e in ((Ours, minigrad), (Theirs, torch)):
        with kind(tmp_path / e.__name__) as writer, pytest.raises(Exception) as caught:
            writer.add_graph(model(e), inputs(e))
        errors.append(caught.type)
    assert errors[0] is errors[1]


def test_without_tensorboard():
    code = "import sys; sys.modules['tensorboard'] = None; import minigrad.utils.tensorboard"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.endswith("needs the package tensorboard: pip install 'minigrad[tensorboard]'\n")


def test_the_path_of_pytorch_s_writer():
    assert importlib.import_module("minigrad.utils.tensorboard.writer").SummaryWriter is Ours
