"""Every operation against PyTorch on the samples that PyTorch's own tests keep: its operator database.

For each name and type: the function, the method and the in-place form, their values, types, gradients and the
gradients' gradients; and the database's wrong inputs, whose exceptions must be of one type. ``EXCEPT`` states what is
known to differ, and why.
"""

import functools
import itertools
import random

import numpy as np
import pytest
import torch

import minigrad
from comparisons import Mismatch, compare_graphs, compare_values
from comparisons.comparing import array_of
from comparisons.conversion import DTYPES, as_minigrad, tensors_in
from comparisons.graphs import aligned_nodes
from minigrad.graph.saved_names import names_of_saved
from tests.thorough import THOROUGH

database = pytest.importorskip("torch.testing._internal.common_methods_invocations")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the samples provoke many; warnings are compared elsewhere
    pytest.mark.usefixtures("unmeasured"),
]

NAMES = """
add sub rsub mul div true_divide floor_divide remainder fmod pow neg abs sign sgn positive reciprocal exp exp2 expm1
log log1p log2 log10 sqrt rsqrt square sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf sigmoid
clamp clamp_min clamp_max maximum minimum lerp addcmul addcdiv floor ceil round trunc frac logaddexp nan_to_num isnan
isinf isfinite isposinf isneginf isclose allclose equal eq ne lt le gt ge logical_and logical_or logical_xor
logical_not bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift sum nansum mean
nanmean prod max min amax amin aminmax argmax argmin all any var std var_mean std_mean norm logsumexp cumsum cumprod
cummax cummin median nanmedian count_nonzero softmax log_softmax diff sort argsort topk unique unique_consecutive
msort kthvalue linalg.vector_norm linalg.norm linalg.matrix_norm reshape view view_as flatten unflatten ravel squeeze
unsqueeze transpose movedim permute t expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile
flip fliplr flipud roll rot90 narrow select unfold diagonal diag diag_embed tril triu cat stack hstack vstack dstack
split split_with_sizes tensor_split chunk unbind atleast_1d atleast_2d atleast_3d meshgrid trace gather scatter
scatter_add index_select index_add index_copy index_fill index_put masked_fill masked_select masked_scatter take
take_along_dim nonzero matmul mm bmm mv dot inner outer addmm addmv addr baddbmm tensordot nn.functional.linear
nn.functional.bilinear nn.functional.relu nn.functional.relu6 nn.functional.leaky_relu nn.functional.elu
nn.functional.selu nn.functional.celu nn.functional.gelu nn.functional.silu nn.functional.mish nn.functional.prelu
nn.functional.hardtanh nn.functional.hardswish nn.functional.hardsigmoid nn.functional.softplus nn.functional.softsign
nn.functional.logsigmoid nn.functional.tanhshrink nn.functional.softshrink nn.functional.hardshrink
nn.functional.threshold nn.functional.glu nn.functional.softmin nn.functional.normalize
nn.functional.cosine_similarity nn.functional.pairwise_distance nn.functional.one_hot nn.functional.layer_norm
nn.functional.rms_norm nn.functional.pad nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss
nn.functional.huber_loss nn.functional.nll_loss nn.functional.cross_entropy nn.functional.binary_cross_entropy
nn.functional.binary_cross_entropy_with_logits nn.functional.kl_div nn.functional.hinge_embedding_loss
nn.functional.margin_ranking_loss nn.functional.cosine_embedding_loss nn.functional.triplet_margin_loss
nn.functional.conv1d nn.functional.conv2d nn.functional.conv_transpose1d nn.functional.conv_transpose2d
nn.functional.unfold nn.functional.fold
nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.avg_pool1d nn.functional.avg_pool2d
nn.functional.adaptive_avg_pool1d nn.functional.adaptive_avg_pool2d nn.functional.adaptive_max_pool1d
nn.functional.adaptive_max_pool2d nn.functional.batch_norm nn.functional.group_norm nn.functional.instance_norm
hypot hsplit vsplit dsplit nn.functional.max_unpool1d nn.functional.max_unpool2d
nn.functional.interpolate nn.functional.pixel_shuffle nn.functional.pixel_unshuffle nn.functional.channel_shuffle
nn.functional.conv3d nn.functional.conv_transpose3d nn.functional.max_pool3d nn.functional.avg_pool3d
nn.functional.adaptive_avg_pool3d nn.functional.adaptive_max_pool3d nn.functional.max_unpool3d
nn.functional.local_response_norm nn.functional.multi_margin_loss nn.functional.multilabel_margin_loss
nn.functional.multilabel_soft_margin_loss nn.functional.soft_margin_loss nn.functional.poisson_nll_loss
nn.functional.gaussian_nll_loss nn.functional.ctc_loss nn.functional.grid_sample
nn.functional.upsample_bilinear nn.functional.upsample_nearest
linalg.cholesky linalg.solve_triangular triangular_solve cholesky_solve cholesky_inverse linalg.solve linalg.inv
linalg.det linalg.slogdet logdet linalg.svd linalg.svdvals linalg.eigh linalg.eigvalsh linalg.qr linalg.pinv
linalg.lstsq linalg.matrix_rank linalg.matrix_power linalg.multi_dot linalg.cond linalg.cross linalg.vander
linalg.vecdot linalg.diagonal svd cross lgamma digamma erfc erfinv logit mvlgamma xlogy
bincount block_diag bucketize cartesian_prod cdist column_stack combinations copysign corrcoef cov cumulative_trapezoid
deg2rad diagflat dist float_power fmax fmin gcd heaviside histc histogram isin kron lcm ldexp logaddexp2 logspace mode
nanquantile put quantile rad2deg renorm scatter_reduce searchsorted signbit sinc trapezoid tril_indices triu_indices
addbmm as_strided
"""

