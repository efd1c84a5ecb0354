"""Programs as PyTorch's users write them, run on both engines by changing the import alone: the same losses.

Each takes the engine as ``torch`` and returns what it would print. Nothing is copied between the two: weights, batches,
noise and dropout masks come from the seed.
"""

import copy
import math
import random

import numpy as np
import pytest
import torch

import minigrad

ENGINES = {"minigrad": minigrad, "torch": torch}
STEPS = 12


def digits(torch, count):
    """Images of 64 numbers, and labels that a linear layer can learn."""
    images = torch.rand(count, 64)
    return images, (images @ torch.randn(64, 10)).argmax(1)


def learning_pytorch_with_examples(torch):
    """A third-order polynomial fitted to a sine: with a rule of one's own, and with control flow and shared weights."""

    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    class DynamicNet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.d, self.e = [torch.nn.Parameter(torch.randn(())) for _ in range(5)]

        def forward(self, x):
            y = self.a + self.b * x + self.c * x**2 + self.d * x**3
            for exponent in range(4, random.randint(4, 6)):
                y = y + self.e * x**exponent
            return y

    device, losses = torch.device("cpu"), []
    x = torch.linspace(-math.pi, math.pi, 2000, device=device)
    y = torch.sin(x)
    weights = [torch.full((), value, device=device, requires_grad=True) for value in (0.0, -1.0, 0.0, 0.3)]
    a, b, c, d = weights
    for _ in range(STEPS):
        loss = (a + b * LegendrePolynomial3.apply(c + d * x) - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for weight in weights:
                weight -= 5e-6 * weight.grad
                weight.grad = None
    random.seed(0)
    model = DynamicNet()
    criterion = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
    for _ in range(STEPS):
        loss = criterion(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def what_is_torch_nn_really(torch):
    """A classifier: by hand, then with modules, data loaders and dropout; the best weights are kept."""
    nn, F = torch.nn, torch.nn.functional
    x_train, y_train = digits(torch, 160)
    weights = torch.randn(64, 10) / math.sqrt(64)
    weights.requires_grad_()
    bias = torch.zeros(10, requires_grad=True)
    losses = []
    for start in range(0, 160, 32):
        xb, yb = x_train[start : start + 32], y_train[start : start + 32]
        scores = xb @ weights + bias
        log_softmax = scores - scores.exp().sum(-1).log().unsqueeze(-1)
        loss = -log_softmax[range(yb.shape[0]), yb].mean()
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            weights -= weights.grad * 0.5
            bias -= bias.grad * 0.5
            weights.grad.zero_()
            bias.grad.zero_()
    train, valid = torch.utils.data.random_split(torch.utils.data.TensorDataset(x_train, y_train), [128, 32])
    batches = torch.utils.data.DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    best = math.inf
    for _ in range(5):
        model.train()
        for xb, yb in batches:
            loss = F.cross_entropy(model(xb), yb, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), model.parameters()):
                    slow.mul_(0.9).add_(fast.detach(), alpha=0.1)
        average.eval()
        with torch.inference_mode():
            loaded = torch.utils.data.DataLoader(valid, batch_size=64)
            error = sum(F.cross_entropy(average(xb), yb, reduction="sum").item() for xb, yb in loaded)
        scheduler.step(error)
        losses.append(error)
        if error < best:
            best, state = error, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    return [*losses, sum(parameter.sum().item() for parameter in model.parameters())]


def variational_autoencoder_against_a_critic(torch):
    """The reparameterisation's noise, and a gradient penalty, which differentiates a gradient."""
    nn, F = torch.nn, torch.nn.functional
    encoder, decoder = nn.Linear(64, 8), nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())
    critic = nn.Sequential(nn.Linear(64, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    critic_optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-3)
    images, losses = torch.rand(16, 64), []
    for _ in range(STEPS):
        mean, log_variance = encoder(images).chunk(2, dim=1)
        hidden = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        made = decoder(hidden)
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = F.binary_cross_entropy(made, images, reduction="sum") + divergence - critic(made).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        alpha = torch.rand(16, 1).expand_as(images)
        between = (alpha * images + (1 - alpha) * made.detach()).requires_grad_(True)
        score = critic(between)
        (gradient,) = torch.autograd.grad(
            outputs=score,
            inputs=between,
            grad_outputs=torch.ones(score.size()),
            create_graph=True,
            retain_graph=True,
            only_inputs=True,
        )
        penalty = ((gradient.view(16, -1).norm(2, dim=1) - 1) ** 2).mean() * 10
        critic_loss = critic(made.detach()).mean() - critic(images).mean() + penalty
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()
        losses += [loss.item(), critic_loss.item()]
    return losses


def small_gpt(torch):
    """A transformer of characters: causal attention by hand, weights from N(0, 0.02), and text drawn from it."""
    nn, F = torch.nn, torch.nn.functional
    batch, length, characters, width = 4, 8, 13, 16

    class Head(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.key, self.query, self.value = [nn.Linear(width, size, bias=False) for _ in range(3)]
            self.register_buffer("tril", torch.tril(torch.ones(length, length)))

        def forward(self, x):
            time = x.shape[1]
            scores = self.query(x) @ self.key(x).transpose(-2, -1) * width**-0.5
            scores = scores.masked_fill(self.tril[:time, :time] == 0, float("-inf"))
            return F.dropout(F.softmax(scores, dim=-1), 0.1, self.training) @ self.value(x)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleList([Head(width // 4) for _ in range(4)])
            self.ff = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)

        def forward(self, x):
            normalised = self.ln1(x)
            x = x + torch.cat([head(normalised) for head in self.heads], dim=-1)
            return x + self.ff(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.position = nn.Embedding(characters, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(Block(), Block())
            self.head = nn.Linear(width, characters)
            self.apply(self.start)

        def start(self, module):
            if isinstance(module, (nn.Linear, nn.Embedding)):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, index):
            return self.head(self.blocks(self.token(index) + self.position(torch.arange(index.shape[1]))))

    data, model, losses = torch.randint(characters, (200,)), GPT(), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(STEPS):
        starts = torch.randint(len(data) - length, (batch,))
        x = torch.stack([data[start : start + length] for start in starts])
        y = torch.stack([data[start + 1 : start + length + 1] for start in starts])
        loss = F.cross_entropy(model(x).view(-1, characters), y.view(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    index = torch.zeros((1, 1), dtype=torch.long)
    for _ in range(12):
        chances = F.softmax(model(index[:, -length:])[:, -1, :], dim=-1)
        index = torch.cat((index, torch.multinomial(chances, num_samples=1)), dim=1)
    return losses + index[0].tolist()


def meta_learning_and_newton(torch):
    """Steps of learning inside the loss (MAML), and Newton's by conjugate gradients on Hessian-vector products."""
    F = torch.nn.functional
    net = torch.nn.Sequential(torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1))
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=1e-2), []

    def forward(x, weights):
        return F.linear(torch.tanh(F.linear(x, weights[0], weights[1])), weights[2], weights[3])

    for _ in range(STEPS // 2):
        phase, x, other = torch.rand(1) * math.pi, torch.rand(10, 1) * 10 - 5, torch.rand(10, 1) * 10 - 5
        weights = list(net.parameters())
        for _ in range(2):
            inner = F.mse_loss(forward(x, weights), torch.sin(x + phase))
            gradients = torch.autograd.grad(inner, weights, create_graph=True)
            weights = [weight - 0.01 * gradient for weight, gradient in zip(weights, gradients)]
        loss = F.mse_loss(forward(other, weights), torch.sin(other + phase))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    def rosenbrock(x):
        return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = torch.tensor([-1.2, 1.0, -0.5], requires_grad=True)
    for _ in range(STEPS // 2):
        value = rosenbrock(x)
        losses.append(value.item())
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        step, residual = torch.zeros(3), -gradient.detach().clone()
        direction, square = residual.clone(), residual @ residual
        for _ in range(3):
            (product,) = torch.autograd.grad(gradient @ direction, x, retain_graph=True)
            length = square / (direction @ product)
            step += length * direction
            residual -= length * product
            direction, square = residual + residual @ residual / square * direction, residual @ residual
        with torch.no_grad():
            x += 0.5 * step
    return [*losses, torch.autograd.functional.hessian(rosenbrock, x.detach()).sum().item()]


def policy_and_words(torch):
    """REINFORCE with actions drawn by their probability, and skip-gram embeddings with negative samples."""
    nn, F = torch.nn, torch.nn.functional
    policy = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer, losses = torch.optim.Adam(policy.parameters(), lr=1e-2), []
    for _ in range(STEPS):
        state = torch.randn(16, 4)
        log_chances = F.log_softmax(policy(state), dim=-1)
        action = torch.multinomial(log_chances.exp(), 1)
        reward = (action.squeeze(1) == (state.sum(1) > 0).long()).double()
        loss = -(log_chances.gather(1, action).squeeze(1) * (reward - reward.mean())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    inner, outer = nn.Embedding(20, 8), nn.Embedding(20, 8)
    optimizer = torch.optim.SGD([{"params": inner.parameters()}, {"params": outer.parameters(), "lr": 0.3}], lr=0.5)
    for _ in range(STEPS):
        centre, context, noise = torch.randint(20, (16,)), torch.randint(20, (16,)), torch.randint(0, 20, (16, 5))
        vectors = inner(centre)
        near = F.logsigmoid((vectors * outer(context)).sum(1))
        far = F.logsigmoid(-torch.bmm(outer(noise), vectors.unsqueeze(2)).squeeze(2)).sum(1)
        loss = -(near + far).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [*losses, F.cosine_similarity(inner.weight[0:1], inner.weight).sum().item()]


PROGRAMS = [
    learning_pytorch_with_examples,
    what_is_torch_nn_really,
    variational_autoencoder_against_a_critic,
    small_gpt,
    meta_learning_and_newton,
    policy_and_words,
]
WITH_MASKS = [what_is_torch_nn_really, small_gpt, policy_and_words]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_same_losses_by_changing_the_import(program, request):
    if program in WITH_MASKS:
        request.getfixturevalue("without_mkl")
    printed = []
    for engine in ENGINES.values():
        try:
            engine.set_default_dtype(engine.float64)
            engine.manual_seed(3)
            printed.append(program(engine))
        finally:
            engine.set_default_dtype(engine.float32)
    ours, theirs = printed
    assert len(ours) == len(theirs) and len(set(theirs)) > STEPS // 2
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
