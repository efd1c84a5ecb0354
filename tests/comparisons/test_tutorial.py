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
