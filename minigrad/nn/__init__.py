"""Neural network layers. ``module.py`` is the base of all; then one file a family of layers.

``functional.py`` has the layers' computations as functions, ``init.py`` what fills their initial weights, ``utils.py``
what is done to all parameters of a network at once, ``modules.py`` the layers under PyTorch's older paths.
"""

from minigrad.nn import functional, init, modules, utils
from minigrad.nn.activation import *
from minigrad.nn.attention import *
from minigrad.nn.batchnorm import *
from minigrad.nn.container import *
from minigrad.nn.convolution import *
from minigrad.nn.embedding import Embedding
from minigrad.nn.flatten import Flatten, Unflatten
from minigrad.nn.lazy import *
from minigrad.nn.linear import *
from minigrad.nn.loss import *
from minigrad.nn.module import Module
from minigrad.nn.normalization import *
from minigrad.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter
from minigrad.nn.pooling import *
from minigrad.nn.rnn import *
from minigrad.nn.upsampling import *

__all__ = ["CELU", "ELU", "GELU", "GLU", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d"]
__all__ += ["AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d"]
__all__ += ["Bilinear", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "CosineEmbeddingLoss"]
__all__ += ["CosineSimilarity", "CrossEntropyLoss", "Dropout", "Dropout1d", "Dropout2d", "Embedding", "Flatten", "Fold"]
__all__ += ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
__all__ += ["GroupNorm", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss"]
__all__ += ["Identity", "KLDivLoss", "L1Loss", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d"]
__all__ += ["LazyConv2d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear"]
__all__ += ["LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d", "MaxUnpool1d"]
__all__ += ["MaxUnpool2d", "Mish", "Module", "ModuleDict", "ModuleList", "MultiheadAttention", "NLLLoss", "PReLU"]
__all__ += ["PairwiseDistance", "Parameter", "ParameterDict", "ParameterList", "PixelShuffle", "PixelUnshuffle"]
__all__ += ["RMSNorm", "ReLU", "ReLU6", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss", "Softmax", "Softmin"]
__all__ += ["Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold", "TransformerEncoder"]
__all__ += ["TransformerEncoderLayer", "TripletMarginLoss", "Unflatten", "Unfold", "UninitializedBuffer"]
__all__ += ["UninitializedParameter", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "functional", "init"]
__all__ += ["utils"]