EXCEPT = {
    "sort": (8000,),  # so many elements: PyTorch's order of equal ones is then its own
    "argsort": (8000,),
    "msort": (8000,),
    "nn.functional.layer_norm": (1,),  # the gradient of one element is zero, but for rounding
}
UNSTABLE = {"topk", "kthvalue", "mode"}  # of equal elements PyTorch reports any: integers have many
ABSENT = {  # which PyTorch computes in fixed-point arithmetic
    ("nn.functional.interpolate bilinear", "uint8"),
    ("nn.functional.interpolate bicubic", "uint8"),
    ("nn.functional.upsample_bilinear", "uint8"),
}
# Whose sums PyTorch rounds after each addition, in an order of its own.
ABSENT |= {("nn.functional.grid_sample", "float16"), ("nn.functional.grid_sample", "bfloat16")}
ABSENT |= {("nn.functional.conv_transpose3d", "bfloat16"), ("nn.functional.normalize", "bfloat16")}
if torch.backends.cpu.get_cpu_capability() != "AVX512":  # here minigrad's are those of float64, rounded once
    CONVOLUTIONS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d")
    ABSENT |= {(f"nn.functional.{name}", "bfloat16") for name in CONVOLUTIONS}
ABSENT |= {("mode", "bool"), ("mode", "float16"), ("mode", "bfloat16")}  # as of integers
# On the way PyTorch rounds in another place.
ABSENT |= {(name, kind) for name in ("ldexp", "histc", "addbmm") for kind in ("float16", "bfloat16")}
NO_IN_PLACE = {"as_strided", "addbmm"}  # minigrad has none; PyTorch's resizes what is too small
MOST = 2000 if THOROUGH else 12  # samples of one operation in one test, each of which has others
MOST_DIMS = 64  # PyTorch refuses to reduce more, NumPy to hold more

