"""``minigrad.lightning`` by itself; beside Lightning it stands in ``tests/comparisons/test_lightning.py``."""

import csv
import pickle
import random
import warnings

import numpy as np
import pytest

import minigrad
import minigrad.lightning as pl
from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.lightning.loggers import CSVLogger
from minigrad.utils.data import DataLoader, TensorDataset


class Line(pl.LightningModule):
    """y = 2x - 1 from ten points."""

    def __init__(self, lr=0.1, name="line"):
        super().__init__()
        self.save_hyperparameters()
        self.linear = minigrad.nn.Linear(1, 1)

    def forward(self, x):
        return self.linear(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = minigrad.nn.functional.mse_loss(self(x), y)
        self.log("loss", loss, prog_bar=True)
        return loss

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return self(batch[0]) + 10 * dataloader_idx

    def configure_optimizers(self):
        return minigrad.optim.Adam(self.parameters(), lr=self.hparams.lr)


class Judged(Line):
    """Validated too."""

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        x, y = batch
        self.log("judged", (self(x) - y).abs().mean())


def points(shuffle=False, batch_size=4):
    x = minigrad.linspace(0, 1, 10).reshape(10, 1)
    return DataLoader(TensorDataset(x, 2 * x - 1), batch_size=batch_size, shuffle=shuffle)


def trainer(folder, **options):
    quiet = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}
    return pl.Trainer(**{**quiet, "default_root_dir": folder, "max_epochs": 1, **options})


SAVING = {"enable_checkpointing": True}


def line(seed=0, kind=Line, **options):
    minigrad.manual_seed(seed)
    return kind(**options)


def weights_of(module):
    return {name: value.tolist() for name, value in module.state_dict().items()}


def test_a_training_by_default(tmp_path, capsys):
    """It learns; a table, hyperparameters and the last checkpoint are written; a line an epoch tells of it."""
    module = line(lr=0.3, name="a: b", kind=Judged)
    whole = pl.Trainer(max_epochs=20, default_root_dir=tmp_path, log_every_n_steps=1)
    whole.fit(module, points(shuffle=True), points())
    assert module.linear.weight.item() == pytest.approx(2, abs=0.3)
    folder = tmp_path / "lightning_logs" / "version_0"
    assert whole.log_dir == str(folder)
    assert (folder / "hparams.yaml").read_text() == 'lr: 0.3\nname: "a: b"\n'
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert list(rows[0]) == ["epoch", "judged", "loss", "step"]
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    assert len(losses) == 20 * 3 and losses[-1] < 0.05 * losses[0]
    assert [int(row["step"]) for row in rows if row["judged"]] == list(range(2, 60, 3))
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["epoch=19-step=60.ckpt"]
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 20
    assert told.err.splitlines()[-1].startswith("Epoch 19: 3/3 batches, ") and "  loss=" in told.err


def test_a_validation_prints_a_table(tmp_path, capsys):
    (found,) = trainer(tmp_path).validate(line(kind=Judged), points())
    assert list(found) == ["judged"]
    bar, head, _, row, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["Validation", "metric", "DataLoader", "0"] and set(bar) == {"─"}
    assert row.split() == ["judged", str(found["judged"])]


