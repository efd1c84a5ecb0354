"""A character-level transformer written for PyTorch, trained on both engines by changing the import: in step."""

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values

TEXT = (
    "Nothing in life is to be feared, it is only to be understood. Now is the time to understand more, so that we may "
    "fear less. "
) * 4
ALPHABET = sorted(set(TEXT))
CONTEXT, BATCH, STEPS = 16, 8, 25


def character_model(e):
    """The model, as its author would write it after ``import torch as e``."""
    nn, F = e.nn, e.nn.functional

    class SelfAttention(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads = heads
            self.qkv = nn.Linear(width, 3 * width)
            self.project = nn.Linear(width, width)

        def forward(self, x):
            batch, length, width = x.shape
            q, k, v = self.qkv(x).split(width, dim=2)
            q, k, v = (t.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.project(y.transpose(1, 2).contiguous().view(batch, length, width))

    class Block(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.attention = SelfAttention(width, heads)
            self.norm2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class CharacterModel(nn.Module):
        def __init__(self, characters, width=32, heads=4, layers=2):
            super().__init__()
            self.token = nn.Embedding(characters, width)
            self.position = nn.Embedding(CONTEXT, width)
            self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, characters, bias=False)

        def forward(self, indices):
            x = self.token(indices) + self.position(e.arange(indices.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return CharacterModel(len(ALPHABET))


def train(e):
    """The losses of all steps with AdamW, and the model."""
    e.manual_seed(1337)
    e.set_default_dtype(e.float64)
    try:
        data = e.tensor([ALPHABET.index(character) for character in TEXT])
        model = character_model(e)
        optimizer = e.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
        schedule = e.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        losses = []
        for _ in range(STEPS):
            starts = e.randint(len(data) - CONTEXT, (BATCH,))
            inputs = e.stack([data[start : start + CONTEXT] for start in starts])
            targets = e.stack([data[start + 1 : start + CONTEXT + 1] for start in starts])
            scores = model(inputs)
            loss = e.nn.functional.cross_entropy(scores.view(-1, scores.size(-1)), targets.view(-1))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            e.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        return losses, model
    finally:
        e.set_default_dtype(e.float32)


def test_in_step():
    (our_losses, ours), (their_losses, theirs) = train(minigrad), train(torch)
    assert our_losses == pytest.approx(their_losses, rel=1e-9, abs=0)
    assert np.mean(our_losses[-5:]) < np.mean(our_losses[:5]) - 0.5  # it learns
    their_weights = theirs.state_dict()
    assert list(ours.state_dict()) == list(their_weights)
    for name, weight in ours.state_dict().items():
        compare_values(name, weight, their_weights[name], "training float64").check()