# Graphs that are not PyTorch's node by node, though values and gradients are.
OWN_GRAPHS = {
    "nn.functional.bilinear": "an einsum, where PyTorch has a node Trilinear",
    "nn.functional.cosine_similarity": "PyTorch clamps a clone in place",
    "nn.functional.cross_entropy": "constants: PyTorch's C++ has nodes of its own for numbers, DivBackward1 and others",
    "nn.functional.cosine_embedding_loss": "constants",
    "nn.functional.hinge_embedding_loss": "constants",
    "nn.functional.margin_ranking_loss": "constants",
    "nn.functional.rms_norm": "constants",
    "nn.functional.triplet_margin_loss": "constants, and the norm's older node",
    "nn.functional.poisson_nll_loss": "constants",
    "nn.functional.pairwise_distance": "the norm's older node",
    "nn.functional.nll_loss": "further dimensions are folded, where PyTorch has a node NllLoss2D",
    "nn.functional.pad circular": "it picks elements, where PyTorch copies slices",
    "matmul": "a batch times a vector, which PyTorch folds",
    "inner": "one dimension: PyTorch takes a dot product",
    "tensordot": "PyTorch multiplies and adds where nothing is summed over",
    "cholesky_inverse": "PyTorch has a node of its own",
    "linalg.matrix_power": "products of batches, of which PyTorch folds some by other views",
    "linalg.vecdot": "products that are summed, where PyTorch takes a dot product of two vectors",
    "triangular_solve": "that of linalg.solve_triangular",
    "block_diag": "PyTorch has a node of its own",
    "cdist": "PyTorch has a node of its own for few points too",
    "corrcoef": "other views",
    "cov": "other views",
    "cumulative_trapezoid": "constants",
    "deg2rad": "a product, where PyTorch has a node of its own",
    "dist": "the norm of a difference, where PyTorch has a node of its own",
    "kron": "other views",
    "ldexp": "a product with a power",
    "logaddexp2": "constants",
    "nanquantile": "other views",
    "quantile": "other views",
    "rad2deg": "a product, where PyTorch has a node of its own",
    "renorm": "composed, where PyTorch has a node of its own",
    "sinc": "composed, where PyTorch has a node of its own",
    "trapezoid": "constants",
    "repeat_interleave": "one clone more where the expanded tensor does not lie in order",
}

# Variants that are another function than the one they are named for.
NOT_TAKEN = {"linalg.pinv singular", "linalg.lstsq grad_oriented"}
NOT_TAKEN.add("as_strided partial_views")
OPERATIONS = {
    f"{each.name} {each.variant_test_name}".strip(): each
    for each in database.op_db
    if each.name in NAMES.split() and f"{each.name} {each.variant_test_name}" not in NOT_TAKEN
}
ROUNDING = {
    "float64": (1e-9, 1e-10),
    "float32": (1e-4, 1e-4),
    "float16": (2e-2, 2e-2),
    "bfloat16": (1e-1, 1e-1),  # of whole samples, not of one
}


def usable(name, sample):
    """Whether minigrad offers what a sample is made of."""
    tensors = tensors_in([sample.input, sample.args, sample.kwargs])
    if "out" in sample.kwargs or sample.kwargs.get("reduce") is not None:
        return False
    if any(each.dtype not in DTYPES or each.layout != torch.strided or each.ndim > MOST_DIMS for each in tensors):
        return False
    return not isinstance(sample.input, torch.Tensor) or tuple(sample.input.shape) != EXCEPT.get(name)


def samples(operation, kind, requires_grad):
    """PyTorch's samples of an operation that minigrad has everything for, the same ones each time.

    ``operation.sample_inputs`` would seed before each of them by ``torch.manual_seed``. Without a GPU, PyTorch notes
    every such seeding with its traceback, for the day that there is one: that took four fifths of these tests' time.
    """
    torch.default_generator.manual_seed(0)
    for sample in operation.sample_inputs_func(operation, "cpu", kind, requires_grad):
        if usable(operation.name, sample):
            yield sample


def some(operation, kind, requires_grad, seed):
    """``MOST`` of the samples, where an operation has more: it may have one of each combination of its options.

    Another test has another ``seed``, and with it other samples.
    """
    torch.default_generator.manual_seed(0)
    with torch.no_grad():  # which the database's own function begins and ends for each sample
        found = list(operation.sample_inputs_func.__wrapped__(operation, "cpu", kind, requires_grad))
    found = [each for each in found if usable(operation.name, each)]
    return found if len(found) <= MOST else random.Random(seed).sample(found, MOST)


def find(name, owner=minigrad):
    for part in name.split("."):
        owner = getattr(owner, part)
    return owner