class Interrupted(pl.Callback):
    """Saves after the second batch of the second epoch, and stops."""

    def __init__(self, path):
        self.path = path

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 1):
            trainer.save_checkpoint(self.path)
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder with checkpoints: within the second epoch, after the first, and after a training of two."""
    folder = tmp_path_factory.mktemp("checkpoints")
    callbacks = [Interrupted(folder / "within.ckpt"), pl.callbacks.ModelCheckpoint(folder, "after")]
    with pytest.raises(KeyboardInterrupt):
        trainer(folder, max_epochs=3, enable_checkpointing=True, callbacks=callbacks).fit(line(), points())
    short = trainer(folder, max_epochs=2)
    short.fit(line(), points())
    short.save_checkpoint(folder / "at the end.ckpt")
    return folder


@pytest.mark.parametrize("name", ["within", "after", "at the end"])
def test_a_training_goes_on_where_it_stood(name, stopped, tmp_path):
    """And ends bit for bit where one ends that was not interrupted."""
    whole, resumed = line(), line(seed=1)
    trainer(tmp_path, max_epochs=3).fit(whole, points())
    again = trainer(tmp_path, max_epochs=3)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        again.fit(resumed, points(), ckpt_path=stopped / f"{name}.ckpt")
    assert (again.current_epoch, again.global_step) == (3, 9)
    assert weights_of(resumed) == weights_of(whole)
    told = [str(each.message) for each in heard]
    assert len(told) == {"within": 2, "after": 1, "at the end": 0}[name]
    assert all("callbacks used to create the checkpoint" in each for each in told[:1])
    assert all("resuming from a checkpoint that ended before the epoch ended" in each for each in told[1:])


def test_the_best_and_the_last_can_be_asked_for(tmp_path):
    saving = pl.callbacks.ModelCheckpoint(tmp_path / "a", monitor="judged", mode="max", save_last=True)
    module = line(kind=Judged)
    all_at_once = trainer(tmp_path, max_epochs=4, enable_checkpointing=True, callbacks=saving)
    all_at_once.fit(module, points(), points())
    trained = all_at_once.validate(module, points(), verbose=False)
    best = all_at_once.validate(module, points(), ckpt_path="best", verbose=False)
    assert saving.best_model_score.item() == pytest.approx(best[0]["judged"]) and best != trained
    with pytest.warns(UserWarning, match="The best model of the previous `fit` call will be used"):
        assert all_at_once.validate(dataloaders=points(), verbose=False) == best
    for asked in ("best", "last"):
        with pytest.raises(ValueError, match="no `ModelCheckpoint` of this Trainer has saved"):
            trainer(tmp_path).test(module, points(), ckpt_path=asked)


@pytest.mark.parametrize(
    "argument",
    [
        {"accelerator": "gpu"},
        {"accelerator": "tpu"},
        {"devices": 2},
        {"devices": [0]},
        {"num_nodes": 2},
        {"strategy": "ddp"},
        {"precision": "16-mixed"},
        {"precision": 64},
        {"profiler": "simple"},
        {"val_check_interval": 0.5},
        {"overfit_batches": 1},
        {"max_time": "00:01:00:00"},
        {"enable_model_summary": True},
        {"max_epochs": 1.5},
        {"limit_val_batches": -1},
        {"limit_val_batches": True},
        {"accumulate_grad_batches": 0},
    ],
    ids=str,
)
def test_what_is_not_there_is_refused_in_a_sentence(argument):
    (name,) = argument
    with pytest.raises(MisconfigurationException) as raised:
        pl.Trainer(**argument)
    assert name in str(raised.value) and "\n" not in str(raised.value)


def test_what_changes_nothing_is_taken(tmp_path):
    options = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "deterministic": True, "benchmark": False}
    trainer(tmp_path, **options, strategy="auto", num_nodes=1).fit(line(kind=Judged), points(), points())


def test_a_module_that_steps_its_optimizers_itself_is_refused(tmp_path):
    module = line()
    module.automatic_optimization = False
    with pytest.raises(MisconfigurationException, match="automatic_optimization"):
        trainer(tmp_path).fit(module, points())


class Base(pl.LightningModule):
    def __init__(self, width, **others):
        super().__init__()
        self.save_hyperparameters(ignore="left_out")


class Derived(Base):
    def __init__(self, depth=2, left_out=None, **others):
        super().__init__(width=3, **others)


class Chosen(pl.LightningModule):
    def __init__(self, width, depth):
        super().__init__()
        self.save_hyperparameters("depth")


class Doubled(pl.LightningModule):
    def __init__(self, width):
        super().__init__()
        self.save_hyperparameters({"width": 2 * width})


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Base(1, other=[2]), {"width": 1, "other": [2]}),
        (lambda: Derived(left_out=print, other="x"), {"width": 3, "depth": 2, "other": "x"}),
        (lambda: Chosen(1, 2), {"depth": 2}),
        (lambda: Doubled(1), {"width": 2}),
    ],
)
def test_hyperparameters_are_what_a_module_was_made_with(make, expected):
    hparams = make().hparams
    assert hparams == expected and all(getattr(hparams, name) == value for name, value in expected.items())
    with pytest.raises(AttributeError, match="missing"):
        _ = hparams.missing


def test_hyperparameters_that_no_checkpoint_can_hold_are_refused_at_once():
    with pytest.raises(TypeError, match="network"):
        Base(1, network=minigrad.nn.Linear(1, 1))


def test_a_checkpoint_makes_the_module_again(tmp_path):
    """With the arguments that it had, unless others are given."""
    quick = trainer(tmp_path, fast_dev_run=True)
    with pytest.raises(AttributeError, match="a model is attached"):
        quick.save_checkpoint(tmp_path / "a.ckpt")
    quick.fit(module := line(lr=0.3), points())
    quick.save_checkpoint(tmp_path / "new folder" / "a.ckpt", weights_only=True)
    loaded = Line.load_from_checkpoint(tmp_path / "new folder" / "a.ckpt", name="other")
    assert weights_of(loaded) == weights_of(module) and loaded.hparams == {"lr": 0.3, "name": "other"}
    with pytest.raises(KeyError, match="contains only the model"):
        trainer(tmp_path).fit(loaded, points(), ckpt_path=tmp_path / "new folder" / "a.ckpt")


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"linear.weight": minigrad.ones(1, 1)}, "has no 'state_dict'"),
        ([1, 2], "'state_dict' is no dictionary"),
        ({"state_dict": [1]}, "'state_dict' is no dictionary"),
        ({"state_dict": {}, "hyper_parameters": 3}, "'hyper_parameters' is no dictionary"),
        (Evil(), "cannot load"),
    ],
    ids=["weights alone", "a list", "weights in a list", "a number for hyperparameters", "code"],
)
def test_strangers_files_are_refused_and_run_no_code(content, error, tmp_path, capsys):
    path = tmp_path / "a.ckpt"
    if isinstance(content, Evil):
        path.write_bytes(pickle.dumps(content))
    else:
        minigrad.save(content, path)
    with pytest.raises((MisconfigurationException, pickle.UnpicklingError), match=error):
        Line.load_from_checkpoint(path)
    assert capsys.readouterr().out == ""


WAITING = "EarlyStopping{'monitor': 'loss', 'mode': 'min'}"
STOOD = {"epoch": "1", "global_step": 1, "batches": 1, "is_last_batch": True}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loops": {}}, "does not say where the training stood"),
        ({"loops": {"fit_loop": [1]}}, "does not say where the training stood"),
        ({"loops": {"fit_loop": STOOD}}, "does not say where the training stood"),
        ({"loops": 1}, "'loops' is no dictionary"),
        ({"callbacks": {1: {}}}, "'callbacks' is no dictionary of names"),
        ({"callbacks": {WAITING: {"wait_count": "1"}}}, "'wait_count' is a str"),
        ({"callbacks": {WAITING: {"wait_count": 1, "stopped_epoch": 0, "patience": 1}}}, "'best_score' is missing"),
        ({"optimizer_states": []}, "'optimizer_states' are not those of this training, which has 1"),
        ({"optimizer_states": [3]}, "'optimizer_states' are not"),
        ({"lr_schedulers": [{}]}, "'lr_schedulers' are not those of this training, which has 0"),
    ],
    ids=str,
)
def test_a_training_goes_on_from_what_it_can_understand(change, message, stopped, tmp_path):
    checkpoint = minigrad.load(stopped / "at the end.ckpt")
    minigrad.save({**checkpoint, **change}, tmp_path / "a.ckpt")
    waiting = trainer(tmp_path, max_epochs=3, callbacks=pl.callbacks.EarlyStopping("loss"))
    with pytest.raises(MisconfigurationException, match=message):
        waiting.fit(line(), points(), ckpt_path=tmp_path / "a.ckpt")


def test_a_training_of_fewer_epochs_than_it_has_had_is_refused(stopped, tmp_path):
    with pytest.raises(MisconfigurationException, match="current_epoch=2"):
        trainer(tmp_path, max_epochs=1).fit(line(), points(), ckpt_path=stopped / "at the end.ckpt")


class Fragile(Line):
    def training_step(self, batch, batch_idx):
        if batch_idx == 1:
            raise RuntimeError("broken")
        return super().training_step(batch, batch_idx)


class Hearing(pl.Callback):
    def __init__(self):
        self.heard = []

    def on_exception(self, trainer, pl_module, exception):
        self.heard.append(str(exception))


def test_an_error_reaches_callbacks_and_what_was_logged_is_written(tmp_path):
    hearing, logger = Hearing(), CSVLogger(tmp_path)
    failing = trainer(tmp_path, callbacks=hearing, logger=logger, log_every_n_steps=1)
    with pytest.raises(RuntimeError, match="broken"):
        failing.fit(line(kind=Fragile), points())
    assert hearing.heard == ["broken"] and failing.stage is None
    assert len((tmp_path / "lightning_logs/version_0/metrics.csv").read_text().splitlines()) == 2


class Sampling(Line):
    def validation_step(self, batch):
        random.random()
        np.random.rand(3)
        minigrad.rand(3)


def test_the_sanity_check_leaves_no_trace(tmp_path):
    """Neither in random numbers nor in metrics."""
    found = []
    for module in (line(seed=1, kind=Sampling), line(seed=1, kind=Judged)):
        pl.seed_everything(2)
        trainer(tmp_path, limit_val_batches=1, check_val_every_n_epoch=9).fit(module, points(shuffle=True), points())
        found.append((weights_of(module), random.random(), np.random.rand(), minigrad.rand(1).item()))
        assert "judged" not in module.trainer.callback_metrics
    assert found[0] == found[1]


class Modes(Judged):
    def validation_step(self, batch, batch_idx):
        mode = (self.training, self.linear.training, minigrad.is_grad_enabled(), minigrad.is_inference_mode_enabled())
        self.modes.add(mode)


@pytest.mark.parametrize(("method", "inference"), [("fit", False), ("validate", True)])
def test_the_mode_of_an_evaluation_and_after_it(method, inference, tmp_path):
    """Within a training results can be differentiated later; layers that were in evaluation mode stay so."""
    module = line(kind=Modes)
    module.modes = set()
    module.linear.eval()
    for asked in (True, False):
        judging = trainer(tmp_path, inference_mode=asked)
        (judging.fit if method == "fit" else judging.validate)(module, *[points()] * (2 if method == "fit" else 1))
        assert module.modes == {(False, False, False, inference and asked)}
        assert module.training and not module.linear.training and minigrad.is_grad_enabled()
        module.modes.clear()


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"max_epochs": 4}, 12),
        ({"max_epochs": 4, "accumulate_grad_batches": 2}, 8),
        ({"max_epochs": 4, "max_steps": 5}, 5),
        ({"max_epochs": -1, "max_steps": 7}, 7),
        ({"max_epochs": 4, "limit_train_batches": 1}, 4),
    ],
)
def test_the_steps_of_a_training_are_known_to_its_schedule(options, steps, tmp_path):
    class Cyclic(Line):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            self.steps = self.trainer.estimated_stepping_batches
            schedule = minigrad.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=self.steps)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    module = line(kind=Cyclic)
    trainer(tmp_path, **options).fit(module, points())
    assert module.steps == steps == module.trainer.global_step


def test_predictions_are_kept_loader_by_loader(tmp_path):
    module, loaders = line(), [points(), points(batch_size=10)]
    one, two = trainer(tmp_path).predict(module, loaders)
    (alone,) = trainer(tmp_path).predict(module, loaders[1])
    assert [len(each) for each in one] == [4, 4, 2] and not two[0].requires_grad
    assert two[0].tolist() == (alone + 10).tolist()
    assert trainer(tmp_path).predict(module, loaders[1], return_predictions=False) is None


def test_a_data_module_of_data_sets(tmp_path):
    data = TensorDataset(minigrad.ones(5, 1), minigrad.ones(5, 1))
    module = pl.LightningDataModule.from_datasets(data, [data, data], predict_dataset=data, batch_size=2)
    trainer(tmp_path).fit(line(kind=Judged), module)
    assert [len(each) for each in module.val_dataloader()] == [3, 3]
    with pytest.raises(MisconfigurationException, match="`test_dataloader` must be implemented"):
        module.test_dataloader()
    with pytest.raises(MisconfigurationException, match="both loaders and a datamodule"):
        trainer(tmp_path).fit(line(), points(), datamodule=module)


class Bringing(Line):
    def configure_callbacks(self):
        return pl.callbacks.EarlyStopping("loss", patience=1, min_delta=9.0, verbose=True)


def test_a_module_brings_callbacks_along(tmp_path, capsys):
    """In the place of the Trainer's of that type."""
    other = pl.callbacks.EarlyStopping("missing")
    training = trainer(tmp_path, max_epochs=9, callbacks=[other])
    training.fit(line(kind=Bringing), points())
    stopping = training.early_stopping_callback
    assert stopping is not other and stopping.stopped_epoch == 1 and training.current_epoch == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Metric loss improved. New best score: ")
    assert second.startswith("Monitored metric loss did not improve in the last 1 records. Best score: ")


