"""The operations as methods of Tensor: ``x.exp()`` is ``minigrad.exp(x)``, and both are ``ops.powers.exp``.

Each stands here by name, so that an editor finds it and a debugger steps into it; on one line with it, its variant in
place and other names of both. Python's operators, and what belongs to a tensor rather than to its values, are in
``tensor.py``.
"""

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

    add, add_ = arithmetic.add, arithmetic.add_
    mul, mul_ = multiply, multiply_ = arithmetic.mul, arithmetic.mul_
    neg, neg_ = negative, negative_ = arithmetic.neg, arithmetic.neg_
    positive = arithmetic.positive
    reciprocal, reciprocal_ = arithmetic.reciprocal, arithmetic.reciprocal_
    sub, sub_ = subtract, subtract_ = arithmetic.sub, arithmetic.sub_

    div, div_ = divide, divide_ = division.div, division.div_
    true_divide, true_divide_ = division.true_divide, division.true_divide_
    floor_divide, floor_divide_ = division.floor_divide, division.floor_divide_
    fmod, fmod_ = division.fmod, division.fmod_
    remainder, remainder_ = division.remainder, division.remainder_

    exp, exp_ = powers.exp, powers.exp_
    log, log_ = powers.log, powers.log_
    pow, pow_ = powers.pow, powers.pow_
    sqrt, sqrt_ = powers.sqrt, powers.sqrt_
    square, square_ = powers.square, powers.square_
    exp2, exp2_ = powers.exp2, powers.exp2_
    expm1, expm1_ = powers.expm1, powers.expm1_
    log10, log10_ = powers.log10, powers.log10_
    log1p, log1p_ = powers.log1p, powers.log1p_
    log2, log2_ = powers.log2, powers.log2_
    hypot, hypot_ = powers.hypot, powers.hypot_
    logaddexp = powers.logaddexp
    rsqrt, rsqrt_ = powers.rsqrt, powers.rsqrt_

    cos, cos_ = transcendental.cos, transcendental.cos_
    sin, sin_ = transcendental.sin, transcendental.sin_
    tanh, tanh_ = transcendental.tanh, transcendental.tanh_
    acos, acos_ = arccos, arccos_ = transcendental.acos, transcendental.acos_
    acosh, acosh_ = arccosh, arccosh_ = transcendental.acosh, transcendental.acosh_
    asin, asin_ = arcsin, arcsin_ = transcendental.asin, transcendental.asin_
    asinh, asinh_ = arcsinh, arcsinh_ = transcendental.asinh, transcendental.asinh_
    atan, atan_ = arctan, arctan_ = transcendental.atan, transcendental.atan_
    atan2, atan2_ = arctan2, arctan2_ = transcendental.atan2, transcendental.atan2_
    atanh, atanh_ = arctanh, arctanh_ = transcendental.atanh, transcendental.atanh_
    cosh, cosh_ = transcendental.cosh, transcendental.cosh_
    erf, erf_ = transcendental.erf, transcendental.erf_
    sinh, sinh_ = transcendental.sinh, transcendental.sinh_
    tan, tan_ = transcendental.tan, transcendental.tan_

    digamma, digamma_ = special.digamma, special.digamma_
    erfc, erfc_ = special.erfc, special.erfc_
    erfinv, erfinv_ = special.erfinv, special.erfinv_
    lgamma, lgamma_ = special.lgamma, special.lgamma_
    logit, logit_ = special.logit, special.logit_
    mvlgamma, mvlgamma_ = special.mvlgamma, special.mvlgamma_
    polygamma_ = special.polygamma_
    xlogy, xlogy_ = special.xlogy, special.xlogy_

    maximum, minimum = choosing.maximum, choosing.minimum

    clamp, clamp_ = clip, clip_ = clamping.clamp, clamping.clamp_
    clamp_max, clamp_max_ = clamping.clamp_max, clamping.clamp_max_
    clamp_min, clamp_min_ = clamping.clamp_min, clamping.clamp_min_

    abs, abs_ = absolute, absolute_ = signs.abs, signs.abs_
    sgn, sgn_ = signs.sgn, signs.sgn_
    ceil, ceil_ = rounding.ceil, rounding.ceil_
    floor, floor_ = rounding.floor, rounding.floor_
    frac, frac_ = rounding.frac, rounding.frac_
    nan_to_num, nan_to_num_ = rounding.nan_to_num, rounding.nan_to_num_
    round, round_ = rounding.round, rounding.round_
    sign, sign_ = signs.sign, signs.sign_
    trunc, trunc_ = fix, fix_ = rounding.trunc, rounding.trunc_

    addcdiv, addcdiv_ = fused.addcdiv, fused.addcdiv_
    addcmul, addcmul_ = fused.addcmul, fused.addcmul_
    lerp, lerp_ = fused.lerp, fused.lerp_

    hardshrink = rectifiers.hardshrink
    relu, relu_ = rectifiers.relu, rectifiers.relu_

    sigmoid, sigmoid_ = activation.sigmoid, activation.sigmoid_

    clone = copying.clone
    copy_ = copying.copy_
    fill_ = copying.fill_
    zero_ = copying.zero_
    contiguous = copying.contiguous

    bool = casting.bool
    byte, char, short, int, long = casting.byte, casting.char, casting.short, casting.int, casting.long
    cpu, cuda = casting.cpu, casting.cuda
    half, bfloat16, float, double = casting.half, casting.bfloat16, casting.float, casting.double
    is_pinned = casting.is_pinned
    new = casting.new
    new_empty = casting.new_empty
    new_full = casting.new_full
    new_ones, new_zeros = casting.new_ones, casting.new_zeros
    new_tensor = casting.new_tensor
    pin_memory = casting.pin_memory
    to = casting.to
    type_as = casting.type_as

    conj = conj_physical = resolve_conj = resolve_neg = types.conj
    is_complex = types.is_complex
    is_conj, is_neg = types.is_conj, types.is_neg
    is_floating_point = types.is_floating_point
    is_nonzero = types.is_nonzero
    is_same_size = types.is_same_size
    is_signed = types.is_signed

    sum = broadcasting.sum
    broadcast_to = broadcasting.broadcast_to
    expand, expand_as = broadcasting.expand, broadcasting.expand_as

    mean, nanmean = reduction.mean, reduction.nanmean
    nansum = reduction.nansum
    prod = reduction.prod

    amax, amin = extremes.amax, extremes.amin
    aminmax = extremes.aminmax
    max, min = extremes.max, extremes.min

    logsumexp = softmax_ops.logsumexp
    softmax, log_softmax = softmax_ops.softmax, softmax_ops.log_softmax

    norm = statistics.norm
    std, var = statistics.std, statistics.var

    cummax, cummin = scan.cummax, scan.cummin
    cumprod, cumprod_ = scan.cumprod, scan.cumprod_
    cumsum, cumsum_ = scan.cumsum, scan.cumsum_
    diff = scan.diff

    kthvalue = sorting.kthvalue
    sort, argsort, msort = sorting.sort, sorting.argsort, sorting.msort
    topk = sorting.topk
    median, nanmedian = sorting.median, sorting.nanmedian

    all, any = nondifferentiable.all, nondifferentiable.any
    argmax, argmin = nondifferentiable.argmax, nondifferentiable.argmin
    argwhere = nondifferentiable.argwhere
    count_nonzero = nondifferentiable.count_nonzero
    nonzero = nondifferentiable.nonzero
    unique, unique_consecutive = nondifferentiable.unique, nondifferentiable.unique_consecutive

    allclose = comparison.allclose
    bitwise_and, bitwise_and_ = comparison.bitwise_and, comparison.bitwise_and_
    bitwise_left_shift, bitwise_left_shift_ = comparison.bitwise_left_shift, comparison.bitwise_left_shift_
    bitwise_not, bitwise_not_ = comparison.bitwise_not, comparison.bitwise_not_
    bitwise_or, bitwise_or_ = comparison.bitwise_or, comparison.bitwise_or_
    bitwise_right_shift, bitwise_right_shift_ = comparison.bitwise_right_shift, comparison.bitwise_right_shift_
    bitwise_xor, bitwise_xor_ = comparison.bitwise_xor, comparison.bitwise_xor_
    eq, eq_ = comparison.eq, comparison.eq_
    equal = comparison.equal
    ge, ge_ = greater_equal, greater_equal_ = comparison.ge, comparison.ge_
    gt, gt_ = greater, greater_ = comparison.gt, comparison.gt_
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf, isnan = comparison.isinf, comparison.isnan
    isneginf, isposinf = comparison.isneginf, comparison.isposinf
    le, le_ = less_equal, less_equal_ = comparison.le, comparison.le_
    logical_and, logical_and_ = comparison.logical_and, comparison.logical_and_
    logical_not, logical_not_ = comparison.logical_not, comparison.logical_not_
    logical_or, logical_or_ = comparison.logical_or, comparison.logical_or_
    logical_xor, logical_xor_ = comparison.logical_xor, comparison.logical_xor_
    lt, lt_ = less, less_ = comparison.lt, comparison.lt_
    ne, ne_ = not_equal, not_equal_ = comparison.ne, comparison.ne_

    flatten = shape.flatten
    ravel = shape.ravel
    reshape, reshape_as = shape.reshape, shape.reshape_as
    resize_, resize_as_ = resizing.resize_, resizing.resize_as_
    squeeze, squeeze_ = shape.squeeze, shape.squeeze_
    unflatten = shape.unflatten
    unsqueeze, unsqueeze_ = shape.unsqueeze, shape.unsqueeze_
    view, view_as = shape.view, shape.view_as

    adjoint = transposition.adjoint
    moveaxis, movedim = transposition.moveaxis, transposition.movedim
    permute = transposition.permute
    swapaxes, swapaxes_ = transposition.swapaxes, transposition.swapaxes_
    swapdims, swapdims_ = transposition.swapdims, transposition.swapdims_
    t, t_ = transposition.t, transposition.t_
    transpose, transpose_ = transposition.transpose, transposition.transpose_

    flip = arrangement.flip
    fliplr, flipud = arrangement.fliplr, arrangement.flipud
    repeat = arrangement.repeat
    repeat_interleave = arrangement.repeat_interleave
    roll = arrangement.roll
    rot90 = arrangement.rot90
    tile = arrangement.tile

    chunk = cutting.chunk
    dsplit, hsplit, vsplit = cutting.dsplit, cutting.hsplit, cutting.vsplit
    narrow = cutting.narrow
    select = cutting.select
    split, split_with_sizes = cutting.split, cutting.split_with_sizes
    tensor_split = cutting.tensor_split
    unbind = cutting.unbind
    unfold = cutting.unfold

    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagonal = diagonals.diagonal
    trace = diagonals.trace
    tril, tril_ = diagonals.tril, diagonals.tril_
    triu, triu_ = diagonals.triu, diagonals.triu_

    gather = picking.gather
    index_add, index_add_ = picking.index_add, picking.index_add_
    index_copy, index_copy_ = picking.index_copy, picking.index_copy_
    index_fill, index_fill_ = picking.index_fill, picking.index_fill_
    index_put, index_put_ = picking.index_put, picking.index_put_
    index_select = picking.index_select
    scatter, scatter_ = picking.scatter, picking.scatter_
    scatter_add, scatter_add_ = picking.scatter_add, picking.scatter_add_
    take = picking.take
    take_along_dim = picking.take_along_dim

    fill_diagonal_ = masking.fill_diagonal_
    masked_fill, masked_fill_ = masking.masked_fill, masking.masked_fill_
    masked_scatter, masked_scatter_ = masking.masked_scatter, masking.masked_scatter_
    masked_select = masking.masked_select

    addbmm, addbmm_ = matmul_ops.addbmm, matmul_ops.addbmm_
    addmm, addmm_ = matmul_ops.addmm, matmul_ops.addmm_
    addmv, addmv_ = matmul_ops.addmv, matmul_ops.addmv_
    addr, addr_ = matmul_ops.addr, matmul_ops.addr_
    baddbmm, baddbmm_ = matmul_ops.baddbmm, matmul_ops.baddbmm_
    bmm = matmul_ops.bmm
    dot, vdot = matmul_ops.dot, matmul_ops.vdot
    inner = matmul_ops.inner
    matmul = matmul_ops.matmul
    mm, mv = matmul_ops.mm, matmul_ops.mv
    outer = ger = matmul_ops.outer

    cholesky_inverse = solving.cholesky_inverse
    cholesky_solve = solving.cholesky_solve
    triangular_solve = solving.triangular_solve
    cross = older.cross
    det, logdet = solving.det, solving.logdet
    inverse, pinverse = older.inverse, older.pinverse
    matrix_power = products.matrix_power
    slogdet = older.slogdet
    svd = older.svd

    float_power, float_power_ = composed.float_power, composed.float_power_
    corrcoef = composed.corrcoef
    cov = composed.cov
    deg2rad, deg2rad_ = composed.deg2rad, composed.deg2rad_
    ldexp, ldexp_ = composed.ldexp, composed.ldexp_
    logaddexp2 = composed.logaddexp2
    rad2deg, rad2deg_ = composed.rad2deg, composed.rad2deg_
    renorm, renorm_ = composed.renorm, composed.renorm_
    sinc, sinc_ = composed.sinc, composed.sinc_

    bincount = counting.bincount
    histc = counting.histc
    histogram = counting.histogram

    diagflat = combining.diagflat
    kron = combining.kron

    dist = distances.dist

    fmax, fmin = choosing.fmax, choosing.fmin

    quantile, nanquantile = quantiles.quantile, quantiles.nanquantile

    put, put_ = scattering.put, scattering.put_
    scatter_reduce, scatter_reduce_ = scattering.scatter_reduce, scattering.scatter_reduce_

    copysign, copysign_ = signs.copysign, signs.copysign_
    gcd, gcd_ = signs.gcd, signs.gcd_
    heaviside, heaviside_ = signs.heaviside, signs.heaviside_
    lcm, lcm_ = signs.lcm, signs.lcm_
    signbit = signs.signbit

    mode = sorting.mode

    as_strided = striding.as_strided
