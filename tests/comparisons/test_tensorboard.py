"""What minigrad's SummaryWriter writes for TensorBoard: the events that PyTorch's writes."""

import importlib
import io
import subprocess
import sys

import numpy as np
import pytest
import torch

import minigrad

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore")  # TensorBoard's own
Image = pytest.importorskip("PIL.Image")

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
        (NotImplementedError, lambda writer: writer.add_graph(minigrad.nn.Linear(1, 1))),
        (AttributeError, lambda writer: writer.add_nothing()),
    ],
)
def test_refused(error, act, tmp_path):
    with Ours(tmp_path) as writer, pytest.raises(error):
        act(writer)


def test_without_tensorboard():
    code = "import sys; sys.modules['tensorboard'] = None; import minigrad.utils.tensorboard"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.endswith("needs the package tensorboard: pip install 'minigrad[tensorboard]'\n")


def test_the_path_of_pytorch_s_writer():
    assert importlib.import_module("minigrad.utils.tensorboard.writer").SummaryWriter is Ours