@pytest.mark.parametrize(
    ("options", "values", "reason"),
    [
        ({}, [1.0, float("nan")], "is not finite"),
        ({"check_finite": False, "patience": 2}, [1.0, float("nan"), float("nan")], "did not improve in the last 2"),
        ({"stopping_threshold": 0.5}, [1.0, 0.4], "Stopping threshold reached"),
        ({"divergence_threshold": 2.0}, [1.0, 2.5], "Divergence threshold reached"),
        ({"mode": "max", "patience": 1}, [1.0, 2.0, 2.0], "did not improve"),
        ({"min_delta": 0.5, "patience": 1}, [1.0, 0.6], "did not improve"),
    ],
)
def test_why_a_training_is_stopped(options, values, reason):
    stopping = pl.callbacks.EarlyStopping("a", **options)
    told = [stopping.reason_to_stop(minigrad.tensor(value)) for value in values]
    assert not any(told[:-1]) and reason in told[-1]


def test_a_missing_metric_is_told(tmp_path):
    with pytest.raises(RuntimeError, match=r"metric `missing` which is not available.*`loss`"):
        trainer(tmp_path, callbacks=pl.callbacks.EarlyStopping("missing")).fit(line(), points())
    with pytest.warns(RuntimeWarning, match="missing"):
        stopping = pl.callbacks.EarlyStopping("missing", strict=False)
        trainer(tmp_path, callbacks=stopping).fit(line(), points())
    saving = pl.callbacks.ModelCheckpoint(tmp_path / "a", monitor="missing")
    with pytest.raises(MisconfigurationException, match="could not find the monitored key"):
        trainer(tmp_path, callbacks=saving, enable_checkpointing=True).fit(line(kind=Judged), points(), points())
    with pytest.warns(UserWarning, match="could not find the monitored key"):
        trainer(tmp_path, callbacks=saving, enable_checkpointing=True).fit(line(), points())


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["epoch=0-step=3.ckpt"]),
        ({"filename": "{epoch:03d}_{loss:.1f}"}, ["epoch=000_loss=0.0.ckpt"]),
        ({"filename": "e{epoch}", "auto_insert_metric_name": False}, ["e0.ckpt"]),
        ({"filename": "taken"}, ["taken-v1.ckpt", "taken.ckpt"]),
        ({"save_top_k": 0, "save_last": True}, ["last.ckpt"]),
        ({"save_top_k": 0}, []),
        ({"every_n_epochs": 2}, []),
    ],
    ids=str,
)
def test_how_checkpoints_are_called(options, names, tmp_path):
    if "taken-v1.ckpt" in names:
        (tmp_path / "taken.ckpt").touch()
    saving = pl.callbacks.ModelCheckpoint(tmp_path, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(tmp_path, callbacks=saving, enable_checkpointing=True).fit(line(lr=0.0), points())
    found = sorted(path.name for path in tmp_path.iterdir())
    assert [name.replace("loss=2.", "loss=0.") for name in found] == names or len(found) == len(names) == 1


class Told(Line):
    """Logs what it is told."""

    def on_train_epoch_end(self):
        self.log("told", [float("nan"), 3.0, 1.0, 2.0][self.current_epoch])


def test_the_best_are_kept_and_what_is_no_number_is_the_worst(tmp_path):
    saving = pl.callbacks.ModelCheckpoint(tmp_path, "{epoch}", monitor="told", save_top_k=2, verbose=True)
    trainer(tmp_path, max_epochs=4, callbacks=saving, enable_checkpointing=True).fit(line(kind=Told), points())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["epoch=2.ckpt", "epoch=3.ckpt"]
    assert [each.item() for each in saving.best_k_models.values()] == [1.0, 2.0]
    assert saving.best_model_path.endswith("epoch=2.ckpt") and saving.best_model_score.item() == 1.0


@pytest.mark.parametrize("claimed", ["notes.txt", "../notes.ckpt", "resumed.ckpt"])
def test_a_checkpoint_cannot_have_other_files_deleted(claimed, tmp_path):
    """Nor the one that the training went on from."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name in ("notes.txt", "../notes.ckpt"):
        (folder / name).touch()
    first, second = (
        trainer(tmp_path, max_epochs=epochs, callbacks=pl.callbacks.ModelCheckpoint(folder), **SAVING)
        for epochs in (1, 2)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first.fit(line(), points())
        checkpoint = minigrad.load(first.checkpoint_callback.best_model_path)
        (state,) = checkpoint["callbacks"].values()
        state["best_model_path"] = str(folder / claimed)
        minigrad.save(checkpoint, folder / "resumed.ckpt")
        second.fit(line(), points(), ckpt_path=folder / "resumed.ckpt")
    assert (folder / claimed).exists() and (folder / "epoch=1-step=6.ckpt").exists()


@pytest.mark.parametrize(
    "options",
    [{"mode": "best"}, {"save_top_k": -2}, {"save_top_k": 2}, {"every_n_train_steps": 1, "every_n_epochs": 1}],
    ids=str,
)
def test_what_cannot_be_saved_so_is_refused(options):
    with pytest.raises(MisconfigurationException):
        pl.callbacks.ModelCheckpoint(**options)


def test_the_table_of_a_logger(tmp_path):
    """New columns are put in; each run has a folder of its own; one that is not new is warned of."""
    logger = CSVLogger(tmp_path, prefix="a", flush_logs_every_n_steps=2)
    logger.log_metrics({"y": 1.0})
    assert not (tmp_path / "lightning_logs").exists()
    logger.log_metrics({"y": minigrad.tensor(2.0)}, step=1)
    path = tmp_path / "lightning_logs" / "version_0" / "metrics.csv"
    assert path.read_text() == "a-y,step\n1.0,0\n2.0,1\n"
    logger.log_metrics({"x": 3.0}, step=2)
    logger.save()
    assert path.read_text() == "a-x,a-y,step\n,1.0,0\n,2.0,1\n3.0,,2\n"
    assert CSVLogger(tmp_path).version == 1 and CSVLogger(tmp_path, name=None).log_dir == str(tmp_path / "version_0")
    again = CSVLogger(tmp_path, version=0)
    again.log_metrics({"z": 1.0}, step=0)
    with pytest.warns(UserWarning, match="exists and is not empty"):
        again.save()
    assert path.read_text() == "step,z\n0,1.0\n"
    with pytest.raises(TypeError, match="`logger` takes loggers"):
        pl.Trainer(logger=[print])


def test_means_are_weighted_by_what_a_batch_holds(tmp_path):
    """In dictionaries, lists and tuples of tensors; where there is none, or are several sizes, one has to say it."""

    class Weighing(pl.LightningModule):
        def test_step(self, batch, batch_idx):
            self.log("a", float(batch_idx), batch_size=3 if self.told else None)

    module = Weighing()
    module.told = False
    batches = [{"x": [minigrad.ones(1, 2)], "name": "one"}, {"x": (minigrad.ones(3),), "name": "three"}]
    testing = trainer(tmp_path)
    (found,) = testing.test(module, [IterAgain(batches)], verbose=False)
    assert found == {"a": 0.75}
    with pytest.raises(MisconfigurationException, match="could not infer the batch_size"):
        testing.test(module, [IterAgain(["name"])], verbose=False)
    with pytest.warns(UserWarning, match="ambiguous"):
        testing.test(module, [IterAgain([[minigrad.ones(2), minigrad.ones(3)]])], verbose=False)
    module.told = True
    assert testing.test(module, [IterAgain(["name", "other"])], verbose=False) == [{"a": 0.5}]


class IterAgain:
    """Something that can be iterated, and has no length."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def test_a_module_without_a_trainer():
    module = line()
    with pytest.warns(UserWarning, match="hasn't been passed"):
        module.log("a", 1.0)
    with pytest.raises(RuntimeError, match="is not attached to a `Trainer`"):
        _ = module.trainer
    assert (module.current_epoch, module.global_step, module.logger) == (0, 0, None)
    module.freeze()
    assert not module.training and not module.linear.weight.requires_grad
    module.unfreeze()
    assert module.training and module.linear.weight.requires_grad


def test_one_seed_for_all_generators():
    found = []
    for _ in range(2):
        assert pl.seed_everything(7, workers=True) == 7
        found.append((minigrad.rand(1).item(), np.random.rand()))
    assert found[0] == found[1]
    with pytest.raises(ValueError, match="not in bounds"):
        pl.seed_everything(-1)


def test_wrong_models_and_loaders_are_refused(tmp_path):
    with pytest.raises(TypeError, match="must be a `LightningModule`, got `Linear`"):
        trainer(tmp_path).fit(minigrad.nn.Linear(1, 1), points())
    with pytest.raises(TypeError, match="requires a `LightningModule`"):
        trainer(tmp_path).validate()
    with pytest.raises(TypeError, match="An invalid dataloader"):
        trainer(tmp_path).fit(line(), 3)
    with pytest.raises(MisconfigurationException, match="takes one loader"):
        trainer(tmp_path).fit(line(), [points(), points()])
    with pytest.raises(MisconfigurationException, match="`train_dataloader` must be implemented"):
        trainer(tmp_path).fit(line())
    with pytest.raises(RuntimeError, match=r"no `dataloader_idx` argument in `Line.training_step`"):
        line_of_two = type("LineOfTwo", (Line,), {"validation_step": Line.training_step})
        trainer(tmp_path).validate(line(kind=line_of_two), [points(), points()])
    with pytest.warns(UserWarning, match="shuffling enabled"):
        trainer(tmp_path).validate(line(kind=Judged), points(shuffle=True), verbose=False)
    with pytest.raises(MisconfigurationException, match=r"No `test_step\(\)` method defined"):
        trainer(tmp_path).test(line(), points())


class Remembering(pl.LightningDataModule):
    """Counts its set-ups, beyond one run."""

    def __init__(self, batch_size=5):
        super().__init__()
        self.save_hyperparameters()
        self.count = 0

    def setup(self, stage):
        self.count += 1

    def train_dataloader(self):
        return points(batch_size=self.hparams.batch_size)

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state_dict):
        self.count += state_dict["count"]


