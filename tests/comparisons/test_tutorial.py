"""What the tutorial's programs do, one after the other, on both engines: the engine stands for its import lines.

``written_by_hand`` are its layers and networks, of the names that their checkpoints have; ours are held against them.
"""

import io
import math
import struct
import types
import warnings

import numpy as np
import pytest
import torch
import torchvision
from typer.testing import CliRunner

import minigrad
import torch_impl.cli
from comparisons import compare_values
from comparisons.engines import models_of
from comparisons.harness import array_of
from torch_impl.predict import torchscript_is_deprecated

ENGINES = [minigrad, torch]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)


def written_by_hand(engine):
    """The networks, as a reader of the tutorial has them, on an engine."""
    nn, functional = engine.nn, engine.nn.functional

    class NeuralNet(nn.Module):
        def __init__(self, inputs, hidden, classes):
            super(NeuralNet, self).__init__()  # noqa: UP008
            self.fc1, self.relu, self.fc2 = nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)

        def forward(self, x):
            return self.fc2(self.relu(self.fc1(x)))

    class CustomLinear(nn.Module):
        def __init__(self, inside, outside):
            super().__init__()
            self.weight = nn.Parameter(engine.Tensor(outside, inside))
            self.bias = nn.Parameter(engine.Tensor(outside))
            nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            reach = 1 / math.sqrt(nn.init._calculate_fan_in_and_fan_out(self.weight)[0])
            nn.init.uniform_(self.bias, -reach, reach)

        def forward(self, x):
            return functional.linear(x, functional.normalize(self.weight, dim=1), self.bias)

    class ConvBlock(nn.Module):
        def __init__(self, inside, outside, size, stride=1, padding=0):
            super().__init__()
            self.conv = nn.Conv2d(inside, outside, size, stride, padding)
            self.bn = nn.BatchNorm2d(outside)

        def forward(self, x):
            return functional.relu(self.bn(self.conv(x)))

    class ResidualBlock(nn.Module):
        def __init__(self, inside, outside, stride=1, downsample=None):
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, kernel_size=3, stride=stride, padding=1)
            self.bn1 = nn.BatchNorm2d(outside)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(outside, outside, kernel_size=3, stride=1, padding=1)
            self.bn2 = nn.BatchNorm2d(outside)
            self.downsample = downsample

        def forward(self, x):
            z = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            z += x if self.downsample is None else self.downsample(x)
            return self.relu(z)

    class ResNet(nn.Module):
        def __init__(self, block, layers, num_classes=1000):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            inside = 64
            for number, (outside, count) in enumerate(zip((64, 128, 256, 512), layers), 1):
                stride, downsample = 1 if number == 1 else 2, None
                if number > 1:
                    narrower = nn.Conv2d(inside, outside, kernel_size=1, stride=stride)
                    downsample = nn.Sequential(narrower, nn.BatchNorm2d(outside))
                first = block(inside, outside, stride, downsample)
                others = [block(outside, outside) for _ in range(1, count)]
                setattr(self, f"layer{number}", nn.Sequential(first, *others))
                inside = outside
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(512, num_classes)

        def forward(self, x):
            x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(engine.flatten(self.avgpool(x), 1))

    networks = (NeuralNet, CustomLinear, ConvBlock, ResidualBlock, ResNet)
    return types.SimpleNamespace(**{each.__name__: each for each in networks})


@each_engine
def test_1_2_a_graph_is_built_as_it_is_computed(engine):
    x = engine.tensor(2.0, requires_grad=True)
    (x**2 + 2 * x + 1).backward()
    assert f"{x.grad}" == "6.0"


