"""What stays out says so, in a sentence that names the nearest thing there is; and a whole module is never a file."""

import importlib
import pickle
import re

import pytest
import torch

import minigrad
from minigrad.left_out import REASONS, why_left_out

PLACES = {"": minigrad, "Tensor": minigrad.ones(2), "autograd": minigrad.autograd, "nn": minigrad.nn}


@pytest.mark.parametrize("name", REASONS)
def test_a_name_of_pytorch_s_that_stays_out(name):
    """``hasattr`` is False, wherever PyTorch has it, and importing it says the same. Named tensors it had once."""
    theirs = {"": torch, "Tensor": torch.ones(2), "autograd": torch.autograd, "nn": torch.nn}
    for place in [place for place, of in theirs.items() if name in dir(of)] or ["", "Tensor"]:
        assert not hasattr(PLACES[place], name)
        with pytest.raises(AttributeError, match=f"'{name}'{re.escape(why_left_out(name))}"):
            getattr(PLACES[place], name)
    for package in ("minigrad", "minigrad.nn"):
        with pytest.raises(ModuleNotFoundError, match=f"'{name}': .*"):
            importlib.import_module(f"{package}.{name}")


def test_the_nearest_thing_is_there():
    for reason in set(REASONS.values()):
        for name in re.findall(r"(?:minigrad|nn|autograd)\.[\w.]*\w", reason):
            found = minigrad
            for part in name.removeprefix("minigrad.").split("."):
                found = getattr(found, part)


@pytest.mark.parametrize("name", ["freeze", "fork", "optimize_for_inference", "export"])
def test_what_jit_does_not_do(name):
    assert hasattr(torch.jit, name) and not hasattr(minigrad.jit, name)
    with pytest.raises(AttributeError, match=f"minigrad.jit has no '{name}': it scripts.*torch_impl"):
        getattr(minigrad.jit, name)


@pytest.mark.parametrize("wrapped", [lambda model: model, lambda model: {"net": [model]}], ids=["alone", "inside"])
def test_a_whole_module_is_neither_saved_nor_loaded(tmp_path, wrapped):
    """The two lines that the refusal shows keep it."""
    path = tmp_path / "model.pt"
    model = minigrad.nn.Linear(2, 2)
    with pytest.raises(
        TypeError, match=r"Linear, which is code(.|\n)*save\(model.state_dict\(\), path\)\n.*load_state"
    ) as e:
        minigrad.save(wrapped(model), path)
    assert not path.exists()
    torch.save(wrapped(torch.nn.Linear(2, 2)), path)
    with pytest.raises(
        pickle.UnpicklingError, match=r"Linear'(.|\n)*\n    model.load_state_dict\(minigrad.load\(path\)\)"
    ):
        minigrad.load(path)
    for line in str(e.value).splitlines()[1:]:
        exec(line.strip(), {"minigrad": minigrad, "model": model, "path": path})


def test_a_module_is_pickled_by_pickle():
    model = minigrad.nn.Linear(2, 2)
    assert pickle.loads(pickle.dumps(model)).weight.tolist() == model.weight.tolist()
