"""``minigrad.lightning`` beside Lightning: the same hooks in the same order, the same numbers, files and warnings."""

import csv
import logging
import types
import warnings

import lightning.pytorch
import numpy as np
import pytest
import torch
from lightning.pytorch.core import hooks as their_hooks

import minigrad
import minigrad.lightning
from comparisons import compare_values

ENGINES = {"minigrad": (minigrad, minigrad.lightning), "torch": (torch, lightning.pytorch)}
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's own

LOADERS = [f"{part}_dataloader" for part in ("train", "val", "test", "predict")]
STEPS = [f"{part}_step" for part in ("training", "validation", "test", "predict")]
BASES = (their_hooks.ModelHooks, their_hooks.DataHooks, their_hooks.CheckpointHooks)
HOOKS = [name for base in BASES for name in vars(base) if name[0] != "_" and name != "configure_sharded_model"]
HOOKS += ["backward", "optimizer_step", "optimizer_zero_grad", "configure_gradient_clipping", "clip_gradients"]
HOOKS += ["lr_scheduler_step", "configure_callbacks", "configure_optimizers", *STEPS]
HOOKS = [name for name in dict.fromkeys(HOOKS) if name not in LOADERS]
OF_CALLBACKS = [name for name in vars(lightning.pytorch.Callback) if name[0] != "_" and name != "state_key"]
OF_DATA = ["prepare_data", "setup", "teardown", "state_dict", "load_state_dict", "on_exception", *LOADERS]


def test_every_hook_of_lightnings_is_there():
    """So that none is overridden in vain. What is called is compared below."""
    for name in HOOKS:
        assert hasattr(minigrad.lightning.LightningModule, name), name
    for name in OF_CALLBACKS:
        assert hasattr(minigrad.lightning.Callback, name), name
    for name in OF_DATA:
        assert hasattr(minigrad.lightning.LightningDataModule, name), name


def recorded(base, names, kind, record):
    """A subclass whose methods of these names note that they were called."""

    def noting(name):
        def noted(self, *args, **kwargs):
            record.append(f"{kind}.{name}")
            return getattr(super(Recorded, self), name)(*args, **kwargs)

        return noted

    Recorded = type("Recorded", (base,), {name: noting(name) for name in names})
    return Recorded


SCHEDULES = {
    "none": lambda engine, optimizer: optimizer,
    "in a list": lambda engine, optimizer: [optimizer],
    "by epoch": lambda engine, optimizer: ([optimizer], [engine.optim.lr_scheduler.StepLR(optimizer, 1)]),
    "by step": lambda engine, optimizer: {
        "optimizer": optimizer,
        "lr_scheduler": {
            "scheduler": engine.optim.lr_scheduler.ExponentialLR(optimizer, 0.8),
            "interval": "step",
            "frequency": 2,
        },
    },
    "on plateau": lambda engine, optimizer: {
        "optimizer": optimizer,
        "lr_scheduler": engine.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
        "monitor": "judged",
    },
    "on plateau by step": lambda engine, optimizer: {
        "optimizer": optimizer,
        "lr_scheduler": {
            "scheduler": engine.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
            "interval": "step",
            "monitor": "loss",
        },
    },
}


SCHEDULES |= {
    "twice": lambda engine, optimizer: [optimizer, optimizer],
    "unmonitored": lambda engine, optimizer: [[optimizer], [engine.optim.lr_scheduler.ReduceLROnPlateau(optimizer)]],
    "by the hour": lambda engine, optimizer: [
        [optimizer],
        [{"scheduler": engine.optim.lr_scheduler.StepLR(optimizer, 1), "interval": "hour"}],
    ],
}