def write_idx(path, array):
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    """Four files in MNIST's format: each class is a bright square at a place of its own, in noise."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("mnist")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 450), ("t10k", 120)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = random.integers(0, 100, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels):
            row, column = divmod(int(label), 4)
            image[8 * row : 8 * row + 6, 7 * column : 7 * column + 6] += 120
        write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    return folder


def train_on_mnist(engine, root, checkpoint):
    """Sections 2.1 and 2.2 with fewer images and epochs: losses, predictions, accuracy in percent, the network."""
    engine.manual_seed(7)
    device = engine.device("cuda" if engine.cuda.is_available() else "cpu")
    loaders = []
    for training in (True, False):
        pixels = torchvision.transforms.ToTensor()
        images = torchvision.datasets.MNIST(root=root, train=training, transform=pixels, download=training)
        loaders.append(engine.utils.data.DataLoader(dataset=images, batch_size=100, shuffle=training))
    model = written_by_hand(engine).NeuralNet(784, 500, 10).to(device)
    criterion = engine.nn.CrossEntropyLoss()
    optimizer = engine.optim.Adam(model.parameters(), lr=0.001)
    losses = []
    for _ in range(2):
        for images, labels in loaders[0]:
            loss = criterion(model(images.reshape(-1, 28 * 28).to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    found, right, total = [], 0, 0
    with engine.no_grad():
        for images, labels in loaders[1]:
            _, predicted = engine.max(model(images.reshape(-1, 28 * 28).to(device)).data, 1)
            found += predicted.tolist()
            total += labels.size(0)
            right += (predicted == labels.to(device)).sum().item()
    engine.save(model.state_dict(), checkpoint)
    assert len(losses) == 2 * len(loaders[0]) == 10 and total == 120
    return losses, found, 100 * right / total, model


@pytest.fixture(scope="module")
def trained(small_mnist, tmp_path_factory):
    """Each engine's training, and its checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoints")
    paths = [folder / engine.__name__ / "model.ckpt" for engine in ENGINES]
    for path in paths:
        path.parent.mkdir()
    return [(*train_on_mnist(*both, path), path) for *both, path in zip(ENGINES, [small_mnist] * 2, paths)]


def test_2_2_both_engines_train_alike(trained):
    (losses, found, accuracy, model, path), (their_losses, their_found, their_accuracy, theirs, their_path) = trained
    assert losses == pytest.approx(their_losses, rel=1e-4)  # the table's "training float32"
    assert found == their_found and accuracy == their_accuracy > 60
    state, their_state = (torch.load(each, weights_only=True) for each in (path, their_path))
    assert list(state) == list(their_state) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    for name, values in state.items():
        compare_values(name, values, their_state[name], "training after a kink").check()
    for network, engine, other in ((model, minigrad, their_path), (theirs, torch, path)):
        network.load_state_dict(engine.load(other))
    assert model.fc2.bias.tolist() == their_state["fc2.bias"].tolist()
    assert theirs.fc2.bias.tolist() == state["fc2.bias"].tolist()


@pytest.mark.parametrize("which", [0, 1], ids=["minigrad", "torch"])
def test_2_2_its_checkpoint_is_judged_by_the_command(which, trained, small_mnist):
    *_, accuracy, _, path = trained[which]
    arguments = ["evaluate", str(path), "--data", "mnist", "--data-root", str(small_mnist), "--device", "cpu"]
    judged = CliRunner().invoke(torch_impl.cli.app, arguments)
    assert judged.stdout.endswith(f"Accuracy on the 120 test images: {accuracy:.2f} %\n"), judged.output


@pytest.mark.parametrize("trainer", ["plain", "lightning"])
def test_2_2_and_5_1_a_runs_checkpoint_is_taken_by_its_network(trainer, small_mnist, tmp_path):
    """On either engine it gets as many test images right as the command has told, whichever loop has trained."""
    where = ["--data", "mnist", "--data-root", str(small_mnist), "--device", "cpu", "--no-figures"]
    where += ["--trainer", trainer, "--out", str(tmp_path)]
    done = CliRunner().invoke(torch_impl.cli.app, ["train", "--epochs", "2", *where])
    test = torchvision.datasets.MNIST(small_mnist, train=False)
    for engine in ENGINES:
        model = written_by_hand(engine).NeuralNet(784, 500, 10)
        model.load_state_dict(engine.load(tmp_path / "model.ckpt"))
        predicted = array_of(model(engine.from_numpy(test.data.flatten(1).numpy()) / 255)).argmax(1)
        right = int((predicted == test.targets.numpy()).sum())
        assert f"Accuracy on the 120 test images: {100 * right / 120:.2f} %" in done.stdout and right > 60


