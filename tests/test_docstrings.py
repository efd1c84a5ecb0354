"""What the docstring of a public name says, and that the examples in docstrings run.

Public is what a face names in ``__all__``, and of the classes there the methods and properties: those of ``Tensor``,
and of others what PyTorch's class has too. Each begins with a sentence, and says, itself or by what it refers to
(``:func:``):

- **shapes**, where a function or a method of Tensor takes or gives tensors, and of a layer;
- **errors**: under "Raises" every exception that its own code raises: its body, the rule that it applies, and helpers
  of its file; of a class what makes it, of a layer ``forward``. What everybody raises is told in ``help(minigrad)``;
- its **counterpart**: PyTorch has the same path, or "Counterpart: ``torch…``" stands there, or that there is none;
- its **source**, if it is a layer, an initialisation, an optimizer or a schedule, and not ``FOLKLORE``.
"""

import ast
import builtins
import contextlib
import doctest
import functools
import importlib
import inspect
import linecache
import re
import sys
import types

import pytest
import torch

import minigrad

OURS = ("minigrad", "torch_impl", "comparisons")
# Where the counterparts of a face's names are. The other two packages are no engines, and have none.
ENGINES = {"minigrad.models": "torch_impl.models", "minigrad": "torch"}
TOLD_ONCE = {"TypeError"}
NEVER = {("minigrad.transpose", "RuntimeError")}  # what the rule raises, but not from here
CITING = ("minigrad.nn", "minigrad.nn.init", "minigrad.optim", "minigrad.optim.lr_scheduler", "minigrad.models")
# What nobody is cited for.
FOLKLORE = {
    *("Module", "ModuleDict", "ModuleList", "Parameter", "ParameterDict", "ParameterList", "Sequential", "Optimizer"),
    *("RNNBase", "RNNCellBase"),
    *("Bilinear", "DataParallel", "Flatten", "Fold", "Identity", "LazyLinear", "Linear", "Unflatten"),
    *("Buffer", "factory_kwargs", "UninitializedBuffer", "UninitializedParameter"),
    *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d"),
    *("AdaptiveAvgPool3d", "AdaptiveMaxPool3d", "AvgPool3d", "MaxPool3d", "MaxUnpool3d"),
    *("CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"),
    *("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d"),
    *("ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"),
    *("MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "NLLLoss2d", "PoissonNLLLoss", "SoftMarginLoss"),
    *("MaxPool1d", "MaxPool2d", "MaxUnpool1d", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"),
    *("Hardtanh", "LogSigmoid", "LogSoftmax", "Sigmoid", "Softmin", "Tanh", "Tanhshrink", "Threshold"),
    *("BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CosineSimilarity", "HingeEmbeddingLoss", "L1Loss"),
    *("MSELoss", "MarginRankingLoss", "NLLLoss", "PairwiseDistance"),
    *("constant_", "dirac_", "eye_", "normal_", "ones_", "trunc_normal_", "uniform_", "zeros_"),
    *("ChainedScheduler", "ConstantLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR"),
    *("MultiplicativeLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"),
}


def faces_of(path, face):
    """A face, and the faces among what it names."""
    yield path, face
    for name in face.__all__:
        part = getattr(face, name)
        if isinstance(part, types.ModuleType) and part.__name__ == f"{path}.{name}":
            yield from faces_of(f"{path}.{name}", part)


FACES = dict(faces_of("minigrad", minigrad))
MORE = ["minigrad.lightning", "minigrad.lightning.callbacks", "minigrad.lightning.loggers", "minigrad.jit"]
MORE += ["comparisons.tutorial", "comparisons.tutorial.figures"]
MORE += [f"minigrad.{each}" for each in ("accelerator", "backends.cpu", "backends.cudnn", "compiler", "cpu")]
MORE += ["minigrad.utils.tensorboard", "minigrad.nn.utils.prune", "minigrad.distributions", "minigrad.func"]
MORE += ["minigrad.testing"]
FACES |= {path: importlib.import_module(path) for path in MORE}
FACES |= {path: importlib.import_module(f"{path}.face") for path in ("torch_impl", "comparisons")}


def can_tell(thing):
    """Whether a public thing can have a docstring: values, such as ``minigrad.pi``, have none."""
    if isinstance(thing, functools.partial):  # a routine, says Python from 3.14 on
        return False
    return inspect.isroutine(thing) or inspect.isclass(thing) or isinstance(thing, property)


@functools.cache
def public():
    """Each public thing once, by its path."""
    named = {f"{face}.{name}": getattr(module, name) for face, module in FACES.items() for name in module.__all__}
    found = {id(thing): (path, thing) for path, thing in reversed(named.items()) if can_tell(thing)}
    for path, cls in sorted((path, thing) for path, thing in found.values() if inspect.isclass(thing)):
        found = {id(member): (name, member) for name, member in members_of(path, cls)} | found
    return dict(sorted(found.values()))


def members_of(path, cls):
    """The public methods and properties of a class that are written here, in it or in its bases."""
    theirs = counterpart_of(path)
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        owner = next((each for each in cls.__mro__ if name in vars(each)), object)
        is_there = hasattr(cls, name) and not name.startswith("_")
        if is_there and can_tell(member) and owner.__module__.startswith(OURS):
            counts = theirs is None or hasattr(theirs, name) or cls is minigrad.Tensor
            told_by_class = name == "forward" and is_layer(cls)
            if counts and not told_by_class and not is_hook(member):
                yield f"{path}.{name}", member


def is_hook(member):
    """Whether a method does nothing, and does not even say so: subclasses override it."""
    tree = syntax_of(member)
    return tree is not None and len(tree.body) == 1 and ast.unparse(tree.body) == "..."


@functools.cache
def at(path):
    """What stands at a path of modules and attributes; None where nothing does. A function may hide a module."""
    first, *parts = path.split(".")
    name, thing = first, importlib.import_module(first)
    for part in parts:
        if isinstance(thing, types.ModuleType) and not hasattr(thing, part):
            with contextlib.suppress(ImportError):
                importlib.import_module(f"{name}.{part}")
        homes = [home for home in (thing, sys.modules.get(name)) if hasattr(home, part)]
        name, thing = f"{name}.{part}", getattr(homes[0], part) if homes else None
    return thing


def counterpart_of(path):
    """What the other engine has under the same path."""
    home = next((home for home in ENGINES if path.startswith(f"{home}.")), None)
    return None if home is None else at(path.replace(home, ENGINES[home], 1))


# ----------------------------------------------------------------------------------------------------- what is told


def docstring(thing):
    """What ``help`` shows: a class has its own, a method may have that of the method which it replaces."""
    return inspect.cleandoc(vars(thing).get("__doc__") or "") if inspect.isclass(thing) else inspect.getdoc(thing) or ""


def told(path, thing):
    """The docstring, and after it all those to which it refers."""
    found = [(path, thing)]
    for home, each in found:
        for name in re.findall(r":(?:func|class|meth):`([\w.]+)`", docstring(each)):
            other = referred(home, each, name)
            assert other is not None, f"{home} refers to {name}, which is nowhere"
            if all(other is not known for _, known in found):
                found.append((home, other))
    return [docstring(each) for _, each in found]


def home_of(thing):
    """The module in which it is written."""
    return getattr(thing, "fget", thing).__module__


def referred(path, thing, name):
    """What ``name`` means in a docstring: of the class or face, of its file, of another face, or a full path."""
    homes = [path.rsplit(".", count)[0] for count in range(1, path.count(".") + 1)]
    candidates = [f"{home}.{name}" for home in [*homes, home_of(thing), *FACES]] + [name] * name.startswith(OURS)
    return next((thing for each in candidates if (thing := at(each)) is not None), None)


# --------------------------------------------------------------------------------------------- what is to be told


def is_layer(thing):
    return inspect.isclass(thing) and issubclass(thing, (minigrad.nn.Module, torch.nn.Module))


@functools.cache
def known():
    """What is public, by identity: a public base tells its own."""
    return {id(each) for each in public().values()}


@functools.cache
def by_face():
    """What is public, by the face whose path is the longest beginning of its own."""
    found = {face: {} for face in FACES}
    for path, thing in public().items():
        found[max(filter(path.startswith, FACES), key=len)][path] = thing
    return found


def code_of(thing):
    """The functions whose code is a thing's own; of a class what makes it, of a layer what it computes."""
    if isinstance(thing, property):
        own = [thing.fget, thing.fset, thing.fdel]
    elif inspect.isclass(thing):
        names = ["__new__", "__init__", "__post_init__", "__enter__"] + ["forward"] * is_layer(thing)
        homes = [each for each in thing.__mro__ if each is thing or id(each) not in known()]
        own = [vars(each).get(name) for each in homes for name in names if each.__module__.startswith(OURS)]
    else:
        own = [getattr(thing, "__func__", thing)]  # of a static method or a class method
    return [inspect.unwrap(each) for each in own if each is not None]


def has_shapes(path, thing):
    """Whether tensors go in or come out: of a layer, or where a function says so and does not give a mere number."""
    if inspect.isclass(thing):
        return is_layer(thing) and thing.forward is not minigrad.nn.Module.forward
    is_method = inspect.isclass(at(path.rpartition(".")[0])) and not path.startswith("minigrad.Tensor.")
    annotations = {} if is_method else code_of(thing)[0].__annotations__
    named = re.search(r"\bTensor\b", " ".join(map(str, annotations.values())))
    return named and annotations.get("return") not in ("bool", "builtins.bool", "int", "str", "None")


STATEMENTS = ("body", "handlers", "cases", "orelse", "finalbody")


def parts(node, name):
    """Statements inside of a statement; none of a lambda or a conditional expression, whose parts are no lists."""
    found = getattr(node, name, ())
    return found if isinstance(found, list) else ()


@functools.cache
def functions_in(path):
    """The functions of a file as syntax, by the line in which they begin, which is that of the first decorator."""
    statements = [ast.parse("".join(linecache.getlines(path)))]
    for node in statements:  # it grows; a function stands in no expression
        statements += [each for part in STATEMENTS for each in parts(node, part)]
    functions = [node for node in statements if isinstance(node, ast.FunctionDef)]
    return {min(each.lineno for each in (node, *node.decorator_list)): node for node in functions}


def syntax_of(function):
    """The syntax of one of our functions; None for those that stand in no file, such as a named tuple's."""
    ours = inspect.isfunction(function) and function.__module__.startswith(OURS)
    return functions_in(function.__code__.co_filename).get(function.__code__.co_firstlineno) if ours else None


def errors_of(thing):
    """The names of the exceptions that a thing's own code raises."""
    found, functions = set(), code_of(thing)
    for function in functions:  # it grows
        tree = syntax_of(function)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found.add(meaning(node.exc.func, function, thing))
            elif isinstance(node, ast.Call) and not is_rule(function):
                called = helper(meaning(node.func, function, thing), function)
                functions += [called] * (called is not None and called not in functions)
    return {error.__name__ for error in found if inspect.isclass(error)}


def helper(called, function):
    """What a function calls, where that is a function of its file that is not public, or the rule that it applies."""
    if inspect.ismethod(called) and called.__name__ == "apply" and hasattr(called.__self__, "forward"):
        called = called.__self__.forward
    called = inspect.unwrap(called) if inspect.isfunction(called) else None
    if called is None or called.__module__ != function.__module__:
        return None
    return None if called.__name__ in getattr(sys.modules[called.__module__], "__all__", ()) else called


def is_rule(function):
    """Whether it is the forward of an operation."""
    return function.__name__ == "forward" and next(iter(inspect.signature(function).parameters)) == "ctx"


def meaning(expression, function, thing):
    """What a name, or an attribute of one, stands for in a function of ``thing``; None where only a run can tell."""
    if isinstance(expression, ast.Attribute):
        home = expression.value
        is_self = isinstance(home, ast.Name) and home.id == "self" and inspect.isclass(thing)
        return getattr(thing if is_self else meaning(home, function, thing), expression.attr, None)
    if isinstance(expression, ast.Name):
        return function.__globals__.get(expression.id, vars(builtins).get(expression.id))
    return None


# -------------------------------------------------------------------------------------------------------- the rules


def faults_of(path, thing):
    """What is missing from a docstring, in words."""
    if not docstring(thing):
        return ["it has no docstring"]
    texts, face, name = told(path, thing), *path.rpartition(".")[::2]
    before_errors = " ".join([re.split(r"(?m)^(?:Raises:|>>>)", text)[0] for text in texts])
    faults = []
    if not re.search(r"[.:…](\s|$)", docstring(thing).partition("\n")[0]):
        faults.append("its first line is no sentence")
    if has_shapes(path, thing) and not re.search(r"\bshapes?\b", before_errors, re.IGNORECASE):
        faults.append("no shapes")
    for error in sorted(errors_of(thing) - TOLD_ONCE):
        if (path, error) not in NEVER and not re.search(rf"Raises:.*\b{error}\b", "".join(texts), re.DOTALL):
            faults.append(f"no {error} under Raises")
    if face in {*FACES, "minigrad.Tensor"} and face.startswith("minigrad") and not has_counterpart(path, thing):
        faults.append("no counterpart")
    if face in CITING and name not in FOLKLORE and "Source:" not in "".join(texts):
        faults.append("no source")
    return faults


def has_counterpart(path, thing):
    """Whether PyTorch has the same path, or the docstring names what is there, or says that nothing is."""
    named = re.findall(r"Counterpart:\s+``([\w.]+)", docstring(thing))
    if named:
        return all(at(each) is not None for each in named if each.startswith("torch."))
    return counterpart_of(path) is not None or "no counterpart" in " ".join(docstring(thing).split())


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("face", FACES)
def test_docstrings_are_complete(face):
    faults = [f"{path}: {fault}" for path, thing in by_face()[face].items() for fault in faults_of(path, thing)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "cut", "fault"),
    [
        ("minigrad.exp", ".+", "it has no docstring"),
        ("minigrad.exp", "[.] .+", "its first line is no sentence"),
        ("minigrad.exp", " Shape:.+", "no shapes"),
        ("minigrad.Tensor.mT", " Shapes:.+", "no shapes"),
        ("minigrad.nn.Linear", "Shapes:", "no shapes"),
        ("minigrad.nn.GroupNorm", "ValueError:.+", "no ValueError under Raises"),
        ("minigrad.relu", "NotImplementedError:.+", "no NotImplementedError under Raises"),
        ("minigrad.Tensor.backward_steps", "PyTorch has no counterpart", "no counterpart"),
        ("minigrad.viz.draw", "torchviz.make_dot", "no counterpart"),
        ("minigrad.optim.Adam", "Source:", "no source"),
    ],
)
def test_a_gap_is_named(path, cut, fault, monkeypatch):
    thing = public()[path]
    assert faults_of(path, thing) == []
    told_by = thing.fget if isinstance(thing, property) else thing
    monkeypatch.setattr(told_by, "__doc__", re.sub(cut, "torch.nothing" if "make_dot" in cut else "", docstring(thing)))
    assert fault in faults_of(path, property(told_by) if isinstance(thing, property) else thing)


def test_what_is_told_once_and_what_is_folklore():
    assert all(error in minigrad.__doc__ for error in TOLD_ONCE)
    citing = {name: thing for face in CITING for name in FACES[face].__all__ for thing in [getattr(FACES[face], name)]}
    assert not [name for name in FOLKLORE if "Source:" in docstring(citing[name])]


# --------------------------------------------------------------------------------------------------------- examples

# What a course meets first.
SHOWN = ["Tensor", "Tensor.backward", "Tensor.sum", "explain", "load", "manual_seed", "matmul", "no_grad", "save"]
SHOWN += ["autograd.Function", "autograd.grad", "autograd.gradcheck", "nn.Conv2d", "nn.CrossEntropyLoss", "nn.Linear"]
SHOWN += ["nn.Module", "nn.Sequential", "optim.Adam", "optim.Optimizer", "optim.SGD", "optim.lr_scheduler.StepLR"]
SHOWN += ["tensor", "utils.data.DataLoader", "utils.data.Dataset", "viz.draw"]


def test_examples_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    told = []
    for path, thing in public().items():
        if ">>>" in docstring(thing):
            for example in finder.find(thing, path, globs={"minigrad": minigrad}):
                minigrad.manual_seed(0)
                runner.run(example, out=told.append)
    assert runner.tries and not runner.failures, "".join(told)


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_met_first_has_an_example(name):
    assert ">>>" in docstring(at(f"minigrad.{name}"))