def the_module(engine, pl, schedule="none", validates=True, **methods):
    """A line through seven points, and ``methods`` in the place of its own."""

    class Line(pl.LightningModule):
        def __init__(self, width=3, name="line"):
            super().__init__()
            self.save_hyperparameters()
            self.linear = engine.nn.Linear(width, 2)
            self.dropout = engine.nn.Dropout(0.2)
            self.losses = []

        def forward(self, x):
            return self.linear(self.dropout(x))

        def training_step(self, batch, batch_idx):
            loss = (self(batch[0]) - batch[1]).pow(2).mean()
            self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True)
            self.log("largest", loss, on_step=False, on_epoch=True, reduce_fx="max")
            self.log_dict({"count": len(batch[0])}, reduce_fx="sum", on_epoch=True, on_step=False, logger=False)
            self.losses.append(loss.item())
            return {"loss": loss, "more": batch_idx}

        def test_step(self, batch, batch_idx, dataloader_idx=0):
            self.log("tested", (self(batch[0]) - batch[1]).abs().mean())

        def predict_step(self, batch, batch_idx, dataloader_idx=0):
            return self(batch[0])

        def on_train_epoch_end(self):
            self.log("at_end", self.current_epoch + 0.5)

        def configure_optimizers(self):
            return SCHEDULES[schedule](engine, engine.optim.SGD(self.parameters(), lr=0.1, momentum=0.9))

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("judged", (self(batch[0]) - batch[1]).abs().mean())
        self.log("each", float(batch_idx), on_step=True, on_epoch=True)

    steps = {"validation_step": validation_step} if validates else {}
    return type("Line", (Line,), {**steps, **methods})


def the_data(engine, pl, several=False, unsized=False, shuffle=True):
    """The points; with ``several`` the evaluations have two loaders, with ``unsized`` the training has no length."""

    class Points(pl.LightningDataModule):
        def setup(self, stage):
            random = np.random.default_rng(0)
            x, y = (engine.from_numpy(random.random((7, size), dtype=np.float32)) for size in (3, 2))
            self.points = engine.utils.data.TensorDataset(x, y)

        def train_dataloader(self):
            points = self.points
            if not unsized:
                return engine.utils.data.DataLoader(points, batch_size=2, shuffle=shuffle)

            class Stream(engine.utils.data.IterableDataset):
                def __iter__(self):
                    return iter([points[index] for index in range(7)])

            return engine.utils.data.DataLoader(Stream(), batch_size=2)

        def loaders(self):
            found = [engine.utils.data.DataLoader(self.points, batch_size=size) for size in (3, 4)]
            return found if several else found[0]

        val_dataloader = test_dataloader = predict_dataloader = loaders

    return Points


def skip_rest(self, batch, batch_idx):
    return -1 if batch_idx == 1 + self.current_epoch else None


def sometimes_nothing(self, batch, batch_idx):
    return None if batch_idx == 1 else (self(batch[0]) - batch[1]).pow(2).mean()


def stop_soon(self, outputs, batch, batch_idx):
    self.trainer.should_stop = batch_idx == 2


def best_of(pl, **options):
    return [pl.callbacks.ModelCheckpoint(monitor="judged", save_top_k=2, filename="{epoch}-{judged:.3f}", **options)]


