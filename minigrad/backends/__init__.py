"""The libraries that PyTorch may compute with, and their switches. minigrad computes with NumPy: none is there.

A switch can be set, and keeps what it was set to: PyTorch's of a GPU change nothing on the CPU either.
"""

from minigrad.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
