"""``torch_impl.data.augmentation``: each image is shifted and mirrored as drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from torch_impl.data import Augmentation


@pytest.mark.parametrize("mirror", [False, True])
def test_shift_and_mirror_pixel_by_pixel(mirror: bool) -> None:
    images = torch.rand(40, 3, 24, 16)
    augmentation = Augmentation(mirror)
    changes = augmentation.draw(40, (24, 16), torch.Generator().manual_seed(0))
    found = augmentation.apply(images, changes).numpy()
    assert found.shape == images.shape
    for image, (down, right, mirrored), result in zip(images.numpy(), changes.tolist(), found):
        padded = np.pad(image, ((0, 0), (3, 3), (2, 2)))
        expected = padded[:, down : down + 24, right : right + 16]
        np.testing.assert_array_equal(result, expected[:, :, ::-1] if mirrored else expected)


def test_all_that_can_be_drawn_is_drawn() -> None:
    changes = Augmentation(mirror=True).draw(2000, (24, 16), torch.Generator().manual_seed(0))
    assert [sorted(set(column.tolist())) for column in changes.T] == [list(range(7)), list(range(5)), [0, 1]]
    assert not Augmentation(mirror=False).draw(2000, (24, 16), torch.Generator())[:, 2].any()