CASES = {
    "plain": {"max_epochs": 2},
    "no validation": {"max_epochs": 2, "validates": False, "schedule": "by epoch"},
    "accumulated, clipped": {
        "max_epochs": 3,
        "accumulate_grad_batches": 3,
        "gradient_clip_val": 0.1,
        "schedule": "by step",
    },
    "by value": {"max_epochs": 2, "gradient_clip_val": 0.05, "gradient_clip_algorithm": "value"},
    "steps": {"max_steps": 6, "check_val_every_n_epoch": 2, "num_sanity_val_steps": 0, "log_every_n_steps": 4},
    "plateau": {"max_epochs": 4, "schedule": "on plateau", "num_sanity_val_steps": 1},
    "plateau by step": {"max_epochs": 2, "schedule": "on plateau by step", "accumulate_grad_batches": 2},
    "limits": {
        "max_epochs": 2,
        "limit_train_batches": 2,
        "limit_val_batches": 0.5,
        "limit_test_batches": 1,
        "limit_predict_batches": 1,
        "num_sanity_val_steps": -1,
    },
    "no training": {"max_epochs": 2, "limit_train_batches": 0},
    "validation switched off": {"max_epochs": 1, "limit_val_batches": 0, "schedule": "in a list"},
    "tried quickly": {"fast_dev_run": 2},
    "stopped early": {
        "max_epochs": 20,
        "callbacks": lambda pl: [pl.callbacks.EarlyStopping("judged", patience=2, mode="max"), *best_of(pl)],
    },
    "stopped, but not before": {
        "max_epochs": 9,
        "min_epochs": 3,
        "callbacks": lambda pl: [pl.callbacks.EarlyStopping("judged", stopping_threshold=9.0)],
    },
    "every second validation, best": {
        "max_epochs": 5,
        "check_val_every_n_epoch": 2,
        "callbacks": lambda pl: best_of(pl, mode="max", save_last=True),
    },
    "saved after steps": {
        "max_epochs": 2,
        "log_every_n_steps": 0,
        "callbacks": lambda pl: [pl.callbacks.ModelCheckpoint(every_n_train_steps=3, save_top_k=-1)],
    },
    "several loaders": {"max_epochs": 1, "several": True},
    "no length": {"max_epochs": 2, "unsized": True, "schedule": "by epoch"},
    "the rest left out": {"max_epochs": 2, "on_train_batch_start": skip_rest},
    "nothing returned": {"max_epochs": 1, "training_step": sometimes_nothing},
    "stopped within": {"max_epochs": 3, "on_train_batch_end": stop_soon},
}
OF_MODULES = ("schedule", "validates", *HOOKS)
OF_POINTS = ("several", "unsized", "shuffle")


def run(name, folder, options):
    """A training, validation, test and prediction on one engine: all that can be seen of them."""
    engine, pl = ENGINES[name]
    options = dict(options)
    of_module = {each: options.pop(each) for each in OF_MODULES if each in options}
    of_data = {each: options.pop(each) for each in OF_POINTS if each in options}
    callbacks = options.pop("callbacks", lambda pl: [])(pl)
    record = []
    validates = of_module.get("validates", True)
    names = [each for each in HOOKS if validates or each != "validation_step"]
    engine.manual_seed(0)
    module = recorded(the_module(engine, pl, **of_module), names, "module", record)()
    data = recorded(the_data(engine, pl, **of_data), OF_DATA, "data", record)()
    noting = recorded(pl.Callback, OF_CALLBACKS, "callback", record)()
    trainer = pl.Trainer(
        **{"log_every_n_steps": 1, **options},
        accelerator="cpu",
        callbacks=[noting, *callbacks],
        logger=pl.loggers.CSVLogger(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, data)
        record.append("fitted")
        fitted = numbers_of(trainer)
        validated = trainer.validate(module, data, verbose=False) if validates else []
        tested = trainer.test(module, datamodule=data, verbose=False)
        predicted = trainer.predict(module, data)
    table = folder / "lightning_logs" / "version_0" / "metrics.csv"
    return types.SimpleNamespace(
        record=record,
        files=sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()),
        table=list(csv.reader(table.read_text().splitlines())) if table.exists() else [],
        numbers={**fitted, "validated": validated, "tested": tested, "predicted": predicted, "losses": module.losses},
        weights=module.state_dict(),
    )


def numbers_of(trainer):
    """What a Trainer tells after training."""
    return {
        "callback_metrics": {name: value.item() for name, value in trainer.callback_metrics.items()},
        "logged_metrics": {name: value.item() for name, value in trainer.logged_metrics.items()},
        "progress_bar_metrics": dict(trainer.progress_bar_metrics),
        "epochs, steps": (trainer.current_epoch, trainer.global_step),
    }


