"""``memory_format`` where a program passes it: strides, nodes and values are PyTorch's, through a network too."""

import pytest

from comparisons.outcomes import check_outcome

CALLS = {
    "contiguous": lambda e, x: x.contiguous(memory_format=e.channels_last),
    "contiguous, as it is": lambda e, x: x.contiguous(memory_format=e.contiguous_format),
    "back": lambda e, x: x.contiguous(memory_format=e.channels_last).contiguous(),
    "clone": lambda e, x: x.clone(memory_format=e.channels_last),
    "clone of what lies otherwise": lambda e, x: x.transpose(1, 3).clone(memory_format=e.contiguous_format),
    "clone, preserved": lambda e, x: x.transpose(0, 1).clone(memory_format=e.preserve_format),
    "to": lambda e, x: x.to(memory_format=e.channels_last),
    "to what it is": lambda e, x: x.to(memory_format=e.contiguous_format) is x,
    "to another type": lambda e, x: x.to(e.float64, memory_format=e.channels_last),
    "to, back": lambda e, x: x.to(memory_format=e.channels_last).to(memory_format=e.contiguous_format),
    "to, twice": lambda e, x: (y := x.to(memory_format=e.channels_last)).to(memory_format=e.channels_last) is y,
    "empty": lambda e, x: e.empty(2, 3, 4, 5, memory_format=e.channels_last).zero_(),
    "empty, flat": lambda e, x: e.empty(6, memory_format=e.channels_last),
    "empty, preserved": lambda e, x: e.empty(6, memory_format=e.preserve_format),
    "empty_like": lambda e, x: e.empty_like(x, memory_format=e.channels_last).fill_(2),
    "zeros_like": lambda e, x: e.zeros_like(x.transpose(1, 2), memory_format=e.contiguous_format),
    "ones_like": lambda e, x: e.ones_like(x, memory_format=e.channels_last),
    "full_like": lambda e, x: e.full_like(x, 3, memory_format=e.channels_last),
    "rand_like": lambda e, x: e.rand_like(x, memory_format=e.channels_last),
    "randint_like": lambda e, x: e.randint_like(x, 9, memory_format=e.channels_last),
    "volumes": lambda e, x: x[:, None].contiguous(memory_format=e.channels_last_3d),
    "not a volume": lambda e, x: x.contiguous(memory_format=e.channels_last_3d),
    "not a picture": lambda e, x: x[0].clone(memory_format=e.channels_last),
    "nothing to change": lambda e, x: x.contiguous(memory_format=e.preserve_format) is x,
    "nothing to preserve": lambda e, x: x.transpose(0, 1).contiguous(memory_format=e.preserve_format),
    "no format": lambda e, x: x.contiguous(memory_format="channels_last"),
    "asked": lambda e, x: [
        each.is_contiguous(memory_format=order)
        for each in (x, x.contiguous(memory_format=e.channels_last), x[:, :1], x[..., ::2], x[0])
        for order in (e.contiguous_format, e.channels_last, e.channels_last_3d)
    ],
    "asked whether preserved": lambda e, x: [
        each.is_contiguous(memory_format=e.preserve_format) for each in (x, x.transpose(0, 1))
    ],
    "names": lambda e, x: [str(each).rpartition(".")[2] for each in (e.channels_last, e.preserve_format)],
}


def with_layout(e, result):
    """A result and what there is to tell of how it lies and was made."""
    if not isinstance(result, e.Tensor):
        return result
    node = result.grad_fn and result.grad_fn.name()
    return result.detach(), result.stride(), result.is_contiguous(memory_format=e.channels_last), node


@pytest.mark.parametrize("name", CALLS)
def test_strides(name):
    def call(e):
        e.manual_seed(0)
        return with_layout(e, CALLS[name](e, e.rand(2, 3, 4, 5, requires_grad=True)))

    check_outcome(name, call)


@pytest.mark.parametrize("last", ["pictures", "network", "both"])
def test_a_network_whose_pictures_or_weights_lie_channels_last(last):
    """Through convolution, normalisation, activation and pooling, and the gradients; in float64, for the values."""

    def call(e):
        e.manual_seed(0)
        layers = [e.nn.Conv2d(3, 4, 3, padding=1), e.nn.BatchNorm2d(4), e.nn.ReLU(), e.nn.MaxPool2d(2)]
        layers += [e.nn.Conv2d(4, 2, 1), e.nn.AdaptiveAvgPool2d(2)]
        model, x = e.nn.Sequential(*layers).double(), e.rand(2, 3, 8, 8, dtype=e.float64)
        if last != "pictures":
            assert model.to(memory_format=e.channels_last) is model
        x = x.contiguous(memory_format=e.channels_last) if last != "network" else x
        x.requires_grad_()
        told, y = [model[0].weight.stride(), model[0].bias.stride()], x
        for layer in model:
            y = layer(y)
            told.append(with_layout(e, y)[1:])
        y.square().sum().backward()
        return (
            told,
            y.detach(),
            x.grad,
            model[0].weight.grad,
            [each.stride() for each in (x.grad, model[0].weight.grad)],
        )

    check_outcome(last, call)
