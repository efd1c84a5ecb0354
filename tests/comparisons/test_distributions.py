"""Distributions on both engines: what they print, draw, compute and refuse; densities, draws and their gradients.

At the end two programs that use them, an autoencoder and a policy.
"""

import importlib

import numpy as np
import pytest
import torch

import minigrad
from comparisons.comparing import compare_values
from comparisons.outcomes import check_program, outcome

rng = np.random.default_rng(0)
POSITIVE = np.abs(rng.normal(size=(2, 3))) + 0.3
REAL = rng.normal(size=(2, 3))
SHARES = rng.uniform(0.1, 0.9, size=(2, 3))
MANY = np.exp(rng.uniform(-2, 4, size=60))  # shapes in all ranges for which a gradient has its own formula

# A class and its arguments: arrays become tensors.
CASES = {
    "Normal": ("Normal", REAL, POSITIVE[0]),
    "Normal of numbers": ("Normal", 0.5, 2.0),
    "Normal of none": ("Normal", REAL[:0], POSITIVE[0]),
    "Normal of many": ("Normal", REAL[:, :1], np.ones(30)),
    "Uniform": ("Uniform", -POSITIVE, POSITIVE[0]),
    "Laplace": ("Laplace", REAL, POSITIVE[0]),
    "Cauchy": ("Cauchy", REAL, POSITIVE[0]),
    "Gumbel": ("Gumbel", REAL, POSITIVE),
    "LogNormal": ("LogNormal", REAL, POSITIVE[0]),
    "HalfNormal": ("HalfNormal", POSITIVE),
    "Exponential": ("Exponential", POSITIVE),
    "Pareto": ("Pareto", POSITIVE, POSITIVE[:1] + np.array([0.0, 1.0, 2.0])),
    "Gamma": ("Gamma", MANY, np.ones(60)),
    "Gamma of two shapes": ("Gamma", POSITIVE[:, :1], POSITIVE),
    "Chi2": ("Chi2", POSITIVE * 4),
    "StudentT": ("StudentT", POSITIVE * 3, REAL[0], POSITIVE),
    "Beta": ("Beta", MANY, MANY[::-1].copy()),
    "Beta of two shapes": ("Beta", POSITIVE * 2, POSITIVE[0]),
    "Beta of numbers": ("Beta", 0.3, 9.0),
    "Dirichlet": ("Dirichlet", POSITIVE),
    "Poisson": ("Poisson", POSITIVE * 20),
    "Geometric": ("Geometric", SHARES),
    "Geometric of logits": ("Geometric", None, REAL),
    "Bernoulli": ("Bernoulli", SHARES),
    "Bernoulli of a logit": ("Bernoulli", None, 0.3),
    "Binomial": ("Binomial", 7, SHARES),
    "Binomial of logits": ("Binomial", np.full((2, 1), 40.0), None, REAL),
    "NegativeBinomial": ("NegativeBinomial", 7, SHARES),
    "NegativeBinomial of logits": ("NegativeBinomial", POSITIVE[:, :1], None, REAL),
    "Categorical": ("Categorical", SHARES),
    "Categorical of logits": ("Categorical", None, REAL[None]),
    "OneHotCategorical": ("OneHotCategorical", SHARES),
    "OneHotCategoricalStraightThrough": ("OneHotCategoricalStraightThrough", None, REAL),
    "Multinomial": ("Multinomial", 6, SHARES),
}
# Distributions of others, written out.
BUILT = {
    "Independent": lambda d, e, x, s: d.Independent(d.Normal(x, s), 1),
    "Independent of no dimension": lambda d, e, x, s: d.Independent(d.Bernoulli(logits=x), 0),
    "mixture": lambda d, e, x, s: d.MixtureSameFamily(d.Categorical(s), d.Normal(x, s)),
    "mixture of vectors": lambda d, e, x, s: d.MixtureSameFamily(
        d.Categorical(s[0, :2]), d.Independent(d.Laplace(x, s), 1)
    ),
    "tanh of a normal": lambda d, e, x, s: d.TransformedDistribution(d.Normal(x, s), d.TanhTransform(cache_size=1)),
    "vector": lambda d, e, x, s: d.TransformedDistribution(
        d.Independent(d.Uniform(-s, s), 1), [d.AffineTransform(x[0], s, event_dim=1), d.SigmoidTransform()]
    ),
    "falling": lambda d, e, x, s: d.TransformedDistribution(
        d.Normal(x, 1.0), d.ComposeTransform([d.AffineTransform(1.0, -2.0), d.ExpTransform(), d.SoftplusTransform()])
    ),
    "wider": lambda d, e, x, s: d.TransformedDistribution(
        d.Normal(0.0, s[0]), [d.AffineTransform(x, s), d.AffineTransform(1, 2)]
    ),
    "vectors": lambda d, e, x, s: d.MultivariateNormal(x, e.diag(s[0]) + 0.1),
    "vectors by precision": lambda d, e, x, s: d.MultivariateNormal(x[0], precision_matrix=e.diag_embed(s) + 0.1),
    "vectors by factor": lambda d, e, x, s: d.MultivariateNormal(x[0], scale_tril=(e.diag_embed(s) + 0.3).tril()),
    "nothing": lambda d, e, x, s: d.TransformedDistribution(d.Gumbel(x, s), []),
}
ABSENT = {("cdf", "Gamma"), ("cdf", "Chi2")}


