"""Neural network layers. ``module.py`` is the base of all; then one file a family of layers.

``functional.py`` has the layers' computations as functions, ``init.py`` what fills their initial weights, ``utils.py``
what is done to all parameters of a network at once, ``modules.py`` the layers under PyTorch's older paths.
"""

from minigrad.nn import functional, init, modules, parallel, utils
from minigrad.nn.activation import *
from minigrad.nn.arguments import factory_kwargs
from minigrad.nn.attention import *
from minigrad.nn.batchnorm import *
from minigrad.nn.container import *
from minigrad.nn.convolution import *
from minigrad.nn.dropout import *
from minigrad.nn.embedding import Embedding
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

__all__ = ["CELU", "ELU", "GELU", "GLU", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"]
__all__ += ["AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d", "AvgPool2d"]
__all__ += ["AvgPool3d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear"]
__all__ += ["Buffer", "CTCLoss", "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d"]
__all__ += ["ConstantPad2d", "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"]
__all__ += ["ConvTranspose3d", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "DataParallel", "Dropout"]
__all__ += [
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "GaussianNLLLoss",
]
__all__ += ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
__all__ += ["GroupNorm", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss"]
__all__ += ["Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d"]
__all__ += ["LPPool2d", "LPPool3d", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d"]
__all__ += ["LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"]
__all__ += ["LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear", "LeakyReLU", "Linear"]
__all__ += ["LocalResponseNorm", "LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d"]
__all__ += ["MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Mish", "Module", "ModuleDict", "ModuleList"]
__all__ += ["MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MultiheadAttention", "NLLLoss"]
__all__ += ["NLLLoss2d", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict", "ParameterList", "PixelShuffle"]
__all__ += ["PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RReLU", "ReLU", "ReLU6", "ReflectionPad1d"]
__all__ += ["ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d"]
__all__ += ["Sequential", "SiLU", "Sigmoid", "SmoothL1Loss", "SoftMarginLoss", "Softmax", "Softmax2d", "Softmin"]
__all__ += ["Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold", "Transformer"]
__all__ += ["TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer"]
__all__ += ["TripletMarginLoss", "TripletMarginWithDistanceLoss", "Unflatten", "Unfold", "UninitializedBuffer"]
__all__ += ["UninitializedParameter", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d"]
__all__ += ["ZeroPad2d", "ZeroPad3d", "factory_kwargs", "functional", "init", "parallel", "utils"]
