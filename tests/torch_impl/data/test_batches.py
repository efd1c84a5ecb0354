"""``torch_impl.data.batches`` and ``streaming``: the order, the shares of processes and pieces, going on in between."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, Dataset, TensorDataset

from torch_impl.data import Augmentation, Batches, DataError, Loader, Stream, as_floats, make_loader
from torch_impl.data.folders import PictureFiles

CPU = torch.device("cpu")


def numbered(count: int) -> TensorDataset:
    """Images whose pixels are their number, and labels that are it too."""
    numbers = torch.arange(count)
    return TensorDataset(numbers.float().reshape(-1, 1, 1, 1).expand(-1, 2, 8, 8).contiguous(), numbers)


class OnDisk(Dataset[Any]):
    """The same images as if each had to be read."""

    def __init__(self, count: int) -> None:
        self.whole = numbered(count)

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = self.whole[index]
        return image, int(label)


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def labels_of(loader: Loader) -> list[list[int]]:
    return [labels.tolist() for _, labels, _ in loader]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", [Batches, Stream])
def test_batches_are_those_of_a_data_loader(kind: Any, shuffle: bool) -> None:
    """Two epochs, the last batch shorter, and the generator left in the same state."""
    generators = seeded(), seeded()
    ours = kind(numbered(25), 6, CPU, generator=generators[0] if shuffle else None)
    theirs = DataLoader(numbered(25), 6, shuffle=shuffle, generator=generators[1])
    assert len(ours) == len(theirs) == ours.steps == 5
    for _ in range(2):
        for (images, labels, step_size), (their_images, their_labels) in zip(ours, theirs, strict=True):
            assert torch.equal(images, their_images) and torch.equal(labels, their_labels)
            assert step_size == len(labels)
    if shuffle:
        assert torch.equal(generators[0].get_state(), generators[1].get_state())


@pytest.mark.parametrize("kind", [Batches, Stream])
@pytest.mark.parametrize("count", [1, 5, 24, 25, 29])
@pytest.mark.parametrize(("world_size", "pieces"), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 3)])
def test_every_image_once_whatever_the_number_of_processes_and_pieces(
    kind: Any, count: int, world_size: int, pieces: int
) -> None:
    whole = labels_of(Batches(numbered(count), 6, CPU, generator=seeded()))
    loaders = [
        kind(numbered(count), 6, CPU, generator=seeded(), pieces=pieces, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    shares = [list(loader) for loader in loaders]
    assert {len(share) for share in shares} == {len(loader) for loader in loaders} == {len(whole) * pieces}
    for step, expected in enumerate(whole):
        found = []
        for share in shares:
            for images, labels, step_size in share[step * pieces : (step + 1) * pieces]:
                assert len(images) == len(labels) and step_size == len(expected)
                found += labels.tolist()
        assert found == expected


@pytest.mark.parametrize("kind", [Batches, Stream])
@pytest.mark.parametrize("stop", [0, 1, 3, 5])
def test_going_on_within_an_epoch(kind: Any, stop: int) -> None:
    """The pieces from there on, their augmentation, and the epoch after it are those of the loader not stopped."""
    arguments: dict[str, Any] = {"augmentation": Augmentation(mirror=True)}
    first = kind(numbered(25), 6, CPU, generator=seeded(), **arguments)
    list(first)
    states, expected = [first.state_dict()], []
    for piece in first:
        expected.append(piece)
        states.append(first.state_dict())
    expected += list(first)

    second = kind(numbered(25), 6, CPU, generator=seeded(99), **arguments)
    second.load_state_dict(states[stop])
    found = [*second, *second]
    assert len(found) == 10 - stop
    for (images, labels, _), (their_images, their_labels, _) in zip(found, expected[stop:], strict=True):
        assert torch.equal(images, their_images) and torch.equal(labels, their_labels)


@pytest.mark.parametrize(("world_size", "pieces"), [(2, 1), (2, 3)])
def test_augmentation_does_not_depend_on_the_number_of_processes(world_size: int, pieces: int) -> None:
    arguments: dict[str, Any] = {"augmentation": Augmentation(mirror=True)}
    images = torch.rand(25, 1, 16, 16, generator=seeded())
    dataset = TensorDataset(images, torch.arange(25))
    (alone,) = [dict(by_label(Batches(dataset, 10, CPU, generator=seeded(), **arguments)))]
    assert not torch.equal(alone[0], images[0]) or not torch.equal(alone[1], images[1])
    for rank in range(world_size):
        share = Batches(
            dataset, 10, CPU, generator=seeded(), pieces=pieces, rank=rank, world_size=world_size, **arguments
        )
        for label, image in by_label(share):
            assert torch.equal(image, alone[label])


def by_label(loader: Loader) -> list[tuple[int, Tensor]]:
    pairs = []
    for images, labels, _ in loader:
        pairs += [(int(label), image) for image, label in zip(images, labels)]
    return pairs


def test_channels_last() -> None:
    for loader in (Batches(numbered(5), 2, CPU, channels_last=True), Stream(numbered(5), 2, CPU, channels_last=True)):
        for images, _, _ in loader:
            assert images.is_contiguous(memory_format=torch.channels_last)
            assert not images.is_contiguous()


def test_make_loader() -> None:
    assert isinstance(make_loader(numbered(5), 2, CPU), Batches)
    assert isinstance(make_loader(OnDisk(5), 2, CPU, workers=0), Stream)


def test_workers_read_the_same_as_none() -> None:
    loaders = [Stream(OnDisk(25), 6, CPU, workers, generator=seeded()) for workers in (0, 2)]
    first, second = ([labels_of(loader) for _ in range(2)] for loader in loaders)
    assert first == second and first[0] != first[1]


def in_bytes(count: int) -> TensorDataset:
    images = torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=seeded())
    return TensorDataset(images, torch.arange(count))


@pytest.mark.parametrize("kind", [Batches, Stream])
def test_bytes_become_the_floats_that_to_tensor_gives(kind: Any) -> None:
    """Shifted and mirrored alike, with the bits of a division by 255."""
    dataset = in_bytes(25)
    as_they_were = TensorDataset(dataset.tensors[0].float().div(255), dataset.tensors[1])
    arguments: dict[str, Any] = {"augmentation": Augmentation(mirror=True)}
    loaders = [kind(each, 6, CPU, generator=seeded(), **arguments) for each in (dataset, as_they_were)]
    for (images, labels, _), (their_images, their_labels, _) in zip(*loaders, strict=True):
        assert images.dtype == torch.float32
        assert torch.equal(images, their_images) and torch.equal(labels, their_labels)
    assert as_floats(their_images) is their_images


class Moves(TorchFunctionMode):
    """The tensors that are moved to a device, and whether that waits."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[tuple[torch.dtype, bool]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.to:
            self.moved.append((args[0].dtype, kwargs.get("non_blocking", False)))
        return func(*args, **(kwargs or {}))


def test_a_stream_sends_bytes_from_pinned_memory_without_waiting() -> None:
    device = torch.device("meta")  # stands for a GPU
    with Moves() as moves:
        ((images, _, _),) = Stream(in_bytes(5), 5, device)
    assert moves.moved == [(torch.uint8, True), (torch.int64, True)]
    assert (images.device, images.dtype, images.shape) == (device, torch.float32, (5, 3, 8, 8))
    pinned = [Stream(in_bytes(5), 5, torch.device(kind)).reader.pin_memory for kind in ("cpu", "mps", "cuda:1", "xpu")]
    assert pinned == [False, False, True, True]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_is_lost_while_it_is_needed_is_named(workers: int, tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    stream = Stream(PictureFiles([(tmp_path / f"{number}.png", number) for number in range(4)], 8), 2, CPU, workers)
    assert labels_of(stream) == [[0, 1], [2, 3]]
    (tmp_path / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"^cannot read .*3\.png as a picture .*: it is damaged, or of another kind$"):
        labels_of(stream)
    del stream
    assert multiprocessing.active_children() == [], "the workers end with the stream, which the error does not keep"
