"""Shifted and mirrored images: a whole batch at once, on the device that it is on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """Each image is shifted by up to an eighth of its size, what comes in at the edge being 0, and may be mirrored.

    For 32×32 that is a random crop after padding by 4, as in He et al., "Deep Residual Learning", 2015, section 4.2.

    Attributes:
        mirror: whether half of the images are mirrored, left to right: not where the mirror image of a 2 is no 2.
    """

    mirror: bool

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """What happens to each of ``count`` images of ``size`` (H, W): (count, 3) int64, on the CPU.

        The columns are the rows and columns that are cut away at the top and left after padding, and 1 to mirror.
        """
        down = torch.randint(0, 2 * margin(size[0]) + 1, (count,), generator=generator)
        right = torch.randint(0, 2 * margin(size[1]) + 1, (count,), generator=generator)
        mirrored = torch.randint(0, 2 if self.mirror else 1, (count,), generator=generator)
        return torch.stack([down, right, mirrored], dim=1)

    def apply(self, images: Tensor, changes: Tensor) -> Tensor:
        """The changed images. Shapes: images (N, C, H, W), changes (N, 3) as drawn -> (N, C, H, W)."""
        count, channels, height, width = images.shape
        device = images.device
        down, right, mirrored = changes.to(device, non_blocking=True).unbind(1)  # (N,) each
        rows = down[:, None] + torch.arange(height, device=device)  # (N, H)
        columns = right[:, None] + torch.arange(width, device=device)  # (N, W)
        columns = torch.where(mirrored[:, None] == 1, columns.flip(1), columns)
        above, beside = margin(height), margin(width)
        padded = F.pad(images, (beside, beside, above, above))
        image = torch.arange(count, device=device)[:, None, None, None]
        channel = torch.arange(channels, device=device)[None, :, None, None]
        return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def margin(size: int) -> int:
    """How far an image of this height or width is shifted at most."""
    return size // 8