def assert_alike(ours, theirs, where):
    """Structures of numbers that are equal but for the rounding of some steps in float32, and have the same order."""
    assert type(ours) is type(theirs) or hasattr(ours, "shape"), where
    if isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for name in ours:
            assert_alike(ours[name], theirs[name], f"{where}, {name}")
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), where
        for number, pair in enumerate(zip(ours, theirs)):
            assert_alike(*pair, f"{where}, {number}")
    elif hasattr(ours, "shape"):
        compare_values(where, ours, theirs, "training float32").check()
    else:
        assert ours == pytest.approx(theirs, rel=1e-5), where


# Of these each part is in another case.
LONG = {"plateau by step", "every second validation, best"}


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.long] * (case in LONG)) for case in CASES])
def test_it_does_what_lightning_does(case, tmp_path):
    """Hooks in the same order; losses, metrics, weights, predictions; the table of the logger; names of files."""
    ours, theirs = (run(name, tmp_path / name, CASES[case]) for name in ENGINES)
    assert ours.record == theirs.record
    assert ours.files == theirs.files
    assert_alike(ours.numbers, theirs.numbers, case)
    assert_alike(dict(ours.weights), dict(theirs.weights), case)
    assert [len(row) for row in ours.table] == [len(row) for row in theirs.table]
    for our_row, their_row in zip(ours.table, theirs.table):
        for our_cell, their_cell in zip(our_row, their_row):
            assert our_cell == their_cell or float(our_cell) == pytest.approx(float(their_cell), rel=1e-5)


