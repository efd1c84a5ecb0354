"""What stays out of minigrad, and what is nearest to it: the reason that an absent name of PyTorch's gives.

``hasattr`` is False for each, as for a name that PyTorch has not either.
"""

from __future__ import annotations

from typing import Any

__all__ = ["REASONS", "LeftOut", "no_attribute", "why_left_out"]

# Of each family: what to use instead, and the names by which programs meet it.
FAMILIES = {
    "numbers are real: keep the real and the imaginary part as two tensors, or use NumPy on x.numpy()": """
complex complex32 complex64 complex128 chalf cfloat cdouble polar imag angle view_as_real view_as_complex""",
    "use numpy.fft on x.numpy(), which has no gradient, or write the filter as nn.functional.conv1d": """
fft stft istft bartlett_window blackman_window hamming_window hann_window kaiser_window""",
    "every element is stored: use a dense tensor, and index_add or scatter_add for a few places of it": """
sparse sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor
sparse_compressed_tensor sparse_coo sparse_csr to_sparse to_sparse_coo to_sparse_csr to_dense coalesce is_coalesced
sparse_mask sparse_dim""",
    "use float16 for small numbers; what torch_impl exports to ONNX, ONNX's own tools quantize": """
quantization ao quantized quantizable qint8 qint32 quint8 quantize_per_tensor quantize_per_channel
quantize_per_tensor_dynamic dequantize int_repr q_scale q_zero_point qscheme""",
    "dimensions have numbers: name them where they are used, in einsum or einops.rearrange": """
names rename rename_ refine_names align_to align_as align_tensors""",
    "gradients go in reverse: autograd.functional.jvp gives the same product": "forward_ad",
    "let the tensor show other memory by x.data = y, or copy the values by x.copy_(y)": "set_",
    "minigrad itself has sigmoid (expit), erf, exp2, expm1, log1p, logsumexp, log_softmax, softmax and round": """
special""",
    "python -m torch_impl export writes ONNX and torch.export; minigrad.jit.save keeps a program for minigrad": """
onnx export""",
    "load a file of weights: model.load_state_dict(minigrad.load(path)), which takes PyTorch's too": "hub",
    "use Python's cProfile, or minigrad.log_operations to see what ran": "profiler",
    "use Python's own; DataLoader(num_workers=…) loads in processes, torch_impl trains in several": "multiprocessing",
    "one process computes: a tensor goes to another by pickle or by minigrad.save": "share_memory_ is_shared",
}
REASONS = {name: reason for reason, names in FAMILIES.items() for name in names.split()}


def why_left_out(name: str) -> str:
    """``": "`` and what to use instead of ``name``; empty where nothing is known of it."""
    return f": {REASONS[name]}" if name in REASONS else ""


def no_attribute(owner: Any, place: str, name: str) -> AttributeError:
    """The error of ``owner``, called ``place``, that has no ``name``."""
    return AttributeError(f"{place} has no attribute {name!r}{why_left_out(name)}", name=name, obj=owner)


class LeftOut:
    """An attribute that tensors do not have: whoever looks it up is told what to use instead.

    One for each name, because a ``__getattr__`` would slow each other look at a tensor down.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, tensor: Any, owner: type) -> Any:
        raise no_attribute(tensor, f"{owner.__name__!r} object", self.name)