def tensors_of(e, arguments, kind):
    return [
        e.tensor(each.astype(kind), requires_grad=True) if isinstance(each, np.ndarray) else each for each in arguments
    ]


def made(e, name, kind):
    """A distribution and the tensors that it is made of."""
    if name in BUILT:
        x, s = tensors_of(e, (REAL, POSITIVE), kind)
        return BUILT[name](e.distributions, e, x, s), [x, s]
    cls, *arguments = CASES[name]
    parameters = tensors_of(e, arguments, kind)
    distribution = getattr(e.distributions, cls)(*parameters)
    return distribution, [each for each in parameters if isinstance(each, e.Tensor)]


def gradients(e, result, inputs, create_graph=False):
    """Those of the sum of squares; nothing where there is none."""
    inputs = [each for each in inputs if each.requires_grad]
    if not isinstance(result, e.Tensor) or not result.requires_grad or not inputs:
        return []
    found = e.autograd.grad(
        (result * result).sum(), inputs, allow_unused=True, retain_graph=True, create_graph=create_graph
    )
    return [each for each in found if each is not None]


def properties(e, name, kind):
    """What a distribution is, without a draw."""
    distribution, parameters = made(e, name, kind)
    wider = distribution.expand((3, *distribution.batch_shape))
    for each in (distribution, wider):
        yield "", [repr(each), each.batch_shape, each.event_shape, each.has_rsample, each.has_enumerate_support]
        yield "support", outcome(lambda e, each=each: repr(each.support).split(), e)
        for moment in ("mean", "mode", "variance", "stddev", "covariance_matrix", "precision_matrix", "scale_tril"):
            yield moment, outcome(lambda e, each=each, moment=moment: getattr(each, moment), e)
        if each is wider and name == "Multinomial":
            continue  # PyTorch forgets the part that its entropy needs
        for told in ("entropy", "perplexity", "enumerate_support"):
            found = outcome(lambda e, each=each, told=told: getattr(each, told)(), e)
            yield told, found
            yield f"{told}'s gradients", gradients(e, found, parameters)
    yield "values", outcome(lambda e: distribution.enumerate_support(expand=False), e)


def draws(e, name, kind):
    """What is drawn, its density, and how both move with the parameters."""
    distribution, parameters = made(e, name, kind)
    e.manual_seed(1)
    for shape in ((), (2, 3)):
        for method in ("sample", "rsample"):
            drawn = outcome(lambda e, shape=shape, method=method: getattr(distribution, method)(shape), e)
            yield method, drawn
            yield f"{method}'s gradients", gradients(e, drawn, parameters)
            yield "the stream", e.rand(1)
        given = distribution.sample(shape)
        x = given.detach().clone()
        if x.is_floating_point() and not distribution.support.is_discrete:
            x.requires_grad_()
        density = distribution.log_prob(x)
        yield "log_prob", density
        first = gradients(e, density, [*parameters, x], create_graph=True)
        yield "log_prob's gradients", first
        yield "second gradients", [gradients(e, each, [*parameters, x]) for each in first]
        yield "cdf", outcome(lambda e, x=x: distribution.cdf(x), e)
        inside = e.linspace(0.05, 0.95, max(x.numel(), 1), dtype=getattr(e, kind))[: x.numel()].reshape(x.shape)
        yield "icdf", outcome(lambda e, inside=inside: distribution.icdf(inside), e)


