"""The operations as methods of Tensor: ``x.exp()`` is ``minigrad.exp(x)``, and both are ``functions.elementwise.exp``.

Each stands here by name, so that an editor finds it and a debugger steps into it. Python's operators, and what belongs
to a tensor rather than to its values, are in ``tensor.py``.
"""

from __future__ import annotations

from minigrad import functions

__all__ = ["Methods"]


class Methods:
    """Every function of ``minigrad/functions`` that PyTorch has as a method too."""

    __slots__ = ()

    abs = functions.elementwise.abs
    abs_ = functions.elementwise.abs_
    add = functions.elementwise.add
    add_ = functions.elementwise.add_
    clamp = functions.elementwise.clamp
    clamp_ = functions.elementwise.clamp_
    clamp_max = functions.elementwise.clamp_max
    clamp_max_ = functions.elementwise.clamp_max_
    clamp_min = functions.elementwise.clamp_min
    clamp_min_ = functions.elementwise.clamp_min_
    clone = functions.elementwise.clone
    copy_ = functions.elementwise.copy_
    cos = functions.elementwise.cos
    cos_ = functions.elementwise.cos_
    div = functions.elementwise.div
    div_ = functions.elementwise.div_
    exp = functions.elementwise.exp
    exp_ = functions.elementwise.exp_
    fill_ = functions.elementwise.fill_
    log = functions.elementwise.log
    log_ = functions.elementwise.log_
    maximum = functions.elementwise.maximum
    minimum = functions.elementwise.minimum
    mul = functions.elementwise.mul
    mul_ = functions.elementwise.mul_
    neg = functions.elementwise.neg
    neg_ = functions.elementwise.neg_
    positive = functions.elementwise.positive
    pow = functions.elementwise.pow
    pow_ = functions.elementwise.pow_
    reciprocal = functions.elementwise.reciprocal
    reciprocal_ = functions.elementwise.reciprocal_
    relu = functions.elementwise.relu
    relu_ = functions.elementwise.relu_
    sgn = functions.elementwise.sgn
    sgn_ = functions.elementwise.sgn_
    sigmoid = functions.elementwise.sigmoid
    sigmoid_ = functions.elementwise.sigmoid_
    sin = functions.elementwise.sin
    sin_ = functions.elementwise.sin_
    sqrt = functions.elementwise.sqrt
    sqrt_ = functions.elementwise.sqrt_
    square = functions.elementwise.square
    square_ = functions.elementwise.square_
    sub = functions.elementwise.sub
    sub_ = functions.elementwise.sub_
    tanh = functions.elementwise.tanh
    tanh_ = functions.elementwise.tanh_
    true_divide = functions.elementwise.true_divide
    true_divide_ = functions.elementwise.true_divide_
    zero_ = functions.elementwise.zero_

    allclose = functions.comparison.allclose
    bitwise_and = functions.comparison.bitwise_and
    bitwise_and_ = functions.comparison.bitwise_and_
    bitwise_left_shift = functions.comparison.bitwise_left_shift
    bitwise_left_shift_ = functions.comparison.bitwise_left_shift_
    bitwise_not = functions.comparison.bitwise_not
    bitwise_not_ = functions.comparison.bitwise_not_
    bitwise_or = functions.comparison.bitwise_or
    bitwise_or_ = functions.comparison.bitwise_or_
    bitwise_right_shift = functions.comparison.bitwise_right_shift
    bitwise_right_shift_ = functions.comparison.bitwise_right_shift_
    bitwise_xor = functions.comparison.bitwise_xor
    bitwise_xor_ = functions.comparison.bitwise_xor_
    eq = functions.comparison.eq
    eq_ = functions.comparison.eq_
    equal = functions.comparison.equal
    ge = functions.comparison.ge
    ge_ = functions.comparison.ge_
    gt = functions.comparison.gt
    gt_ = functions.comparison.gt_
    isclose = functions.comparison.isclose
    isfinite = functions.comparison.isfinite
    isinf = functions.comparison.isinf
    isnan = functions.comparison.isnan
    isneginf = functions.comparison.isneginf
    isposinf = functions.comparison.isposinf
    le = functions.comparison.le
    le_ = functions.comparison.le_
    logical_and = functions.comparison.logical_and
    logical_and_ = functions.comparison.logical_and_
    logical_not = functions.comparison.logical_not
    logical_not_ = functions.comparison.logical_not_
    logical_or = functions.comparison.logical_or
    logical_or_ = functions.comparison.logical_or_
    logical_xor = functions.comparison.logical_xor
    logical_xor_ = functions.comparison.logical_xor_
    lt = functions.comparison.lt
    lt_ = functions.comparison.lt_
    ne = functions.comparison.ne
    ne_ = functions.comparison.ne_

    all = functions.reduction.all
    amax = functions.reduction.amax
    amin = functions.reduction.amin
    aminmax = functions.reduction.aminmax
    any = functions.reduction.any
    argmax = functions.reduction.argmax
    argmin = functions.reduction.argmin
    count_nonzero = functions.reduction.count_nonzero
    log_softmax = functions.reduction.log_softmax
    logsumexp = functions.reduction.logsumexp
    max = functions.reduction.max
    mean = functions.reduction.mean
    min = functions.reduction.min
    nanmean = functions.reduction.nanmean
    nansum = functions.reduction.nansum
    prod = functions.reduction.prod
    softmax = functions.reduction.softmax
    sum = functions.reduction.sum

    cummax = functions.scan.cummax
    cummin = functions.scan.cummin
    cumprod = functions.scan.cumprod
    cumprod_ = functions.scan.cumprod_
    cumsum = functions.scan.cumsum
    cumsum_ = functions.scan.cumsum_
    diff = functions.scan.diff

    argsort = functions.sorting.argsort
    kthvalue = functions.sorting.kthvalue
    msort = functions.sorting.msort
    sort = functions.sorting.sort
    topk = functions.sorting.topk
    unique = functions.sorting.unique
    unique_consecutive = functions.sorting.unique_consecutive

    median = functions.statistics.median
    nanmedian = functions.statistics.nanmedian
    norm = functions.statistics.norm
    std = functions.statistics.std
    var = functions.statistics.var

    broadcast_to = functions.shape.broadcast_to
    contiguous = functions.shape.contiguous
    expand = functions.shape.expand
    expand_as = functions.shape.expand_as
    flatten = functions.shape.flatten
    moveaxis = functions.shape.moveaxis
    movedim = functions.shape.movedim
    permute = functions.shape.permute
    ravel = functions.shape.ravel
    reshape = functions.shape.reshape
    squeeze = functions.shape.squeeze
    squeeze_ = functions.shape.squeeze_
    swapaxes = functions.shape.swapaxes
    swapdims = functions.shape.swapdims
    t = functions.shape.t
    t_ = functions.shape.t_
    transpose = functions.shape.transpose
    transpose_ = functions.shape.transpose_
    unflatten = functions.shape.unflatten
    unsqueeze = functions.shape.unsqueeze
    unsqueeze_ = functions.shape.unsqueeze_
    view = functions.shape.view
    view_as = functions.shape.view_as

    addmm = functions.products.addmm
    bmm = functions.products.bmm
    dot = functions.products.dot
    matmul = functions.products.matmul
    mm = functions.products.mm
    mv = functions.products.mv

    floor_divide = functions.division.floor_divide
    floor_divide_ = functions.division.floor_divide_
    fmod = functions.division.fmod
    fmod_ = functions.division.fmod_
    remainder = functions.division.remainder
    remainder_ = functions.division.remainder_

    acos = functions.transcendental.acos
    acos_ = functions.transcendental.acos_
    acosh = functions.transcendental.acosh
    acosh_ = functions.transcendental.acosh_
    asin = functions.transcendental.asin
    asin_ = functions.transcendental.asin_
    asinh = functions.transcendental.asinh
    asinh_ = functions.transcendental.asinh_
    atan = functions.transcendental.atan
    atan2 = functions.transcendental.atan2
    atan2_ = functions.transcendental.atan2_
    atan_ = functions.transcendental.atan_
    atanh = functions.transcendental.atanh
    atanh_ = functions.transcendental.atanh_
    cosh = functions.transcendental.cosh
    cosh_ = functions.transcendental.cosh_
    erf = functions.transcendental.erf
    erf_ = functions.transcendental.erf_
    exp2 = functions.transcendental.exp2
    exp2_ = functions.transcendental.exp2_
    expm1 = functions.transcendental.expm1
    expm1_ = functions.transcendental.expm1_
    log10 = functions.transcendental.log10
    log10_ = functions.transcendental.log10_
    log1p = functions.transcendental.log1p
    log1p_ = functions.transcendental.log1p_
    log2 = functions.transcendental.log2
    log2_ = functions.transcendental.log2_
    logaddexp = functions.transcendental.logaddexp
    rsqrt = functions.transcendental.rsqrt
    rsqrt_ = functions.transcendental.rsqrt_
    sinh = functions.transcendental.sinh
    sinh_ = functions.transcendental.sinh_
    tan = functions.transcendental.tan
    tan_ = functions.transcendental.tan_

    ceil = functions.rounding.ceil
    ceil_ = functions.rounding.ceil_
    floor = functions.rounding.floor
    floor_ = functions.rounding.floor_
    frac = functions.rounding.frac
    frac_ = functions.rounding.frac_
    nan_to_num = functions.rounding.nan_to_num
    nan_to_num_ = functions.rounding.nan_to_num_
    round = functions.rounding.round
    round_ = functions.rounding.round_
    sign = functions.rounding.sign
    sign_ = functions.rounding.sign_
    trunc = functions.rounding.trunc
    trunc_ = functions.rounding.trunc_

    addcdiv = functions.fused.addcdiv
    addcdiv_ = functions.fused.addcdiv_
    addcmul = functions.fused.addcmul
    addcmul_ = functions.fused.addcmul_
    lerp = functions.fused.lerp
    lerp_ = functions.fused.lerp_

    chunk = functions.arrangement.chunk
    diag = functions.arrangement.diag
    diag_embed = functions.arrangement.diag_embed
    diagonal = functions.arrangement.diagonal
    flip = functions.arrangement.flip
    fliplr = functions.arrangement.fliplr
    flipud = functions.arrangement.flipud
    narrow = functions.arrangement.narrow
    repeat = functions.arrangement.repeat
    repeat_interleave = functions.arrangement.repeat_interleave
    roll = functions.arrangement.roll
    rot90 = functions.arrangement.rot90
    select = functions.arrangement.select
    split = functions.arrangement.split
    split_with_sizes = functions.arrangement.split_with_sizes
    tensor_split = functions.arrangement.tensor_split
    tile = functions.arrangement.tile
    trace = functions.arrangement.trace
    tril = functions.arrangement.tril
    tril_ = functions.arrangement.tril_
    triu = functions.arrangement.triu
    triu_ = functions.arrangement.triu_
    unbind = functions.arrangement.unbind
    unfold = functions.arrangement.unfold

    gather = functions.picking.gather
    index_add = functions.picking.index_add
    index_add_ = functions.picking.index_add_
    index_copy = functions.picking.index_copy
    index_copy_ = functions.picking.index_copy_
    index_fill = functions.picking.index_fill
    index_fill_ = functions.picking.index_fill_
    index_put = functions.picking.index_put
    index_put_ = functions.picking.index_put_
    index_select = functions.picking.index_select
    masked_fill = functions.picking.masked_fill
    masked_fill_ = functions.picking.masked_fill_
    masked_scatter = functions.picking.masked_scatter
    masked_scatter_ = functions.picking.masked_scatter_
    masked_select = functions.picking.masked_select
    nonzero = functions.picking.nonzero
    scatter = functions.picking.scatter
    scatter_ = functions.picking.scatter_
    scatter_add = functions.picking.scatter_add
    scatter_add_ = functions.picking.scatter_add_
    take = functions.picking.take
    take_along_dim = functions.picking.take_along_dim