LAYERS = {
    "CustomLinear": (("CustomLinear", 6, 4), {}, (5, 6)),
    "ConvBlock": (("ConvBlock", 3, 4, 3), {"bias": True}, (2, 3, 6, 5)),
    "ConvBlock in steps of two": (("ConvBlock", 3, 4, 5, 2, 2), {"bias": True}, (2, 3, 6, 5)),
    "ResidualBlock": (("ResidualBlock", 4, 4), {"bias": True}, (2, 4, 5, 5)),
    "NeuralNet": (("NeuralNet", 6, 5, 4), {}, (3, 6)),
}


def trained_step(engine, model, shape, training=True):
    """The output, the gradient of the sum of its squares for the input, and all weights after a step against it."""
    engine.manual_seed(1)
    model = model.double().train(training)
    x = engine.rand(*shape, dtype=engine.float64, requires_grad=True)
    output = model(x)
    (output**2).sum().backward()
    engine.optim.SGD(model.parameters(), lr=1e-3).step()
    return {"output": output, "x.grad": x.grad, **model.state_dict()}


@pytest.mark.parametrize("layer", LAYERS)
def test_3_layers_are_the_tutorials(layer):
    """By hand and ours, from one seed: the same weights, outputs, gradients; within an engine bit for bit."""
    (name, *sizes), ours_too, shape = LAYERS[layer]
    found = []
    for engine in ENGINES:
        of_engine = []
        for networks, more in ((written_by_hand(engine), {}), (models_of(engine), ours_too)):
            engine.manual_seed(0)
            of_engine.append(trained_step(engine, getattr(networks, name)(*sizes, **more), shape))
        by_hand, ours = of_engine
        assert list(by_hand) == list(ours)
        for part, value in by_hand.items():
            assert np.array_equal(array_of(value), array_of(ours[part])), (engine.__name__, part)
        found.append(ours)
    for part, value in found[0].items():
        compare_values(part, value, found[1][part], "network float64").check()


@each_engine
def test_3_1_a_row_of_zeros_has_finite_scores_and_gradients(engine):
    layer = models_of(engine).CustomLinear(6, 4)
    layer.weight.data[2] = 0
    output = layer(engine.ones(3, 6))
    output.sum().backward()
    assert output[:, 2].tolist() == [layer.bias[2].item()] * 3
    assert engine.isfinite(layer.weight.grad).all()


@each_engine
def test_3_2_by_default_nothing_is_padded(engine):
    assert tuple(models_of(engine).ConvBlock(3, 8, 3)(engine.rand(2, 3, 9, 7)).shape) == (2, 8, 7, 5)


@each_engine
def test_4_1_a_downsample_that_is_given_is_used(engine):
    models = models_of(engine)
    given = engine.nn.Sequential(engine.nn.Conv2d(64, 128, 1, stride=2), engine.nn.BatchNorm2d(128))
    block = models.ResidualBlock(64, 128, 2, given)
    assert block.downsample is given and "downsample.0.bias" in block.state_dict()
    x = engine.rand(2, 64, 6, 6)
    inner = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))
    compare_values("z", block(x), (inner + given(x)).relu(), "exact").check()


@each_engine
def test_4_2_where_f_is_nothing_the_block_is_its_input_and_so_is_its_gradient(engine):
    block = models_of(engine).ResidualBlock(3, 3)
    block.bn2.weight.data.zero_()  # F(x) = 0, so H(x) = x
    x = engine.randn(2, 3, 4, 4, requires_grad=True)
    z = block(x)
    z.sum().backward()
    assert engine.equal(z, x.relu()) and engine.equal(x.grad, (x > 0).float())


BLOCKS = [1, 2, 1, 1]