def trainer_of(pl, folder, **options):
    """A quiet Trainer."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "logger": False}
    return pl.Trainer(**{**quiet, "default_root_dir": folder, **options})


@pytest.mark.parametrize("schedule", ["by epoch", "on plateau"])
def test_it_goes_on_from_a_checkpoint_as_lightning_does(schedule, tmp_path):
    """Also the callbacks, which had been waiting; hooks in the same order."""
    found = []
    for name, (engine, pl) in ENGINES.items():
        engine.manual_seed(3)
        record = []
        module = recorded(the_module(engine, pl, schedule), HOOKS, "module", record)
        data = the_data(engine, pl)
        for epochs in (2, 6):
            stopping = pl.callbacks.EarlyStopping("judged", patience=3, min_delta=9.0)
            saving = pl.callbacks.ModelCheckpoint(tmp_path / name, save_last=True)
            trainer = trainer_of(pl, tmp_path, max_epochs=epochs, callbacks=[stopping, saving])
            path = tmp_path / name / "last.ckpt" if epochs == 6 else None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trainer.fit(module(), data(), ckpt_path=path)
            record.append("fitted")
        rates = [group["lr"] for group in trainer.optimizers[0].param_groups]
        weights = {each: value.tolist() for each, value in trainer.lightning_module.state_dict().items()}
        waited = stopping.wait_count, stopping.stopped_epoch, trainer.current_epoch
        found.append((record, (waited, rates, weights), sorted(each.name for each in (tmp_path / name).iterdir())))
    (ours, our_numbers, our_files), (theirs, their_numbers, their_files) = found
    assert ours == theirs and our_files == their_files and our_numbers[0][0] == 3
    assert our_numbers[0] == their_numbers[0]
    assert our_numbers[1] == pytest.approx(their_numbers[1])
    for name, value in our_numbers[2].items():
        assert np.allclose(value, their_numbers[2][name], rtol=1e-5), name


@pytest.mark.parametrize(("by", "to"), [("minigrad", "torch"), ("torch", "minigrad")])
def test_either_engines_module_is_made_of_the_others_checkpoint(by, to, tmp_path):
    """With the hyperparameters that it was made with."""
    engine, pl = ENGINES[by]
    module = the_module(engine, pl)(width=3, name="other")
    trainer = trainer_of(pl, tmp_path, fast_dev_run=True)
    trainer.fit(module, the_data(engine, pl)())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    engine, pl = ENGINES[to]
    loaded = the_module(engine, pl).load_from_checkpoint(tmp_path / "a.ckpt")
    assert loaded.hparams == {"width": 3, "name": "other"} and loaded.hparams.name == "other"
    for name, value in module.state_dict().items():
        assert value.tolist() == loaded.state_dict()[name].tolist()


def fitted(pl, engine, module, data, **options):
    trainer_of(pl, ".", **{"max_epochs": 1, "enable_checkpointing": False, **options}).fit(module, data)


def logging_in(hook, name="a", value=1.0, **options):
    return {hook: lambda self, *args, **kwargs: self.log(name, value, **options)}


FAULTS = {
    "no training step": (lambda engine, pl: {"training_step": pl.LightningModule.training_step}, {}),
    "no optimizer": ({"configure_optimizers": lambda self: 3}, {}),
    "two optimizers": ({"schedule": "twice"}, {}),
    "a schedule without its metric": ({"schedule": "unmonitored"}, {}),
    "a schedule of an unknown interval": ({"schedule": "by the hour"}, {}),
    "no loss": ({"training_step": lambda self, batch, batch_idx: {"other": 1}}, {}),
    "a string for a loss": ({"training_step": lambda self, batch, batch_idx: "loss"}, {}),
    "logged in a wrong place": (logging_in("on_train_end"), {}),
    "logged in another wrong place": (logging_in("on_validation_epoch_end", on_step=True), {}),
    "logged to no end": (logging_in("on_train_batch_start", on_step=False, on_epoch=False), {}),
    "logged what is no number": (logging_in("on_train_batch_start", value="1"), {}),
    "logged what is too much": (lambda engine, pl: logging_in("on_train_batch_start", value=engine.ones(2)), {}),
    "logged by an unknown reduction": (logging_in("on_train_batch_start", reduce_fx="median"), {}),
    "less than a batch": ({}, {"limit_train_batches": 0.1}),
    "more than all": ({}, {"limit_val_batches": 1.5}),
    "a wrong number of epochs": ({}, {"max_epochs": -2}),
    "a wrong number of steps": ({}, {"max_steps": -2}),
    "an unknown algorithm": ({}, {"gradient_clip_algorithm": "median"}),
    "a string to clip by": ({}, {"gradient_clip_val": "1"}),
    "an unknown argument": ({}, {"gpus": 1}),
    "an accelerator that is not there": ({}, {"accelerator": "gpu"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_refused_by_exceptions_of_the_same_name(fault):
    methods, options = FAULTS[fault]
    raised = []
    for engine, pl in ENGINES.values():
        module = the_module(engine, pl, **(methods(engine, pl) if callable(methods) else methods))
        with warnings.catch_warnings(), pytest.raises(Exception) as caught:
            warnings.simplefilter("ignore")
            fitted(pl, engine, module(), the_data(engine, pl)(), **options)
        raised.append(type(caught.value).__name__)
        assert len(str(caught.value)) > 10
    assert raised[0] == raised[1]


WARNED = {
    "a loader and no step": ({"validates": False}, {}),
    "a step and no loader": ({}, {"val_dataloader": minigrad.lightning.LightningDataModule.val_dataloader}),
    "no number of epochs": ({}, {}),
}


@pytest.mark.parametrize("case", WARNED)
def test_warnings_are_lightnings(case):
    """In the same words."""
    methods, of_data = WARNED[case]
    heard = []
    for engine, pl in ENGINES.values():
        data = the_data(engine, pl)
        for name in of_data:
            setattr(data, name, getattr(pl.LightningDataModule, name))
        options = {} if case == "no number of epochs" else {"max_epochs": 1}
        trainer = trainer_of(pl, ".", limit_train_batches=0, enable_checkpointing=False, **options)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trainer.fit(the_module(engine, pl, **methods)(), data())
        heard.append([(each.category.__name__, str(each.message)) for each in caught])
    ours, theirs = heard
    assert len(ours) == 1 and ours[0] in theirs
