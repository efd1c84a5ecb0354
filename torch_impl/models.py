"""The networks. So far the tutorial's first: a multilayer perceptron for 28×28 images.

How they are trained is in ``training.py``.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["NeuralNet"]


class NeuralNet(nn.Module):
    """y = W₂ max(W₁ x + b₁, 0) + b₂: one hidden layer with a ReLU.

    Shapes: x (N, input_size) -> scores (N, num_classes), which are no probabilities: the loss applies softmax.
    Weights and biases begin evenly distributed in ±1/√(the layer's input size), PyTorch's default.
    """

    def __init__(self, input_size: int = 784, hidden_size: int = 500, num_classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        out = self.fc1(x)
        out = self.relu(out)
        out = self.fc2(out)
        return out