@pytest.fixture(scope="module")
def resnets():
    """By engine: a ResNet by hand and ours with biases, from one seed, a step by each, and the first weights.

    One of its stages has two blocks, as all of ResNet-18's have.
    """
    found = []
    for engine in ENGINES:
        pair = []
        for networks, more in ((written_by_hand(engine), {}), (models_of(engine), {"bias": True})):
            engine.manual_seed(3)
            model = networks.ResNet(networks.ResidualBlock, BLOCKS, **more)
            first = {name: array_of(value).copy() for name, value in model.state_dict().items()}
            pair.append((model, first, trained_step(engine, model, (2, 3, 40, 40))))
        found.append(pair)
    return found


@pytest.mark.parametrize("which", [0, 1], ids=["minigrad", "torch"])
def test_4_1_from_one_seed_the_residual_network_is_the_tutorials(which, resnets):
    (_, first, step), (_, our_first, our_step) = resnets[which]
    assert list(first) == list(our_first) and len(first) == 100
    for values, others in ((first, our_first), (step, our_step)):
        for name, value in values.items():
            assert np.array_equal(array_of(value), array_of(others[name])), name


def test_4_1_both_engines_have_the_same_residual_network(resnets):
    (_, (_, ours, step)), (_, (_, theirs, their_step)) = resnets
    for name, value in ours.items():
        compare_values(name, value, theirs[name], "exact").check()
    for name, value in step.items():
        compare_values(name, value, their_step[name], "network float64").check()


@pytest.mark.parametrize(("by", "to"), [(0, 1), (1, 0)], ids=["from minigrad to torch", "from torch to minigrad"])
def test_4_1_its_checkpoint_loads_with_biases(by, to, resnets):
    """And gives its scores, on the other engine as well."""
    (model, _, _), _ = resnets[by]
    file = io.BytesIO()
    ENGINES[by].save(model.state_dict(), file)
    file.seek(0)
    ours = models_of(ENGINES[to]).ResNet(models_of(ENGINES[to]).ResidualBlock, BLOCKS, bias=True).double()
    ours.load_state_dict(ENGINES[to].load(file))
    images = np.random.default_rng(0).random((2, 3, 40, 40))
    scores = [each.eval()(engine.from_numpy(images)) for engine, each in ((ENGINES[by], model), (ENGINES[to], ours))]
    compare_values("scores", *scores, "network float64").check()


@each_engine
def test_4_1_blocks_of_ones_own_fit_into_the_network(engine):
    hand, models = written_by_hand(engine), models_of(engine)
    for network, block in ((models.ResNet, hand.ResidualBlock), (hand.ResNet, models.ResidualBlock)):
        model = network(block, [1, 1, 1, 1], num_classes=5)
        assert tuple(model.eval()(engine.rand(1, 3, 32, 32)).shape) == (1, 5)
        assert isinstance(model.layer2[0], block) and model.layer2[0].downsample is not None


def scripted_layer(engine, path):
    """Section 5.2: a module around one layer, scripted, saved and loaded; what the loaded program computes."""
    engine.manual_seed(11)

    class Wrapped(engine.nn.Module):
        def __init__(self):
            super(Wrapped, self).__init__()  # noqa: UP008
            self.linear = engine.nn.Linear(10, 5)

        def forward(self, x):
            return self.linear(x)

    with torchscript_is_deprecated():
        engine.jit.script(Wrapped()).save(path)
        program = engine.jit.load(path)
    x = engine.randn(3, 10).requires_grad_()
    output = program(x)
    output.square().sum().backward()
    return {"output": output, "x.grad": x.grad, "weight.grad": program.linear.weight.grad, **program.state_dict()}


def test_5_2_a_layer_is_scripted_saved_and_loaded(tmp_path):
    """Both engines' programs end with the same numbers, and the class is needed no more."""
    ours, theirs = [scripted_layer(engine, tmp_path / f"{engine.__name__}.pt") for engine in ENGINES]
    assert [*ours] == [*theirs] and "linear.weight" in ours
    for name, value in ours.items():
        compare_values(name, value, theirs[name], "network float32").check()