def same(first, second, tolerance=None):
    """Raise a Mismatch unless two results agree in structure, types, gradient flags and, to rounding, in values.

    Rounding is what ``ROUNDING`` says, or a ``tolerance`` of the table.
    """
    one, two = tensors_in(first), tensors_in(second)
    if len(one) != len(two) or (not two and first != second and not isinstance(second, torch.Size)):
        raise Mismatch(f"{first!r} instead of {second!r}")
    for a, b in zip(one, two):
        if tuple(a.shape) != tuple(b.shape) or a.dtype is not DTYPES[b.dtype] or a.requires_grad != b.requires_grad:
            raise Mismatch(f"{tuple(a.shape)} {a.dtype} {a.requires_grad} instead of {tuple(b.shape)} {b.dtype}")
        if tolerance is not None:
            compare_values("sample", a, b, tolerance).check()
            continue
        x, y = array_of(a), array_of(b)
        if x.tobytes() == y.tobytes():
            continue
        relative, absolute = ROUNDING.get(str(b.dtype).removeprefix("torch."), (0, 0))
        if not np.allclose(x.astype(np.float64), y.astype(np.float64), relative, absolute, equal_nan=True):
            compare_values("sample", a, b, "float64" if b.dtype == torch.float64 else "float32").check()


def gradients(engine, result, inputs, order=1):
    """The gradients, or the gradients' gradients, of a result by its inputs, all outputs weighted unevenly."""
    outputs = [each for each in tensors_in(result) if each.requires_grad]
    leaves = [each for each in tensors_in(inputs) if each.requires_grad]
    if not outputs or not leaves:
        return []
    found = engine.autograd.grad(outputs, leaves, uneven(engine, outputs), allow_unused=True, create_graph=order == 2)
    if order == 1:
        return list(found)
    recorded = [each for each in found if each is not None and each.requires_grad]
    if not recorded:
        return [engine.zeros_like(each) for each in leaves]
    found = engine.autograd.grad(recorded, leaves, uneven(engine, recorded), allow_unused=True)
    return [engine.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found)]


def uneven(engine, tensors):
    """A gradient to begin with for each tensor, under which no error cancels."""
    return [start(engine, number, tuple(each.shape), each.dtype) for number, each in enumerate(tensors)]


@functools.lru_cache(1000)
def start(engine, number, shape, dtype):
    """Values between 0.5 and 1.5, the same ones each time."""
    return engine.tensor(np.random.default_rng(number).uniform(0.5, 1.5, shape), dtype=dtype)


def without_signs(name, result):
    """A result without what is LAPACK's choice: signs of vectors, and those that no singular value goes with."""
    if name in ("linalg.svd", "svd"):
        u, s, v = result
        count = s.shape[-1]
        return [u[..., :count].abs(), s, (v[..., :count, :] if "linalg" in name else v[..., :count]).abs()]
    return [result[0], result[1].abs()] if name == "linalg.eigh" else result


def check_call(forms, theirs_called, sample, order=1, tolerance=None, name="", differentiated=1):
    """Forms of an operation on one sample: the results, and of the first ``differentiated`` of them the gradients, or
    the gradients' gradients, are PyTorch's."""
    arguments = [sample.input, sample.args, sample.kwargs]
    try:
        theirs = without_signs(name, theirs_called(sample.input, *sample.args, **sample.kwargs))
        their_gradients = gradients(torch, theirs, arguments, order)
    except (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError):
        return
    if any(each.is_complex() for each in tensors_in(theirs)):
        return
    for number, called in enumerate(forms):
        converted = as_minigrad(arguments)
        result = without_signs(name, called(converted[0], *converted[1], **converted[2]))
        same(result, theirs, tolerance)
        if number >= differentiated:
            continue
        our_gradients = gradients(minigrad, result, converted, order)
        assert [each is None for each in our_gradients] == [each is None for each in their_gradients]
        same(
            [each for each in our_gradients if each is not None],
            [each for each in their_gradients if each is not None],
            tolerance,
        )


def check_in_place(name, operation, sample):
    """The in-place form on one sample: the same change, or the same type of exception and no change."""
    tensor = sample.input.detach().clone()
    changed = as_minigrad(sample.input.detach().clone())
    outcomes = []
    for call, target, args, kwargs in (
        (operation.inplace_variant, tensor, sample.args, sample.kwargs),
        (getattr(minigrad.Tensor, name + "_"), changed, as_minigrad(sample.args), as_minigrad(sample.kwargs)),
    ):
        try:
            call(target, *args, **kwargs)
            outcomes.append(None)
        except Exception as error:
            outcomes.append(type(error))
    assert outcomes[0] is outcomes[1]
    if outcomes[0] is None or changed.shape == tensor.shape:
        same(changed.detach(), tensor.detach())


