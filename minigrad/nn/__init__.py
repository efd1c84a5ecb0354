"""Neural network layers. ``module.py`` is the base of all; then one file a family of layers.

``functional.py`` has the layers' computations as functions, ``init.py`` what fills their initial weights, ``utils.py``
what is done to all parameters of a network at once, ``modules.py`` the layers under PyTorch's older paths.
"""

import sys
from typing import TYPE_CHECKING, Any

from minigrad.nn import functional, init, modules, parallel, utils
from minigrad.nn.activation import *
from minigrad.nn.arguments import factory_kwargs
from minigrad.nn.adaptive import *
from minigrad.nn.attention import *
from minigrad.nn.batchnorm import *
from minigrad.nn.container import *
from minigrad.nn.convolution import *
from minigrad.nn.dropout import *
from minigrad.nn.embedding import *
from minigrad.nn.flatten import Flatten, Unflatten
from minigrad.nn.instancenorm import *
from minigrad.nn.lazy import *
from minigrad.nn.linear import *
from minigrad.nn.loss import *
from minigrad.nn.margin_loss import *
from minigrad.nn.module import Module
from minigrad.nn.normalization import *
from minigrad.nn.padding import *
from minigrad.nn.parallel import DataParallel
from minigrad.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from minigrad.nn.pooling import *
from minigrad.nn.rnn import *
from minigrad.nn.transformer import *
from minigrad.nn.upsampling import *
from minigrad.left_out import no_attribute

__all__ = ["CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d"]
__all__ += ["AdaptiveAvgPool3d", "AdaptiveLogSoftmaxWithLoss", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"]
__all__ += ["AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BCELoss", "BCEWithLogitsLoss"]
__all__ += ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "Buffer", "CTCLoss", "ChannelShuffle"]
__all__ += ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"]
__all__ += ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
__all__ += ["CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "DataParallel", "Dropout", "Dropout1d"]
__all__ += ["Dropout2d", "Dropout3d", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten", "Fold", "GRUCell"]
__all__ += ["GaussianNLLLoss", "GroupNorm", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss"]
__all__ += ["HuberLoss", "Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss"]
__all__ += ["LPPool1d", "LPPool2d", "LPPool3d", "LSTMCell", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d"]
__all__ += ["LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d"]
__all__ += ["LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear"]
__all__ += ["LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss"]
__all__ += ["MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Mish", "Module"]
__all__ += ["ModuleDict", "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss"]
__all__ += ["MultiheadAttention", "NLLLoss", "NLLLoss2d", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict"]
__all__ += ["ParameterList", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RNNBase", "RNNCell"]
__all__ += ["RNNCellBase", "RReLU", "ReLU", "ReLU6", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d"]
__all__ += ["ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss"]
__all__ += ["SoftMarginLoss", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh"]
__all__ += ["Tanhshrink", "Threshold", "Transformer", "TransformerDecoder", "TransformerDecoderLayer"]
__all__ += ["TransformerEncoder", "TransformerEncoderLayer", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]
__all__ += ["Unflatten", "Unfold", "UninitializedBuffer", "UninitializedParameter", "Upsample", "UpsamplingBilinear2d"]
__all__ += ["UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "factory_kwargs", "functional", "init"]
__all__ += ["parallel", "utils"]


if not TYPE_CHECKING:  # a type checker would take it to mean that every name is there

    def __getattr__(name: str) -> Any:
        raise no_attribute(sys.modules[__name__], f"module {__name__!r}", name)
