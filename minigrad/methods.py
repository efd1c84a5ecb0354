"""The operations as methods of Tensor: ``x.exp()`` is ``minigrad.exp(x)``, and both are ``ops.powers.exp``.

Each stands here by name, so that an editor finds it and a debugger steps into it. Python's operators, and what belongs
to a tensor rather than to its values, are in ``tensor.py``.
"""

from __future__ import annotations

from minigrad import creation
from minigrad.inplace import resizing
from minigrad.linalg import older, products, solving
from minigrad.ops import activation, arithmetic, arrangement, broadcasting, casting, choosing, clamping, combining
from minigrad.ops import comparison, composed, counting, distances, quantiles, scattering, signs, striding
from minigrad.ops import copying, cutting, diagonals, division, extremes, fused, masking, nondifferentiable, overwriting
from minigrad.ops import picking, powers, rectifiers, reduction, rounding, scan, shape, sorting, special
from minigrad.ops import statistics, transcendental, transposition, types
from minigrad.ops import matmul as matmul_ops
from minigrad.ops import softmax as softmax_ops

__all__ = ["Methods"]


class Methods:
    """Every function of ``minigrad/ops`` that PyTorch has as a method too."""

    __slots__ = ()

    bernoulli = creation.bernoulli
    multinomial = creation.multinomial
    bernoulli_ = overwriting.bernoulli_
    cauchy_ = overwriting.cauchy_
    exponential_ = overwriting.exponential_
    geometric_ = overwriting.geometric_
    log_normal_ = overwriting.log_normal_
    normal_ = overwriting.normal_
    random_ = overwriting.random_
    uniform_ = overwriting.uniform_

    add = arithmetic.add
    add_ = arithmetic.add_
    mul = arithmetic.mul
    mul_ = arithmetic.mul_
    neg = arithmetic.neg
    neg_ = arithmetic.neg_
    positive = arithmetic.positive
    reciprocal = arithmetic.reciprocal
    reciprocal_ = arithmetic.reciprocal_
    sub = arithmetic.sub
    sub_ = arithmetic.sub_
    negative = arithmetic.neg
    negative_ = arithmetic.neg_
    multiply = arithmetic.mul
    multiply_ = arithmetic.mul_
    subtract = arithmetic.sub
    subtract_ = arithmetic.sub_

    div = division.div
    div_ = division.div_
    true_divide = division.true_divide
    true_divide_ = division.true_divide_
    divide = division.div
    divide_ = division.div_
    floor_divide = division.floor_divide
    floor_divide_ = division.floor_divide_
    fmod = division.fmod
    fmod_ = division.fmod_
    remainder = division.remainder
    remainder_ = division.remainder_

    exp = powers.exp
    exp_ = powers.exp_
    log = powers.log
    log_ = powers.log_
    pow = powers.pow
    pow_ = powers.pow_
    sqrt = powers.sqrt
    sqrt_ = powers.sqrt_
    square = powers.square
    square_ = powers.square_
    exp2 = powers.exp2
    exp2_ = powers.exp2_
    expm1 = powers.expm1
    expm1_ = powers.expm1_
    log10 = powers.log10
    log10_ = powers.log10_
    log1p = powers.log1p
    log1p_ = powers.log1p_
    log2 = powers.log2
    log2_ = powers.log2_
    hypot = powers.hypot
    hypot_ = powers.hypot_
    logaddexp = powers.logaddexp
    rsqrt = powers.rsqrt
    rsqrt_ = powers.rsqrt_

    cos = transcendental.cos
    cos_ = transcendental.cos_
    sin = transcendental.sin
    sin_ = transcendental.sin_
    tanh = transcendental.tanh
    tanh_ = transcendental.tanh_
    acos = transcendental.acos
    acos_ = transcendental.acos_
    acosh = transcendental.acosh
    acosh_ = transcendental.acosh_
    asin = transcendental.asin
    asin_ = transcendental.asin_
    asinh = transcendental.asinh
    asinh_ = transcendental.asinh_
    atan = transcendental.atan
    atan2 = transcendental.atan2
    atan2_ = transcendental.atan2_
    atan_ = transcendental.atan_
    atanh = transcendental.atanh
    atanh_ = transcendental.atanh_
    cosh = transcendental.cosh
    cosh_ = transcendental.cosh_
    erf = transcendental.erf
    erf_ = transcendental.erf_
    sinh = transcendental.sinh
    sinh_ = transcendental.sinh_
    tan = transcendental.tan
    tan_ = transcendental.tan_
    arccos = transcendental.acos
    arccos_ = transcendental.acos_
    arccosh = transcendental.acosh
    arccosh_ = transcendental.acosh_
    arcsin = transcendental.asin
    arcsin_ = transcendental.asin_
    arcsinh = transcendental.asinh
    arcsinh_ = transcendental.asinh_
    arctan = transcendental.atan
    arctan_ = transcendental.atan_
    arctan2 = transcendental.atan2
    arctan2_ = transcendental.atan2_
    arctanh = transcendental.atanh
    arctanh_ = transcendental.atanh_

    digamma = special.digamma
    digamma_ = special.digamma_
    erfc = special.erfc
    erfc_ = special.erfc_
    erfinv = special.erfinv
    erfinv_ = special.erfinv_
    lgamma = special.lgamma
    lgamma_ = special.lgamma_
    logit = special.logit
    logit_ = special.logit_
    mvlgamma = special.mvlgamma
    mvlgamma_ = special.mvlgamma_
    polygamma_ = special.polygamma_
    xlogy = special.xlogy
    xlogy_ = special.xlogy_

    maximum = choosing.maximum
    minimum = choosing.minimum

    clamp = clamping.clamp
    clamp_ = clamping.clamp_
    clamp_max = clamping.clamp_max
    clamp_max_ = clamping.clamp_max_
    clamp_min = clamping.clamp_min
    clamp_min_ = clamping.clamp_min_
    clip = clamping.clamp
    clip_ = clamping.clamp_

    abs = rounding.abs
    abs_ = rounding.abs_
    sgn = rounding.sgn
    sgn_ = rounding.sgn_
    absolute = rounding.abs
    absolute_ = rounding.abs_
    ceil = rounding.ceil
    ceil_ = rounding.ceil_
    floor = rounding.floor
    floor_ = rounding.floor_
    frac = rounding.frac
    frac_ = rounding.frac_
    nan_to_num = rounding.nan_to_num
    nan_to_num_ = rounding.nan_to_num_
    round = rounding.round
    round_ = rounding.round_
    sign = rounding.sign
    sign_ = rounding.sign_
    trunc = rounding.trunc
    trunc_ = rounding.trunc_
    fix = rounding.trunc
    fix_ = rounding.trunc_

    addcdiv = fused.addcdiv
    addcdiv_ = fused.addcdiv_
    addcmul = fused.addcmul
    addcmul_ = fused.addcmul_
    lerp = fused.lerp
    lerp_ = fused.lerp_

    hardshrink = rectifiers.hardshrink
    relu = rectifiers.relu
    relu_ = rectifiers.relu_

    sigmoid = activation.sigmoid
    sigmoid_ = activation.sigmoid_

    clone = copying.clone
    copy_ = copying.copy_
    fill_ = copying.fill_
    zero_ = copying.zero_
    contiguous = copying.contiguous

    bool = casting.bool
    byte = casting.byte
    char = casting.char
    cpu = casting.cpu
    cuda = casting.cuda
    double = casting.double
    float = casting.float
    bfloat16 = casting.bfloat16
    half = casting.half
    int = casting.int
    is_pinned = casting.is_pinned
    long = casting.long
    new = casting.new
    new_empty = casting.new_empty
    new_full = casting.new_full
    new_ones = casting.new_ones
    new_tensor = casting.new_tensor
    new_zeros = casting.new_zeros
    pin_memory = casting.pin_memory
    short = casting.short
    to = casting.to
    type_as = casting.type_as

    conj = types.conj
    conj_physical = types.conj
    is_complex = types.is_complex
    is_conj = types.is_conj
    is_floating_point = types.is_floating_point
    is_neg = types.is_neg
    is_nonzero = types.is_nonzero
    is_same_size = types.is_same_size
    is_signed = types.is_signed
    resolve_conj = types.conj
    resolve_neg = types.conj

    sum = broadcasting.sum
    broadcast_to = broadcasting.broadcast_to
    expand = broadcasting.expand
    expand_as = broadcasting.expand_as

    mean = reduction.mean
    nanmean = reduction.nanmean
    nansum = reduction.nansum
    prod = reduction.prod

    amax = extremes.amax
    amin = extremes.amin
    aminmax = extremes.aminmax
    max = extremes.max
    min = extremes.min

    log_softmax = softmax_ops.log_softmax
    logsumexp = softmax_ops.logsumexp
    softmax = softmax_ops.softmax

    norm = statistics.norm
    std = statistics.std
    var = statistics.var

    cummax = scan.cummax
    cummin = scan.cummin
    cumprod = scan.cumprod
    cumprod_ = scan.cumprod_
    cumsum = scan.cumsum
    cumsum_ = scan.cumsum_
    diff = scan.diff

    argsort = sorting.argsort
    kthvalue = sorting.kthvalue
    msort = sorting.msort
    sort = sorting.sort
    topk = sorting.topk
    median = sorting.median
    nanmedian = sorting.nanmedian

    all = nondifferentiable.all
    any = nondifferentiable.any
    argmax = nondifferentiable.argmax
    argmin = nondifferentiable.argmin
    argwhere = nondifferentiable.argwhere
    count_nonzero = nondifferentiable.count_nonzero
    nonzero = nondifferentiable.nonzero
    unique = nondifferentiable.unique
    unique_consecutive = nondifferentiable.unique_consecutive

    allclose = comparison.allclose
    bitwise_and = comparison.bitwise_and
    bitwise_and_ = comparison.bitwise_and_
    bitwise_left_shift = comparison.bitwise_left_shift
    bitwise_left_shift_ = comparison.bitwise_left_shift_
    bitwise_not = comparison.bitwise_not
    bitwise_not_ = comparison.bitwise_not_
    bitwise_or = comparison.bitwise_or
    bitwise_or_ = comparison.bitwise_or_
    bitwise_right_shift = comparison.bitwise_right_shift
    bitwise_right_shift_ = comparison.bitwise_right_shift_
    bitwise_xor = comparison.bitwise_xor
    bitwise_xor_ = comparison.bitwise_xor_
    eq = comparison.eq
    eq_ = comparison.eq_
    equal = comparison.equal
    ge = comparison.ge
    ge_ = comparison.ge_
    gt = comparison.gt
    gt_ = comparison.gt_
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    isneginf = comparison.isneginf
    isposinf = comparison.isposinf
    le = comparison.le
    le_ = comparison.le_
    logical_and = comparison.logical_and
    logical_and_ = comparison.logical_and_
    logical_not = comparison.logical_not
    logical_not_ = comparison.logical_not_
    logical_or = comparison.logical_or
    logical_or_ = comparison.logical_or_
    logical_xor = comparison.logical_xor
    logical_xor_ = comparison.logical_xor_
    lt = comparison.lt
    lt_ = comparison.lt_
    ne = comparison.ne
    ne_ = comparison.ne_
    greater = comparison.gt
    greater_ = comparison.gt_
    greater_equal = comparison.ge
    greater_equal_ = comparison.ge_
    less = comparison.lt
    less_ = comparison.lt_
    less_equal = comparison.le
    less_equal_ = comparison.le_
    not_equal = comparison.ne
    not_equal_ = comparison.ne_

    flatten = shape.flatten
    ravel = shape.ravel
    reshape_as = shape.reshape_as
    resize_ = resizing.resize_
    resize_as_ = resizing.resize_as_
    reshape = shape.reshape
    squeeze = shape.squeeze
    squeeze_ = shape.squeeze_
    unflatten = shape.unflatten
    unsqueeze = shape.unsqueeze
    unsqueeze_ = shape.unsqueeze_
    view = shape.view
    view_as = shape.view_as

    adjoint = transposition.adjoint
    moveaxis = transposition.moveaxis
    movedim = transposition.movedim
    permute = transposition.permute
    swapaxes = transposition.swapaxes
    swapaxes_ = transposition.swapaxes_
    swapdims = transposition.swapdims
    swapdims_ = transposition.swapdims_
    t = transposition.t
    t_ = transposition.t_
    transpose = transposition.transpose
    transpose_ = transposition.transpose_

    flip = arrangement.flip
    fliplr = arrangement.fliplr
    flipud = arrangement.flipud
    repeat = arrangement.repeat
    repeat_interleave = arrangement.repeat_interleave
    roll = arrangement.roll
    rot90 = arrangement.rot90
    tile = arrangement.tile

    chunk = cutting.chunk
    dsplit = cutting.dsplit
    hsplit = cutting.hsplit
    narrow = cutting.narrow
    select = cutting.select
    split = cutting.split
    split_with_sizes = cutting.split_with_sizes
    tensor_split = cutting.tensor_split
    vsplit = cutting.vsplit
    unbind = cutting.unbind
    unfold = cutting.unfold

    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagonal = diagonals.diagonal
    trace = diagonals.trace
    tril = diagonals.tril
    tril_ = diagonals.tril_
    triu = diagonals.triu
    triu_ = diagonals.triu_

    gather = picking.gather
    index_add = picking.index_add
    index_add_ = picking.index_add_
    index_copy = picking.index_copy
    index_copy_ = picking.index_copy_
    index_fill = picking.index_fill
    index_fill_ = picking.index_fill_
    index_put = picking.index_put
    index_put_ = picking.index_put_
    index_select = picking.index_select
    scatter = picking.scatter
    scatter_ = picking.scatter_
    scatter_add = picking.scatter_add
    scatter_add_ = picking.scatter_add_
    take = picking.take
    take_along_dim = picking.take_along_dim

    fill_diagonal_ = masking.fill_diagonal_
    masked_fill = masking.masked_fill
    masked_fill_ = masking.masked_fill_
    masked_scatter = masking.masked_scatter
    masked_scatter_ = masking.masked_scatter_
    masked_select = masking.masked_select

    addbmm = matmul_ops.addbmm
    addbmm_ = matmul_ops.addbmm_
    addmm = matmul_ops.addmm
    addmm_ = matmul_ops.addmm_
    addmv = matmul_ops.addmv
    addmv_ = matmul_ops.addmv_
    addr = matmul_ops.addr
    addr_ = matmul_ops.addr_
    baddbmm = matmul_ops.baddbmm
    baddbmm_ = matmul_ops.baddbmm_
    bmm = matmul_ops.bmm
    dot = matmul_ops.dot
    inner = matmul_ops.inner
    matmul = matmul_ops.matmul
    mm = matmul_ops.mm
    mv = matmul_ops.mv
    outer = matmul_ops.outer
    ger = matmul_ops.outer
    vdot = matmul_ops.vdot

    cholesky_inverse = solving.cholesky_inverse
    cholesky_solve = solving.cholesky_solve
    triangular_solve = solving.triangular_solve
    cross = older.cross
    det = solving.det
    inverse = older.inverse
    logdet = solving.logdet
    matrix_power = products.matrix_power
    pinverse = older.pinverse
    slogdet = older.slogdet
    svd = older.svd

    float_power_ = composed.float_power_
    corrcoef = composed.corrcoef
    cov = composed.cov
    deg2rad = composed.deg2rad
    deg2rad_ = composed.deg2rad_
    float_power = composed.float_power
    ldexp = composed.ldexp
    ldexp_ = composed.ldexp_
    logaddexp2 = composed.logaddexp2
    rad2deg = composed.rad2deg
    rad2deg_ = composed.rad2deg_
    renorm = composed.renorm
    renorm_ = composed.renorm_
    sinc = composed.sinc
    sinc_ = composed.sinc_

    bincount = counting.bincount
    histc = counting.histc
    histogram = counting.histogram

    diagflat = combining.diagflat
    kron = combining.kron

    dist = distances.dist

    fmax = choosing.fmax
    fmin = choosing.fmin

    nanquantile = quantiles.nanquantile
    quantile = quantiles.quantile

    put = scattering.put
    put_ = scattering.put_
    scatter_reduce = scattering.scatter_reduce
    scatter_reduce_ = scattering.scatter_reduce_

    copysign = signs.copysign
    copysign_ = signs.copysign_
    gcd = signs.gcd
    gcd_ = signs.gcd_
    heaviside = signs.heaviside
    heaviside_ = signs.heaviside_
    lcm = signs.lcm
    lcm_ = signs.lcm_
    signbit = signs.signbit

    mode = sorting.mode

    as_strided = striding.as_strided