NARROW = [pytest.param(each, marks=pytest.mark.long) for each in ("float16", "bfloat16")]


@pytest.mark.parametrize("dtype", ["float64", "float32", *NARROW, "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_samples(name, dtype):
    operation = OPERATIONS[name]
    kind = getattr(torch, dtype)
    if kind not in operation.dtypes or (operation.name in UNSTABLE and "int" in dtype) or (name, dtype) in ABSENT:
        pytest.skip(f"PyTorch has no such operation on {dtype}, or none that is determined, or minigrad has none")
    requires_grad = kind.is_floating_point and operation.supports_autograd
    in_place = operation.inplace_variant is not None and "." not in operation.name and operation.name not in NO_IN_PLACE
    # On processors that do not compute in float16, PyTorch rounds every sum of a few of a convolution's products to it.
    tolerance = "convolution float16" if dtype == "float16" and ".conv" in name else None
    forms = [find(operation.name)] if hasattr(minigrad, operation.name.split(".")[0]) else []
    if operation.method_variant is not None and getattr(minigrad.Tensor, operation.name) not in forms:
        forms.append(getattr(minigrad.Tensor, operation.name))
    for number, sample in enumerate(some(operation, kind, requires_grad, dtype)):
        differentiated = 2 if number == 0 or THOROUGH else 1  # a method is the function without "out"
        check_call(forms, operation.op, sample, tolerance=tolerance, name=operation.name, differentiated=differentiated)
        if in_place and isinstance(sample.input, torch.Tensor):
            check_in_place(operation.name, operation, sample)


REFUSED_TWICE = {"nn.functional.ctc_loss"}  # though the database does not say so
TWICE = [name for name, each in OPERATIONS.items() if torch.float64 in each.dtypes and each.supports_gradgrad]
TWICE = [name for name in TWICE if name not in REFUSED_TWICE]


@pytest.mark.parametrize("name", TWICE)
def test_gradients_of_gradients(name):
    operation = OPERATIONS[name]
    called = find(operation.name) if hasattr(minigrad, operation.name.split(".")[0]) else None
    for sample in some(operation, torch.float64, True, "gradients of gradients"):
        function = called or getattr(minigrad.Tensor, operation.name)
        check_call([function], operation.op, sample, order=2, name=operation.name)


DIFFERENTIABLE = [name for name, each in OPERATIONS.items() if torch.float64 in each.dtypes and each.supports_autograd]


@pytest.mark.parametrize(
    "name", [name for name in DIFFERENTIABLE if not OWN_GRAPHS.keys() & {name, OPERATIONS[name].name}]
)
def test_graphs(name):
    """Node names and edges, but for zero-dimensional inputs, which some operations here pass on as they are."""
    operation = OPERATIONS[name]
    called = find(operation.name) if hasattr(minigrad, operation.name.split(".")[0]) else None
    for sample in some(operation, torch.float64, True, "graphs"):
        if any(not each.ndim for each in tensors_in(sample.input)):
            continue
        theirs = tensors_in(operation.op(sample.input, *sample.args, **sample.kwargs))[0]
        arguments = as_minigrad([sample.input, sample.args, sample.kwargs])
        function = called or getattr(minigrad.Tensor, operation.name)
        result = tensors_in(function(arguments[0], *arguments[1], **arguments[2]))[0]
        if theirs.requires_grad:
            compare_graphs(name, result, theirs).check()


def grads_after(call, sample, order, run):
    """The ``.grad`` of each input after ``run(outputs, starts)``, on the result, or on its inputs' gradients."""
    inputs, args, kwargs = as_minigrad([sample.input, sample.args, sample.kwargs])
    leaves = [each for each in tensors_in([inputs, args, kwargs]) if each.requires_grad]
    outputs = [each for each in tensors_in(call(inputs, *args, **kwargs)) if each.requires_grad]
    if order == 2 and outputs:
        starts = uneven(minigrad, outputs)
        found = minigrad.autograd.grad(outputs, leaves, starts, allow_unused=True, create_graph=True)
        outputs = [each for each in found if each is not None and each.requires_grad]
    if outputs:
        weighted = [(each * start).sum() for each, start in zip(outputs, uneven(minigrad, outputs))]
        run(sum(weighted[1:], weighted[0]))
    return [None if each.grad is None else each.grad.numpy() for each in leaves]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_steps_give_the_gradients_of_backward(name, order):
    """To the last bit, those of gradients too."""
    if order == 2 and name not in TWICE:
        pytest.skip("PyTorch has no second derivative")
    operation = OPERATIONS[name]
    call = find(operation.name, minigrad if hasattr(minigrad, operation.name.split(".")[0]) else minigrad.Tensor)
    for sample in itertools.islice(samples(operation, torch.float64, requires_grad=True), 8 if THOROUGH else 2):
        whole = grads_after(call, sample, order, lambda result: result.backward())
        stepped = grads_after(call, sample, order, lambda result: list(result.backward_steps()))
        for first, second in zip(whole, stepped, strict=True):
            assert (first is None) == (second is None)
            assert first is None or np.array_equal(first, second, equal_nan=True)


@pytest.mark.parametrize(
    "name", [name for name in DIFFERENTIABLE if not OWN_GRAPHS.keys() & {name, OPERATIONS[name].name}]
)
def test_what_is_saved_has_pytorchs_name(name):
    """What minigrad saves of values, PyTorch has under the same name at the node, and the same; but for the places of
    a pooling's maxima in their windows, which are minigrad's own."""
    operation = OPERATIONS[name]
    call = find(operation.name, minigrad if hasattr(minigrad, operation.name.split(".")[0]) else minigrad.Tensor)
    for sample in itertools.islice(samples(operation, torch.float64, requires_grad=True), 8):
        arguments = as_minigrad([sample.input, sample.args, sample.kwargs])
        result = tensors_in(call(arguments[0], *arguments[1], **arguments[2]))[0]
        theirs = tensors_in(operation.op(sample.input, *sample.args, **sample.kwargs))[0]
        if not theirs.requires_grad or any(not each.ndim for each in tensors_in(sample.input)):
            continue
        partners, _ = aligned_nodes(result, theirs)
        for node, partner in partners.items():
            for saved, value in zip(names_of_saved(node), getattr(node, "_saved", ())):
                if isinstance(value, np.ndarray) and saved != "numbers":
                    expected = getattr(partner, f"_saved_{saved}").detach().numpy()
                    found = getattr(node, f"_saved_{saved}").detach().numpy()
                    if node.name() in ("LinalgSvdBackward0", "LinalgEighBackward0"):  # signs are LAPACK's
                        expected, found = np.abs(expected), np.abs(found)
                    close = found.shape == expected.shape and np.allclose(found, expected, *ROUNDING["float64"], True)
                    assert close, f"{node}: {saved} is {found}, PyTorch's {expected}"


def cloned(engine, value):
    """``value`` with every tensor a copy, the result of an operation where it requires grad."""
    if isinstance(value, engine.Tensor):
        return value.clone()
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)([cloned(engine, each) for each in value])
    return {key: cloned(engine, each) for key, each in value.items()} if isinstance(value, dict) else value


def after(engine, call, arguments, act):
    """How backward ends after ``act``, which is given the copied inputs and the outputs; and whether there is one."""
    inputs = cloned(engine, arguments)
    outputs = tensors_in(call(inputs[0], *inputs[1], **inputs[2]))
    roots = [each for each in outputs if each.requires_grad]
    ends = [each for each in tensors_in(arguments) if each.requires_grad]
    starts = [engine.ones_like(each) for each in roots]
    try:
        act(tensors_in(inputs), outputs, lambda: engine.autograd.grad(roots, ends, starts, allow_unused=True))
        engine.autograd.grad(roots, ends, starts, allow_unused=True)
    except RuntimeError as error:
        ways = ("second time", "modified by an inplace", "been detached in-place", "is a view and", "detach views")
        if not any(way in str(error) for way in ways):
            raise
        return next(way for way in ways if way in str(error))
    return "well"


def changes(engine, inputs, outputs):
    """What may happen to an operation of so many inputs and outputs between forward and backward, by name."""

    def again(inputs, outputs, backward):
        backward()

    def changed(which, place):
        def act(inputs, outputs, backward):
            tensor = (inputs, outputs)[which][place]
            with engine.no_grad():
                tensor.copy_(tensor.clone())

        return act

    def detached(place):
        return lambda inputs, outputs, backward: inputs[place].detach_()

    yield "backward", again
    for place in range(min(inputs, 4)):
        yield f"input {place} changed", changed(0, place)
        yield f"input {place} detached", detached(place)
    for place in range(min(outputs, 4)):
        yield f"output {place} changed", changed(1, place)


# What these save is their own. (For Cholesky's systems PyTorch keeps the right side too, which no gradient needs.)
OWN_SAVING = {"matmul", "tensordot", "nn.functional.bilinear", "cholesky_solve", "triangular_solve"}
OWN_SAVING |= {"cdist", "cumulative_trapezoid", "deg2rad", "dist", "kron", "ldexp", "logaddexp2", "rad2deg", "renorm"}
OWN_SAVING |= {"sinc", "trapezoid"}
SAVING = [name for name in DIFFERENTIABLE if OPERATIONS[name].name not in OWN_SAVING]


@pytest.mark.parametrize("name", SAVING)
def test_what_is_saved(name):
    """A second backward, and one after an input or an output was changed or detached, fail where PyTorch's do.

    All inputs of the first sample require grad, and then one alone, in each sample another one. The first one is
    computed in place too; ``.ci/full`` does so with each.
    """
    operation = OPERATIONS[name]
    ours = find(operation.name, minigrad if hasattr(minigrad, operation.name.split(".")[0]) else minigrad.Tensor)
    forms = [(ours, operation.op)]
    if operation.inplace_variant is not None and "." not in operation.name and operation.name not in NO_IN_PLACE:
        forms.append((getattr(minigrad.Tensor, operation.name + "_"), operation.inplace_variant))
    for number, sample in enumerate(itertools.islice(samples(operation, torch.float64, requires_grad=True), 3)):
        arguments = [sample.input, sample.args, sample.kwargs]
        floating = [each for each in tensors_in(arguments) if each.requires_grad]
        if sum(each.numel() for each in floating) > 2000:
            continue
        results = operation.op(sample.input, *sample.args, **sample.kwargs)
        places = len(tensors_in(arguments)), len(tensors_in(results))
        alone = [floating[number % len(floating)]] if len(floating) > 1 else []
        for wanted in [None, *alone] if number == 0 or THOROUGH or not alone else alone:
            for each in floating:
                each.requires_grad_(wanted is None or each is wanted)
            converted = as_minigrad(arguments)
            for called, theirs in forms if number == 0 or THOROUGH else forms[:1]:
                for (change, act), (_, their_act) in zip(changes(minigrad, *places), changes(torch, *places)):
                    try:
                        expected = after(torch, theirs, arguments, their_act)
                    except RuntimeError:  # no gradient
                        continue
                    found = after(minigrad, called, converted, act)
                    assert (change, found) == (change, expected)


@pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.error_inputs_func is not None])
def test_wrong_inputs(name):
    operation = OPERATIONS[name]
    called = getattr(minigrad.Tensor, operation.name, None) or find(operation.name)
    torch.default_generator.manual_seed(0)
    for wrong in operation.error_inputs_func(operation, "cpu"):
        sample = wrong.sample_input
        if not usable(operation.name, sample):
            continue
        try:
            operation.op(sample.input, *sample.args, **sample.kwargs)
            continue
        except Exception as error:
            expected = minigrad.linalg.LinAlgError if type(error) is torch.linalg.LinAlgError else type(error)
        arguments = as_minigrad([sample.input, sample.args, sample.kwargs])
        before = [each.clone() for each in tensors_in(arguments)]
        with pytest.raises(expected):
            called(arguments[0], *arguments[1], **arguments[2])
        for tensor, copy in zip(tensors_in(arguments), before):
            assert np.array_equal(tensor.detach().numpy(), copy.detach().numpy(), equal_nan=tensor.is_floating_point())