def check(name, ours, theirs):
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs), (name, ours, theirs)
    elif isinstance(theirs, torch.Tensor):
        compare_values(name, ours, theirs, "second order" if theirs.dtype == torch.float64 else "float32").check()
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), name
        for first, second in zip(ours, theirs, strict=True):
            check(name, first, second)
    else:
        assert repr(ours).replace("minigrad", "torch") == repr(theirs), name


@pytest.mark.parametrize("name", [*CASES, *BUILT])
@pytest.mark.filterwarnings("ignore")
def test_distribution(name):
    for part in (properties, draws):
        both = zip(part(minigrad, name, "float64"), part(torch, name, "float64"), strict=True)
        for (told, ours), (_, theirs) in both:
            if (told, name.partition(" ")[0]) not in ABSENT:
                check(f"{name}.{told}", ours, theirs)


@pytest.mark.parametrize("name", [*CASES, *BUILT])
def test_draws_in_float32(name):
    def program(e):
        distribution, _ = made(e, name, "float32")
        e.manual_seed(1)
        return [distribution.sample(shape) for shape in ((), (2, 6))] + [e.rand(1)]

    check(name, program(minigrad), program(torch))


@pytest.mark.parametrize("name", minigrad.distributions.__all__)
def test_path(name):
    """A class is found under the path of PyTorch's file too."""
    theirs = getattr(torch.distributions, name)
    path = getattr(theirs, "__module__", torch.distributions.__name__).replace("torch", "minigrad")
    assert getattr(importlib.import_module(path), name) is getattr(minigrad.distributions, name)


# ---------------------------------------------------------------------------------------------------------- divergences

PAIRED = ["Normal", "Uniform", "Laplace", "Cauchy", "Gumbel", "LogNormal", "HalfNormal", "Exponential", "Chi2"]
PAIRED += ["StudentT", "Gamma of two shapes", "Beta of two shapes", "Dirichlet", "Poisson", "Geometric", "Bernoulli"]
PAIRED += ["Binomial", "Categorical", "OneHotCategorical", "Multinomial", "Independent", "tanh of a normal", "falling"]
PAIRED += ["Pareto", "vectors", "vectors by factor"]
INSIDE = {"Uniform": ("Uniform", np.array([[0.1], [-0.2]]), np.array([0.6, 0.9, 1.3]))}  # within another one's support


def divergence(e, first, second):
    p, parameters = made(e, first, "float64")
    q, others = made(e, second, "float64")
    if first == "Uniform":
        p = e.distributions.Uniform(*tensors_of(e, INSIDE[first][1:], "float64"))
        parameters = [p.low, p.high]
    found = e.distributions.kl_divergence(p, q)
    return [found, *gradients(e, found, [*parameters, *others])]


@pytest.mark.parametrize("first", PAIRED)
def test_divergence(first):
    for second in PAIRED:
        results = [
            outcome(lambda e, second=second: divergence(e, first, second), engine) for engine in (minigrad, torch)
        ]
        check(f"{first}, {second}", *results)


def registered(e):
    """The formula of the nearest classes, and a warning where two are as near."""
    d = e.distributions

    class P(d.Normal):
        pass

    class Q(P):
        pass

    d.register_kl(P, d.Normal)(lambda p, q: e.tensor(1.0))
    results = [
        d.kl_divergence(one, other) for one in (P(0.0, 1.0), Q(0.0, 1.0)) for other in (d.Normal(0.0, 2.0), P(0.0, 1.0))
    ]
    d.register_kl(d.Normal, Q)(lambda p, q: e.tensor(2.0))
    return [*results, d.kl_divergence(Q(0.0, 1.0), Q(0.0, 1.0))]


def test_registered_divergences():
    check_program("registered", registered)


# ------------------------------------------------------------------------------------------------------------- refusals

