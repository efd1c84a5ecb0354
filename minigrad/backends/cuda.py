"""GPUs of NVIDIA: the switches of their products change nothing here."""

from types import SimpleNamespace

from minigrad.backends.switches import is_available as is_built

__all__ = ["is_built"]

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    fp32_precision="none",
)