@pytest.mark.parametrize("which", [0, 1], ids=["minigrad", "torch"])
def test_5_2_the_residual_network_is_scripted_saved_and_loaded(which, resnets, tmp_path):
    """By hand and ours are programs that give what they give."""
    engine = ENGINES[which]
    images = engine.rand(2, 3, 40, 40, dtype=engine.float64)
    for model, _, _ in resnets[which]:
        with torchscript_is_deprecated():
            engine.jit.script(model.eval()).save(tmp_path / "model.pt")
            program = engine.jit.load(tmp_path / "model.pt")
        assert engine.equal(program(images), model(images))


def lightning_of(engine):
    """The module that stands for ``pytorch_lightning``."""
    if engine is minigrad:
        return minigrad.lightning
    import lightning.pytorch  # here: it takes some seconds

    return lightning.pytorch


def fitted_by_lightning(engine, root):
    """Section 5.1 with fewer images and epochs: the module, its Trainer, and what was warned of."""
    pl = lightning_of(engine)

    class Digits(pl.LightningDataModule):
        def prepare_data(self):
            for training in (True, False):
                torchvision.datasets.MNIST(root=root, train=training, download=True)

        def setup(self, stage=None):
            pixels = torchvision.transforms.ToTensor()
            self.training, self.validation = (
                torchvision.datasets.MNIST(root=root, train=training, transform=pixels) for training in (True, False)
            )

        def train_dataloader(self):
            return engine.utils.data.DataLoader(self.training, batch_size=100)

        def val_dataloader(self):
            return engine.utils.data.DataLoader(self.validation, batch_size=100)

    class Network(pl.LightningModule):
        def __init__(self):
            super(Network, self).__init__()  # noqa: UP008
            self.model = written_by_hand(engine).NeuralNet(784, 500, 10)
            self.criterion = engine.nn.CrossEntropyLoss()

        def forward(self, x):
            return self.model(x)

        def training_step(self, batch, batch_idx):
            images, labels = batch
            loss = self.criterion(self.model(images.reshape(-1, 28 * 28)), labels)
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self):
            return engine.optim.Adam(self.model.parameters(), lr=0.001)

    engine.manual_seed(7)
    network = Network()
    trainer = pl.Trainer(max_epochs=3)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        trainer.fit(network, Digits())
    return network, trainer, {str(each.message) for each in heard}


def test_5_1_lightning_fits_alike(small_mnist, tmp_path, monkeypatch):
    """The loaders of both validate nothing, which both warn of in the same words; each saves what its own loads."""
    found = []
    for engine in ENGINES:
        folder = tmp_path / engine.__name__
        folder.mkdir()
        monkeypatch.chdir(folder)
        network, trainer, heard = fitted_by_lightning(engine, small_mnist)
        (checkpoint,) = folder.rglob("*.ckpt")
        saved = engine.load(checkpoint)["state_dict"]
        assert all(engine.equal(saved[name], value) for name, value in network.state_dict().items())
        found.append((network.state_dict(), trainer, heard, checkpoint.name))
    (ours, our_trainer, our_heard, our_name), (theirs, their_trainer, their_heard, their_name) = found
    assert (
        list(ours)
        == list(theirs)
        == [f"model.{layer}.{part}" for layer in ("fc1", "fc2") for part in ("weight", "bias")]
    )
    for name, value in ours.items():
        compare_values(name, value, theirs[name], "training after a kink").check()
    loss, their_loss = (each.callback_metrics["train_loss"].item() for each in (our_trainer, their_trainer))
    assert loss == pytest.approx(their_loss, rel=1e-4) and loss < 1.8
    assert our_trainer.global_step == their_trainer.global_step == 15
    assert our_name == their_name == "epoch=2-step=15.ckpt"
    skipped = "You passed in a `val_dataloader` but have no `validation_step`. Skipping val loop."
    assert skipped in our_heard <= their_heard