REFUSED = {
    "scale": lambda d, e: d.Normal(0.0, -1.0),
    "no scale": lambda d, e: d.Normal(0.0, 0.0),
    "no width": lambda d, e: d.Uniform(1.0, 1.0),
    "no rate": lambda d, e: [d.Poisson(0.0).sample(), outcome(lambda e: d.Exponential(0.0), e)],
    "a fraction": lambda d, e: d.Poisson(2.0).log_prob(e.tensor(1.5)),
    "half a success": lambda d, e: d.Bernoulli(0.5).log_prob(e.tensor(0.5)),
    "more than all": lambda d, e: d.Binomial(3, e.tensor(0.5)).log_prob(e.tensor(4.0)),
    "draws too many": lambda d, e: d.Multinomial(2, e.ones(2)).log_prob(e.tensor([2.0, 1.0])),
    "two ones": lambda d, e: d.OneHotCategorical(e.ones(2)).log_prob(e.ones(2)),
    "NaN": lambda d, e: d.Normal(e.tensor([0.0, float("nan")]), 1.0),
    "bounds": lambda d, e: d.Uniform(e.tensor([0.0, 2.0]), 1.0),
    "probability": lambda d, e: d.Bernoulli(e.tensor([0.2, 1.2])),
    "two": lambda d, e: d.Bernoulli(0.2, 0.3),
    "none": lambda d, e: d.Categorical(),
    "weights": lambda d, e: d.Categorical(e.tensor([-1.0, 2.0])),
    "no dimension": lambda d, e: d.Categorical(logits=e.tensor(1.0)),
    "count": lambda d, e: d.Binomial(e.tensor(2.5), e.tensor(0.5)),
    "a count each": lambda d, e: d.Multinomial(e.tensor([2, 3]), e.ones(2, 2)),
    "certain failure": lambda d, e: d.Geometric(e.tensor([0.0, 0.5])),
    "a list": lambda d, e: d.Normal([0.0], 1.0),
    "shapes": lambda d, e: d.Normal(e.zeros(2), e.ones(3)),
    "concentration": lambda d, e: d.Dirichlet(e.tensor(1.0)),
    "value's shape": lambda d, e: d.Normal(e.zeros(2), 1.0).log_prob(e.zeros(3)),
    "value's event": lambda d, e: d.Dirichlet(e.ones(3)).log_prob(e.ones(2) / 2),
    "value's range": lambda d, e: d.Exponential(1.0).log_prob(e.tensor([1.0, -1.0])),
    "value's type": lambda d, e: d.Normal(0.0, 1.0).log_prob(0.5),
    "no class": lambda d, e: d.Categorical(e.ones(3)).log_prob(e.tensor(3)),
    "no count": lambda d, e: d.Poisson(2.0).cdf(e.tensor(1.0)),
    "inside a vector": lambda d, e: d.Independent(d.Uniform(e.zeros(2), 1.0), 1).log_prob(e.tensor([0.5, 1.5])),
    "not checked": lambda d, e: d.Normal(0.0, -1.0, validate_args=False).log_prob(e.tensor([float("nan")])),
    "no draw to differentiate": lambda d, e: d.Poisson(1.0).rsample(),
    "no icdf": lambda d, e: d.Gamma(1.0, 1.0).icdf(e.tensor(0.5)),
    "no listing": lambda d, e: d.Independent(d.Bernoulli(e.ones(2) / 2), 1).enumerate_support(),
    "short numbers": lambda d, e: d.Gamma(e.ones(2).half(), 1.0).sample(),
    "short probabilities": lambda d, e: d.Dirichlet(e.ones(2).half()).sample(),
    "counts that differ": lambda d, e: d.Binomial(e.tensor([1.0, 2.0]), e.tensor(0.5)).entropy(),
    "too many dimensions": lambda d, e: d.Independent(d.Normal(0.0, 1.0), 1),
    "mixture of weights": lambda d, e: d.MixtureSameFamily(e.ones(2), d.Normal(e.zeros(2), 1.0)),
    "mixture of numbers": lambda d, e: d.MixtureSameFamily(d.Categorical(e.ones(2)), 3),
    "mixture of three": lambda d, e: d.MixtureSameFamily(d.Categorical(e.ones(2)), d.Normal(e.zeros(3), 1.0)),
    "batches of a mixture": lambda d, e: d.MixtureSameFamily(d.Categorical(e.ones(3, 2)), d.Normal(e.zeros(2, 2), 1.0)),
    "no transform": lambda d, e: d.TransformedDistribution(d.Normal(0.0, 1.0), e.exp),
    "no transforms": lambda d, e: d.TransformedDistribution(d.Normal(0.0, 1.0), [e.exp]),
    "too few dimensions": lambda d, e: d.TransformedDistribution(
        d.Normal(0.0, 1.0), d.AffineTransform(0, 1, event_dim=1)
    ),
    "cache": lambda d, e: d.ExpTransform(cache_size=2),
    "no transform of one's own": lambda d, e: d.Transform()(e.ones(1)),
    "direction": lambda d, e: d.AbsTransform().log_abs_det_jacobian(e.ones(1), e.ones(1)),
    "of others": lambda d, e: d.kl_divergence(d.Cauchy(0.0, 1.0), d.Bernoulli(0.5)),
    "dependent": lambda d, e: d.constraints.dependent.check(e.ones(1)),
    "not known": lambda d, e: d.constraints.dependent_property().event_dim,
    "no mean": lambda d, e: d.MultivariateNormal(e.tensor(1.0), e.eye(1)),
    "no covariance": lambda d, e: d.MultivariateNormal(e.zeros(2)),
    "no matrix": lambda d, e: d.MultivariateNormal(e.zeros(2), e.ones(2)),
    "not positive definite": lambda d, e: d.MultivariateNormal(e.zeros(2), -e.eye(2)),
    "not symmetric": lambda d, e: d.MultivariateNormal(e.zeros(2), e.tensor([[1.0, 0.5], [0.0, 1.0]])),
    "not square": lambda d, e: d.MultivariateNormal(e.zeros(2), e.ones(2, 3)),
    "not lower": lambda d, e: d.MultivariateNormal(e.zeros(2), scale_tril=e.ones(2, 2)),
    "vectors of other sizes": lambda d, e: d.kl_divergence(
        *[d.MultivariateNormal(e.zeros(n), e.eye(n)) for n in (2, 3)]
    ),
    "depth": lambda d, e: d.constraints.independent(d.constraints.real, 2).check(e.ones(3)),
    "default": lambda d, e: d.Distribution.set_default_validate_args(2),
    "nothing": lambda d, e: [
        outcome(lambda e, name=name: getattr(d.Distribution(validate_args=False), name), e)
        for name in ("mean", "mode", "variance", "support", "arg_constraints")
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name):
    """The same type of exception; and of what was wrong with a value, the same text."""
    results = [outcome(lambda e: REFUSED[name](e.distributions, e), engine) for engine in (minigrad, torch)]
    check(name, *results)
    if isinstance(results[1], ValueError) and "Expected" in str(results[1]):
        assert "".join(str(results[0]).split()).replace("minigrad", "torch") == "".join(str(results[1]).split())


def unchecked(e):
    """What a distribution of one's own may leave out, and that checks can be switched off for all."""
    d = e.distributions

    class Own(d.Distribution):
        def log_prob(self, value):
            self._validate_sample(value)
            return -value

    class Of(d.Normal):
        def __init__(self, x):
            super().__init__(x, 1.0)

    found = [Own(e.Size((2,))).log_prob(e.ones(2)), type(outcome(lambda e: Of(0.0).expand((2,)), e))]
    try:
        d.Distribution.set_default_validate_args(False)
        return [*found, d.Normal(0.0, -1.0).scale, d.Normal(0.0, 1.0).sample_n(2).shape]
    finally:
        d.Distribution.set_default_validate_args(True)


def test_checks_that_are_left_out():
    check_program("unchecked", unchecked)


# ----------------------------------------------------------------------------------------------------------- transforms

TRANSFORMS = {
    "exp": lambda d, s: d.ExpTransform(),
    "sigmoid": lambda d, s: d.SigmoidTransform(),
    "softplus": lambda d, s: d.SoftplusTransform(cache_size=1),
    "tanh": lambda d, s: d.TanhTransform(cache_size=1),
    "abs": lambda d, s: d.AbsTransform(),
    "affine": lambda d, s: d.AffineTransform(1, -2.0),
    "affine of tensors": lambda d, s: d.AffineTransform(s, -s, event_dim=1),
    "several": lambda d, s: d.ComposeTransform([d.AffineTransform(s, s, 1), d.ExpTransform()], cache_size=1),
    "none": lambda d, s: d.identity_transform,
    "inverse": lambda d, s: d.ExpTransform().inv,
    "inverse of several": lambda d, s: d.ComposeTransform([d.TanhTransform(), d.AffineTransform(0.0, 3.0)]).inv,
}


def transformed(e, make):
    x, s = tensors_of(e, (SHARES, POSITIVE), "float64")
    one, other = make(e.distributions, s), make(e.distributions, s)
    y = one(x)
    found = [*map(repr, (one, one.domain, one.codomain)), one.bijective, one == other, one != other, one.inv.inv is one]
    found += [outcome(lambda e: one.sign, e), outcome(lambda e: one.event_dim, e)]
    found += [y, one.inv(y), one.inv(y) is x, one.inv(y.detach().clone()), one == one.inv, one.with_cache() is one]
    slope = outcome(lambda e: one.log_abs_det_jacobian(x, y), e)
    found += [one.forward_shape((3,)), one.inverse_shape((3,)), slope]
    return [*found, gradients(e, slope, [x, s]), gradients(e, y, [x, s]), one.with_cache()(x)]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name):
    check(name, *[transformed(engine, TRANSFORMS[name]) for engine in (minigrad, torch)])