def test_a_data_module_is_saved_too(tmp_path):
    first, second = Remembering(), Remembering(2)
    short = trainer(tmp_path, logger=CSVLogger(tmp_path), log_every_n_steps=1)
    short.fit(line(), first)
    short.save_checkpoint(tmp_path / "a.ckpt")
    assert minigrad.load(tmp_path / "a.ckpt")["datamodule_hyper_parameters"] == {"batch_size": 5}
    assert "batch_size: 5\n" in (tmp_path / "lightning_logs" / "version_0" / "hparams.yaml").read_text()
    trainer(tmp_path, max_epochs=2).fit(line(), second, ckpt_path=tmp_path / "a.ckpt")
    assert (first.count, second.count) == (1, 2)


class Plateau(Line):
    strict = True

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        schedule = minigrad.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        described = {"scheduler": schedule, "monitor": "missing", "strict": self.strict, "name": "my rate"}
        return {"optimizer": optimizer, "lr_scheduler": described}

    def on_train_end(self):
        self.found = self.optimizers(), self.lr_schedulers(), self.device, self.logger
        self.print("that is all")


def test_a_schedule_whose_metric_is_missing(tmp_path, capsys):
    """It is an error, or warned of; and a key of its description that means nothing is warned of."""
    module = line(kind=Plateau)
    with (
        pytest.warns(RuntimeWarning, match="unsupported keys in the lr scheduler dict: {'name'}"),
        pytest.raises(MisconfigurationException, match=r"metric missing which is not available.*'loss'"),
    ):
        trainer(tmp_path).fit(module, points())
    module.strict = False
    with pytest.warns(RuntimeWarning, match="Skipping learning rate update|unsupported keys") as heard:
        trainer(tmp_path).fit(module, points())
    assert len(heard) == 2 and capsys.readouterr().out == "that is all\n"
    optimizer, schedule, device, logger = module.found
    assert optimizer.param_groups[0]["lr"] == 0.1 and schedule.optimizer is optimizer
    assert str(device) == "cpu" and logger is None


def test_on_a_terminal_the_line_is_written_anew(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    module = line()
    shown = trainer(tmp_path, enable_progress_bar=True, callbacks=pl.callbacks.ProgressBar(refresh_seconds=-1))
    shown.fit(module, points())
    _, *lines = capsys.readouterr().err.split("\r")
    assert [each[:15] for each in lines] == [f"Epoch 0: {batch}/3 ba" for batch in (1, 2, 3, 3)]
    assert lines[-1].endswith("\n") and "\n" not in "".join(lines[:-1]) and len({len(each) for each in lines[:-1]}) == 1
