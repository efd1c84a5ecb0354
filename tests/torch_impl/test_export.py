"""``torch_impl.export`` and ``torch_impl.predict``: programs that give the model's scores, or are not written."""

import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from torch_impl import export, models
from torch_impl.checkpoint import load_model
from torch_impl.cli import app
from torch_impl.data import load_arrays
from torch_impl.export import FORMATS, check_program, export_bytes, export_program, real_batches
from torch_impl.predict import (
    Description,
    Program,
    ProgramError,
    load_image,
    load_program,
    open_program,
    predict,
    torchscript_is_deprecated,
)

pytestmark = pytest.mark.usefixtures("onnx_operators_read_once")

GREY = Description("neural-net", "digits", (1, 28, 28), (0.0,), (1.0,), tuple("0123456789"))
COLOURS = Description("conv", "photos", (3, 8, 8), (0.5, 0.4, 0.3), (0.2, 0.25, 0.5), ("cat", "dog"))


class Scores(nn.Module):
    """A colour image's scores for two classes, with dropout and batch normalisation, which evaluation mode changes."""

    def __init__(self):
        super().__init__()
        self.block = models.ConvBlock(3, 4, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(4 * 8 * 8, 2)

    def forward(self, x):
        return self.fc(self.drop(self.block(x)).flatten(1))


def suffix_of(format):
    return Path(FORMATS[format]).suffix


@pytest.fixture
def network():
    return build_network()


def build_network():
    """The same one each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), models.NeuralNet(784, 20, 10))


@cache
def content_of(format):
    """The network as a program, made once."""
    return export_bytes(build_network().eval(), GREY, format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_program_gives_the_models_scores(format, tmp_path):
    torch.manual_seed(0)
    model, images = Scores(), torch.rand(230, *COLOURS.image_shape)
    model(images)  # moves the running statistics away from where they start
    path = tmp_path / FORMATS[format]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    checked, largest = export_program(model, COLOURS, images, format, path)
    assert checked == 200 and largest < 1e-6 and (largest == 0 or format == "onnx")
    assert model.training and all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert list(tmp_path.iterdir()) == [path]

    program = load_program(path, trust=True)
    assert program.description == COLOURS
    expected = model.eval()(images).softmax(1)
    torch.testing.assert_close(predict(program, images), expected.detach(), rtol=1e-5, atol=1e-7)
    assert predict(program, images[:0]).shape == (0, 2)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("build", "shape", "scores"),
    [
        pytest.param(lambda: nn.Sequential(nn.Flatten(), models.CustomLinear(16, 3)), (1, 4, 4), 3, id="custom-linear"),
        pytest.param(
            lambda: models.ResNet(models.ResidualBlock, [1, 1, 1, 1], 10, 1, small_images=True),
            (1, 8, 8),
            10,
            id="a block of ResNet-18 in each stage",
        ),
        pytest.param(
            lambda: models.resnet18(10, 1, small_images=True), (1, 8, 8), 10, id="resnet18", marks=pytest.mark.long
        ),
    ],
)
def test_every_network_can_be_exported(build, shape, scores, format):
    torch.manual_seed(0)
    model, images = build().eval(), torch.rand(5, *shape)
    description = Description("a network", "none", shape, (0.0,), (1.0,), tuple("0123456789"[:scores]))
    program = open_program(export_bytes(model, description, format), suffix_of(format))
    assert check_program(program, model, real_batches(images))[0] == 5
    assert program.description == description


def test_torchscripts_deprecation_is_the_only_warning_silenced():
    with pytest.warns(UserWarning, match="something else"), torchscript_is_deprecated():
        torch.jit.script(nn.ReLU())
        warnings.warn("something else", stacklevel=1)
    with pytest.raises(FutureWarning, match="deprecated"):  # still there for everyone else
        torch.jit.script(nn.ReLU())


class LosesABranch(nn.Module):
    """What tracing gets wrong: the branch depends on the values."""

    def forward(self, x):
        if bool(x.sum() > 0):
            return x.flatten(1)[:, :10] * 2
        return x.flatten(1)[:, :10]


def test_a_program_that_differs_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    path.write_bytes(b"the one before")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # it says what the check finds
        with pytest.raises(ProgramError, match=r"scores for 1 images differ .* nothing was written"):
            export_program(LosesABranch(), GREY, torch.rand(4, 1, 28, 28), "trace", path)
    assert path.read_bytes() == b"the one before" and list(tmp_path.iterdir()) == [path]
    export_program(LosesABranch(), GREY, torch.rand(4, 1, 28, 28), "script", path)
    assert path.read_bytes() != b"the one before"


def test_training_mode_would_be_noticed():
    torch.manual_seed(0)
    model, images = Scores(), torch.rand(8, *COLOURS.image_shape)
    program = open_program(export_bytes(model, COLOURS, "pt2"), ".pt2")
    with pytest.raises(ProgramError, match="differ"):
        check_program(program, model.eval(), real_batches(images))


@pytest.mark.parametrize(
    ("run", "part"),
    [
        (lambda images: images[:, :9], "scores of the shape"),
        (lambda images: images[:, :10].double(), "float64"),
        (lambda images: images[:, :10] * torch.nan, "differ"),
        (lambda images: images[:, :10] + 1e-3, "differ"),
        (lambda images: images.reshape(1, -1)[:2], "the shape"),
        (lambda images: images @ images, "does not run on a batch of 2"),
    ],
    ids=["shape", "dtype", "nan", "value", "batch", "error"],
)
def test_the_check_can_fail(run, part):
    class Slice(nn.Module):
        def forward(self, x):
            return x[:, :10]

    with pytest.raises(ProgramError, match=part):
        check_program(Program(GREY, run), Slice(), [torch.rand(2, 784)])


def test_no_images_is_no_check(network, tmp_path):
    with pytest.raises(ProgramError, match="no image"):
        export_program(network, GREY, torch.empty(0, 1, 28, 28), "pt2", tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_said_in_one_sentence(tmp_path):
    class Lost(nn.Module):
        def forward(self, x):
            return x[: int(x.sum())].numpy()

    for format in FORMATS:
        with pytest.raises(ProgramError, match=f"neural-net cannot be exported as {format}: ") as caught:
            export_program(Lost(), GREY, torch.rand(4, 1, 28, 28), format, tmp_path / FORMATS[format])
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_wrong_name_or_folder_is_refused(network, tmp_path):
    images = torch.rand(3, 1, 28, 28)
    with pytest.raises(ProgramError, match=r"ends in \.onnx, not model\.pt"):
        export_program(network, GREY, images, "onnx", tmp_path / "model.pt")
    with pytest.raises(ProgramError, match="cannot write"):
        export_program(network, GREY, images, "script", tmp_path / "no" / "model.pt")
    with pytest.raises(ProgramError, match="is no exported program: their names end in"):
        load_program(tmp_path / "model.ckpt")
    with pytest.raises(ProgramError, match="No such file"):
        load_program(tmp_path / "model.pt2")


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_file_is_refused_in_one_sentence(format, network, tmp_path, capfd):
    content = content_of(format)
    path = tmp_path / FORMATS[format]
    changed = bytearray(content)
    weights = content.index(network[1].fc1.weight.detach().numpy().tobytes()[:64])
    changed[weights + 8] ^= 1
    damaged = [b"", b"nonsense", content[: len(content) // 2], bytes(changed)]
    for bytes_ in damaged[: 3 if format == "onnx" else 4]:  # ONNX has no check sums
        path.write_bytes(bytes_)
        with pytest.raises(ProgramError, match="cannot use .*: it is damaged") as caught:
            load_program(path, trust=True)
        assert "\n" not in str(caught.value)
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


def test_a_program_without_description_is_refused(network, tmp_path):
    with torchscript_is_deprecated():
        torch.jit.save(torch.jit.script(network), tmp_path / "model.pt")
    with pytest.raises(ProgramError, match="no description"):
        load_program(tmp_path / "model.pt", trust=True)
    assert Description.from_json(GREY.to_json()) == GREY


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"image_shape": shape}
            for shape in ([2, 28, 28], [1, 28], [1, 2, 3], [1, 28.0, 28.0], [True, 28, 28], "abc")
        ),
        *({"image_shape": [1, size, size]} for size in (0, -28, 4097, 10**30)),
        *({"mean": mean} for mean in ([], [0.0, 0.0], ["0"], [None], [float("nan")], 0.0)),
        *({"std": std} for std in ([0.0], [-1.0], [float("inf")], [[1.0]])),
        *({"classes": classes} for classes in ([], [1, 2], "0123456789"[:0], None, [["a"]])),
        *({"model": model} for model in (None, 3, ["x"])),
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_refused(change):
    with pytest.raises(ProgramError, match="no description"):
        Description.from_json(json.dumps({**json.loads(GREY.to_json()), **change}))


@pytest.mark.parametrize("text", ["[]", "{", '{"model": "x"}', "null", "1", '"x"'])
def test_what_is_no_description_is_refused(text):
    with pytest.raises(ProgramError, match="no description"):
        Description.from_json(text)


class Harmful:
    """Unpickled the ordinary way it would make a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def rewritten(content, change):
    """An archive whose parts are what ``change(name, part)`` gives; more of them where it gives a dict."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            part = change(name, old.read(name))
            for each, text in (part if isinstance(part, dict) else {name: part}).items():
                new.writestr(each, text)
    return result.getvalue()


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


@pytest.mark.parametrize("place", ["sample_inputs", "config", "weights", "custom", "library"])
def test_a_program_with_a_pickled_object_is_not_unpickled(place, tmp_path):
    harm = tmp_path / "harm"
    hidden = saved(Harmful(harm))

    def change(name, part):
        if place == "sample_inputs" and "sample_inputs" in name:
            return hidden
        if place in ("config", "weights") and name.endswith("weights_config.json"):
            return part.replace(b'"use_pickle": false', b'"use_pickle": true')
        if place == "weights" and name.endswith("weight_0"):
            return hidden
        if place in ("custom", "library") and name.endswith("archive_format"):
            more = {"custom": "data/constants/custom_obj_0", "library": "data/aotinductor/model/x.so"}[place]
            return {name: part, name.replace("archive_format", more): hidden}
        return part

    path = tmp_path / "model.pt2"
    path.write_bytes(rewritten(content_of("pt2"), lambda name, part: part))
    load_program(path, trust=True)
    path.write_bytes(rewritten(path.read_bytes(), change))
    with pytest.raises(ProgramError, match="is not plain tensors or text"):
        load_program(path, trust=True)
    assert not harm.exists()


def test_files_that_can_run_code_need_trust(tmp_path):
    for format in FORMATS:
        path = tmp_path / FORMATS[format]
        path.write_bytes(content_of(format))
        if format == "onnx":
            load_program(path)
        else:
            with pytest.raises(ProgramError, match=r"can run code on this machine, .* add --trust"):
                load_program(path)
    assert "run code" in " ".join(command("predict", "--help").stdout.split())


@pytest.mark.parametrize("suffix", [".pt", ".pt2"])
def test_a_small_file_of_large_parts_is_refused(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**25))
    with pytest.raises(ProgramError, match="it is damaged"):
        load_program(path, trust=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_devices_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    for read in (load_program, lambda path: load_image(path, GREY)):
        with pytest.raises(ProgramError, match="a device or a pipe"):
            read(tmp_path / "pipe.onnx")
    with pytest.raises(ProgramError, match="a device or a pipe"):
        load_image("/dev/zero", GREY)


@pytest.mark.parametrize("format", FORMATS)
def test_a_program_runs_without_the_models_code(format, network, tmp_path, monkeypatch):
    path = tmp_path / FORMATS[format]
    images = torch.rand(4, 1, 28, 28)
    path.write_bytes(content_of(format))
    expected = network(images).softmax(1).detach()
    monkeypatch.setattr(models.NeuralNet, "__init__", None)
    monkeypatch.setattr(models.NeuralNet, "forward", None)
    torch.testing.assert_close(predict(load_program(path, trust=True), images), expected, rtol=1e-5, atol=1e-7)


RUN = {
    "script": "program = torch.jit.load(path); scores = program(torch.ones(2, 1, 28, 28))",
    "pt2": "program = torch.export.load(path).module(); scores = program(torch.ones(2, 1, 28, 28))",
    "onnx": "import numpy as np, onnxruntime as ort; program = ort.InferenceSession(path); "
    "(scores,) = program.run(None, {'images': np.ones((2, 1, 28, 28), np.float32)})",
}


@pytest.mark.parametrize("format", RUN)
def test_a_program_runs_where_this_package_is_not(format, network, tmp_path, request):
    """ONNX needs no PyTorch either, so a fork that has imported it will not do."""
    if format != "onnx":
        request.getfixturevalue("forked")
    path = tmp_path / FORMATS[format]
    path.write_bytes(content_of(format))
    code = f"import sys{', torch' * (format != 'onnx')}; path = {str(path)!r}; {RUN[format]}; "
    code += "assert not {'torch_impl', 'torch' if 'onnx' in path else ''} & set(sys.modules); print(scores[1].tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scores = np.array([float(each) for each in done.stdout.strip(" \n[]").split(",")])
    np.testing.assert_allclose(scores, network(torch.ones(1, 1, 28, 28))[0].tolist(), rtol=1e-5, atol=1e-6)


def test_an_image_is_prepared_as_in_training(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    expected = np.empty((3, 8, 8))
    for channel in range(3):
        expected[channel] = (pixels[:, :, channel] / 255 - COLOURS.mean[channel]) / COLOURS.std[channel]
    image = load_image(path, COLOURS)
    assert image.dtype == torch.float32 and image.is_contiguous()
    np.testing.assert_allclose(image.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_an_image_of_another_kind_and_size_is_brought_to_the_networks(tmp_path):
    path = tmp_path / "image.png"
    Image.new("RGBA", (56, 14), (255, 255, 255, 255)).save(path)
    assert torch.equal(load_image(path, GREY), torch.ones(1, 28, 28))
    assert torch.equal(load_image(path, GREY, invert=True), torch.zeros(1, 28, 28))
    Image.new("L", (3, 3), 51).save(path)
    torch.testing.assert_close(load_image(path, COLOURS)[0], torch.full((8, 8), (0.2 - 0.5) / 0.2))


def test_what_is_no_image_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "image.png"
    with pytest.raises(ProgramError, match="No such file"):
        load_image(path, GREY)
    Image.new("L", (28, 28)).save(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ProgramError, match=r"cannot read .* as a picture .*: .*(truncated|of another kind)"):
            load_image(path, GREY)


@pytest.mark.parametrize("size", [(1, 700_000), (700_000, 1), (3, 400_000)], ids=str)
def test_a_long_image_is_refused_before_memory_is_taken(size, tmp_path):
    Image.new("L", size).save(tmp_path / "long.png")
    with pytest.raises(ProgramError, match=r"long.png as a picture .*: it has .* pixels, too large or too long"):
        load_image(tmp_path / "long.png", GREY)
    Image.new("L", (20, 2000)).save(tmp_path / "scan.png")
    assert load_image(tmp_path / "scan.png", GREY).shape == GREY.image_shape


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda images: images, "not one for each class"),
        (lambda images: images.flatten(1)[:, :10] * torch.nan, "not finite"),
        (lambda images: images.flatten(1)[:, :10] + torch.inf, "not finite"),
        (lambda images: images.flatten(1)[:, :10].long(), "no scores"),
        (lambda images: [images], "no scores"),
        (lambda images: images @ images.flatten(1), "cannot run"),
    ],
    ids=["shape", "nan", "infinite", "integers", "list", "error"],
)
def test_scores_that_do_not_fit_the_classes_are_refused(run, reason):
    with pytest.raises(ProgramError, match=reason):
        predict(Program(GREY, run), torch.rand(3, 1, 28, 28))


def test_a_name_cannot_command_the_terminal(tmp_path):
    """An escape sequence in a class's name would clear the screen, or worse."""
    classes = tuple(f"\x1b[2J\n{digit}\x9b" for digit in "0123456789")
    description = Description("neural-net\x1b", "digits", (1, 28, 28), (0.0,), (1.0,), classes)
    model = nn.Sequential(nn.Flatten(), models.NeuralNet(784, 20, 10))
    (tmp_path / "model.pt").write_bytes(export_bytes(model.eval(), description, "script"))
    Image.new("L", (28, 28)).save(tmp_path / "image.png")
    done = command("predict", tmp_path / "model.pt", tmp_path / "image.png", "--trust")
    assert done.exit_code == 0 and done.stdout.strip().isprintable() and r"\x1b[2J\n" in done.stdout
    done = command("predict", tmp_path / "a\x1b[2J.onnx", tmp_path / "image.png")
    assert done.exit_code == 1 and done.stderr.strip().isprintable()


def command(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    done = command("train", "--epochs", 1, "--hidden-size", 30, "--no-figures", "--device", "cpu", "--out", folder)
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("format", FORMATS)
def test_export_and_predict(format, run_folder, tmp_path):
    path = tmp_path / FORMATS[format]
    done = command("export", run_folder / "last.ckpt", "--to", path, "--samples", tmp_path / "png")
    assert done.exit_code == 0, done.output
    exporting, first, *rest = done.stdout.splitlines()
    assert exporting == f"Exporting {run_folder / 'last.ckpt'}, epoch 1"
    assert first.startswith("Checked on 200 test images: the largest difference of a score is ")
    assert rest == [f"Saved {path}", f"Saved 10 test images in {tmp_path / 'png'}"]

    images = sorted((tmp_path / "png").iterdir())
    assert [image.stem for image in images] == list("0123456789")
    done = command("predict", path, *images, *["--trust"] * (format != "onnx"))
    assert done.exit_code == 0, done.output
    model = load_model(run_folder / "last.ckpt")[0].eval()
    arrays = load_arrays("digits")
    for line, image in zip(done.stdout.splitlines(), images, strict=True):
        index = int(np.flatnonzero(arrays.test_labels == int(image.stem))[0])
        probabilities = model(torch.from_numpy(arrays.test_images[index : index + 1])).softmax(1)[0]
        name, _, rest = line.rpartition(": ")
        predicted, share = rest.removesuffix("%)").split(" (")
        assert name == str(image) and int(predicted) == int(probabilities.argmax())
        assert float(share) == pytest.approx(100 * probabilities.max().item(), abs=0.2)  # a PNG has 256 levels


def test_export_writes_beside_the_checkpoint(run_folder):
    done = command("export", run_folder / "last.ckpt")
    assert done.exit_code == 0 and (run_folder / "model.pt2").is_file()


def test_help_says_that_torchscript_is_deprecated():
    assert "deprecated" in command("export", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["export", "RUN/none.ckpt"], 1, "there is no checkpoint"),
        (["export", "RUN/metrics.csv"], 1, "is damaged or no checkpoint"),
        (["export", "RUN/last.ckpt", "--to", "RUN/model.txt"], 2, "the name of a program ends in .pt, .pt2, .onnx"),
        (["export", "RUN/last.ckpt", "--to", "RUN/no/model.pt2"], 1, "cannot write"),
        (["predict", "RUN/none.onnx", "RUN/0.png"], 1, "No such file"),
        (["predict", "RUN/last.ckpt", "RUN/0.png"], 2, "is no exported program: make one with `python -m torch_impl"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else str(value)[:20],
)
def test_what_goes_wrong_ends_in_one_sentence(arguments, status, part, run_folder):
    before = sorted(run_folder.iterdir())
    done = command(*[argument.replace("RUN", str(run_folder)) for argument in arguments])
    assert done.exit_code == status and part in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted(run_folder.iterdir()) == before


def test_the_formats_are_documented():
    for format, suffix in FORMATS.items():
        assert format in export.__doc__ and suffix in export.__doc__
    assert "deprecated" in export.__doc__