# ------------------------------------------------------------------------------------------------------------- programs


def autoencoder(e):
    """A variational autoencoder: latent numbers by rsample, their divergence from the prior, Bernoulli pictures."""
    d, nn = e.distributions, e.nn
    e.manual_seed(0)
    encoder, decoder = nn.Linear(12, 4), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 12))
    optimizer = e.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    losses = []
    for _ in range(20):
        pictures = d.Bernoulli(0.3).sample((5, 12))
        mean, log_scale = encoder(pictures).chunk(2, dim=-1)
        posterior = d.Independent(d.Normal(mean, log_scale.exp()), 1)
        picture = d.Independent(d.Bernoulli(logits=decoder(posterior.rsample())), 1)
        prior = d.Independent(d.Normal(e.zeros(2), e.ones(2)), 1)
        loss = (d.kl_divergence(posterior, prior) - picture.log_prob(pictures)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def policy(e):
    """An actor and a critic that learn to walk right, by the log_prob of what they did (Williams 1992)."""
    d, nn, functional = e.distributions, e.nn, e.nn.functional
    e.manual_seed(0)
    body, actor, critic = nn.Linear(2, 16), nn.Linear(16, 2), nn.Linear(16, 1)
    optimizer = e.optim.Adam([*body.parameters(), *actor.parameters(), *critic.parameters()], lr=3e-2)
    losses, walked = [], []
    for _ in range(5):
        place, saved, rewards = 0, [], []
        for step in range(12):
            seen = functional.relu(body(e.tensor([place / 12, step / 12])))
            chosen = d.Categorical(functional.softmax(actor(seen), dim=-1))
            action = chosen.sample()
            saved.append((chosen.log_prob(action), critic(seen), chosen.entropy()))
            place += 2 * action.item() - 1
            rewards.append(float(place > 0))
        returns = e.tensor([sum(0.9**k * reward for k, reward in enumerate(rewards[i:])) for i in range(12)])
        returns = (returns - returns.mean()) / (returns.std() + 1e-6)
        terms = [
            -log_prob * (wanted - value.item()) + functional.smooth_l1_loss(value, wanted[None]) - 0.01 * entropy
            for (log_prob, value, entropy), wanted in zip(saved, returns, strict=True)
        ]
        loss = e.stack(terms).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        walked.append(place)
    return losses, walked


@pytest.mark.parametrize("program", [autoencoder, policy])
def test_program(program):
    """Equal losses, and of the policy equal walks: all draws agree, else they would part."""
    ours, theirs = program(minigrad), program(torch)
    np.testing.assert_allclose(
        ours[0] if program is policy else ours, theirs[0] if program is policy else theirs, rtol=2e-5
    )
    assert program is autoencoder or ours[1] == theirs[1]
