"""The tutorial's training on MNIST, one text for both engines: only its import lines are changed."""

import contextlib
import io
import re
import struct

import numpy as np
import pytest
import torch

from comparisons import compare_values

SCRIPT = """
import torch
import torch.nn as nn
import torchvision
import torchvision.transforms as transforms

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

input_size = 784
hidden_size = 500
num_classes = 10
num_epochs = 2
batch_size = 100
learning_rate = 0.001

train_dataset = torchvision.datasets.MNIST(root=ROOT, train=True, transform=transforms.ToTensor(), download=False)
test_dataset = torchvision.datasets.MNIST(root=ROOT, train=False, transform=transforms.ToTensor())
train_loader = torch.utils.data.DataLoader(dataset=train_dataset, batch_size=batch_size, shuffle=True)
test_loader = torch.utils.data.DataLoader(dataset=test_dataset, batch_size=batch_size, shuffle=False)


class NeuralNet(nn.Module):
    def __init__(self, input_size, hidden_size, num_classes):
        super(NeuralNet, self).__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        out = self.fc1(x)
        out = self.relu(out)
        out = self.fc2(out)
        return out


model = NeuralNet(input_size, hidden_size, num_classes).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)

total_step = len(train_loader)
for epoch in range(num_epochs):
    for i, (images, labels) in enumerate(train_loader):
        images = images.reshape(-1, 28 * 28).to(device)
        labels = labels.to(device)
        outputs = model(images)
        loss = criterion(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (i + 1) % 2 == 0:
            print(f"Epoch [{epoch + 1}/{num_epochs}], Step [{i + 1}/{total_step}], Loss: {loss.item():.4f}")

with torch.no_grad():
    correct = 0
    total = 0
    for images, labels in test_loader:
        images = images.reshape(-1, 28 * 28).to(device)
        labels = labels.to(device)
        outputs = model(images)
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
    print(f"Accuracy of the network on the {total} test images: {100 * correct / total} %")

torch.save(model.state_dict(), CHECKPOINT)
"""


def write_idx(path, array):
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def small_mnist(tmp_path):
    """Four files in MNIST's format: each class is a bright square at a place of its own, in noise."""
    random = np.random.default_rng(0)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 450), ("t10k", 120)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = random.integers(0, 100, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels):
            row, column = divmod(int(label), 4)
            image[8 * row : 8 * row + 6, 7 * column : 7 * column + 6] += 120
        write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    return tmp_path


def run(text, root, checkpoint):
    """What the script prints, as lines, and its names afterwards."""
    printed = io.StringIO()
    names = {"__name__": "tutorial", "ROOT": str(root), "CHECKPOINT": str(checkpoint)}
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "tutorial", "exec"), names)
    return printed.getvalue().splitlines(), names


def test_only_the_import_lines_change(small_mnist, tmp_path):
    changed = SCRIPT.replace(
        "import torch\nimport torch.nn as nn", "import minigrad as torch\nimport minigrad.nn as nn"
    )
    assert [line for line in changed.splitlines() if line not in SCRIPT.splitlines()] == [
        "import minigrad as torch",
        "import minigrad.nn as nn",
    ]
    ours = tmp_path / "ours.ckpt"
    theirs = tmp_path / "theirs.ckpt"
    seeded = "import torch\ntorch.manual_seed(7)\n"
    printed, names = run(seeded.replace("import torch\n", "import minigrad as torch\n") + changed, small_mnist, ours)
    their_print, their_names = run(seeded + SCRIPT, small_mnist, theirs)

    assert names["torch"].__name__ == "minigrad" and len(printed) == 5 and printed[-1] == their_print[-1]
    for mine, yours in zip(printed[:-1], their_print[:-1]):
        assert mine.rpartition(" ")[0] == yours.rpartition(" ")[0]
        assert abs(float(mine.split()[-1]) - float(yours.split()[-1])) < 2e-4  # four digits are printed
    assert float(re.search(r": ([\d.]+) %", printed[-1])[1]) > 60
    assert names["predicted"].tolist() == their_names["predicted"].tolist()

    state = torch.load(ours, weights_only=True)
    their_state = torch.load(theirs, weights_only=True)
    assert list(state) == list(their_state) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    for name, values in state.items():
        compare_values(name, values, their_state[name], "training after a kink").check()
    names["model"].load_state_dict(names["torch"].load(theirs))
    assert names["model"].fc2.bias.tolist() == their_state["fc2.bias"].tolist()


LAYERS = """
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class CustomLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super(CustomLinear, self).__init__()
        self.weight = nn.Parameter(torch.Tensor(out_features, in_features))
        self.bias = nn.Parameter(torch.Tensor(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(self.weight)
        bound = 1 / math.sqrt(fan_in)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        normalized_weight = self.weight / self.weight.norm(dim=1, keepdim=True)
        return F.linear(input, normalized_weight, self.bias)


class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=1):
        super(ConvBlock, self).__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.block(x)


class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super(ResidualBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        residual = self.shortcut(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += residual
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super(ResNet, self).__init__()
        self.in_channels = 16
        self.first = ConvBlock(3, 16)
        self.pool = nn.MaxPool2d(2)
        self.layer1 = self._make_layer(block, 16, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 32, num_blocks[1], stride=2)
        self.drop = nn.Dropout(0.0)
        self.fc = CustomLinear(32 * 2 * 2, num_classes)

    def _make_layer(self, block, out_channels, num_blocks, stride):
        strides = [stride] + [1] * (num_blocks - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_channels, out_channels, stride))
            self.in_channels = out_channels
        return nn.Sequential(*layers)

    def forward(self, x):
        out = self.pool(self.first(x))
        out = self.layer2(self.layer1(out))
        out = F.avg_pool2d(out, 2)
        out = out.view(out.size(0), -1)
        return self.fc(self.drop(out))


torch.manual_seed(0)
model = ResNet(ResidualBlock, [2, 2]).double()
print(model)
print(sum(p.numel() for p in model.parameters() if p.requires_grad))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
images = torch.rand(8, 3, 16, 16, dtype=torch.float64)
labels = torch.randint(0, 10, (8,))
losses = []
for step in range(4):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
model.eval()
with torch.no_grad():
    scores = model(images)
"""


def test_the_tutorials_layers_and_networks(tmp_path):
    """Its custom layer, blocks and residual network: printed, initialised, trained and evaluated the same."""
    changed = re.sub("^import torch", "import minigrad as torch", LAYERS, flags=re.MULTILINE)
    changed = changed.replace("import minigrad as torch.nn", "import minigrad.nn")
    different = [line for line in changed.splitlines() if line not in LAYERS.splitlines()]
    assert different == ["import minigrad as torch", "import minigrad.nn as nn", "import minigrad.nn.functional as F"]
    printed, ours = run(changed, tmp_path, tmp_path)
    their_print, theirs = run(LAYERS, tmp_path, tmp_path)
    assert printed == their_print and len(printed) > 40
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-9)
    compare_values("scores", ours["scores"], theirs["scores"], "network float64").check()
    for name, value in ours["model"].state_dict().items():
        compare_values(name, value, theirs["model"].state_dict()[name], "network float64").check()
