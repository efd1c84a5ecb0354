"""A multilayer perceptron for 28×28 images: the tutorial's first network."""

from __future__ import annotations

from minigrad import Tensor, nn

__all__ = ["NeuralNet"]


class NeuralNet(nn.Module):
    """scores = W₂ max(W₁ x + b₁, 0) + b₂: one hidden layer with a ReLU.

    Shapes: x (N, input_size) -> scores (N, num_classes), both of the weights' dtype, float32 by default.
    The scores are no probabilities: ``nn.CrossEntropyLoss`` applies the softmax.

    Initial weights: a layer with ``in_features`` inputs draws its weights, then its biases, evenly from
    ±1/√in_features, which is ``nn.Linear``'s default. By default there are 397,510 of both.

    Raises:
        RuntimeError: at the call, if x does not have input_size columns.

    Source: the feed-forward network of yunjey/pytorch-tutorial;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """

    def __init__(self, input_size: int = 784, hidden_size: int = 500, num_classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:  # (N, input_size)
        out: Tensor = self.fc1(x)  # (N, hidden_size)
        out = self.relu(out)
        out = self.fc2(out)  # (N, num_classes)
        return out
