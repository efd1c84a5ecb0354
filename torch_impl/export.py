"""Exports: a trained network as a program that runs without its Python code, checked before it is written.

==========  ================  =================================================================================
format      file              made by
==========  ================  =================================================================================
script      model.script.pt   ``torch.jit.script``, which compiles the source of ``forward``
trace       model.trace.pt    ``torch.jit.trace``, which records the operations of one call; branches are lost
pt2         model.pt2         ``torch.export``, whose graph holds for any number of images
onnx        model.onnx        ``torch.onnx`` from that graph, for onnxruntime and others
==========  ================  =================================================================================

TorchScript, the first two, is deprecated upstream in favour of ``torch.export``: use it only where something needs it.
``predict.py`` reads the files, and says what else they carry.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from torch_impl.checkpoint import replace_file
from torch_impl.data import ImageData, as_floats
from torch_impl.names import FORMATS
from torch_impl.predict import DESCRIPTION, Description, Program, ProgramError, open_program, torchscript_is_deprecated

__all__ = ["FORMATS", "check_program", "export_bytes", "export_program", "real_batches", "save_samples", "test_images"]

# How far a score may be from the eager model's, as a share of the largest score. PyTorch's own programs give the same
# bits; onnxruntime merges layers, whose rounding grew to 1e-6 in ResNet-18. What is wrong differs by far more.
TOLERANCE = 1e-4

BATCH_SIZE, IMAGES_CHECKED = 50, 200


def export_program(
    model: nn.Module, description: Description, images: Tensor, format: str, path: str | Path
) -> tuple[int, float]:
    """Write ``model`` as a program to ``path``, whole or not at all, after it gave the model's scores.

    The bytes that will be the file are opened as ``predict`` opens them, and run on real images in batches of several
    sizes beside the eager model. The model is left as it is; its copy is exported in evaluation mode, on the CPU.

    Args:
        model: the network, on any device.
        description: of its images and classes.
        images: real ones, prepared as in training: (N, C, H, W) float32. The first 200 are used.
        format: one of :data:`FORMATS`.
        path: the file, whose name must end as the format's does: in .pt, .pt2 or .onnx.

    Returns:
        On how many images it was checked, and the largest difference of a score.

    Raises:
        ProgramError: the network cannot be exported, or the program does not give its scores, or the file cannot be
            written. What was at ``path`` is still there.

    Source: https://docs.pytorch.org/docs/stable/export.html, https://docs.pytorch.org/docs/stable/onnx.html
    """
    path = Path(path)
    suffix = Path(FORMATS[format]).suffix
    if path.suffix != suffix:
        raise ProgramError(f"a program of the format {format} has a name that ends in {suffix}, not {path.name}")
    eager = copy.deepcopy(model).cpu().eval()
    content = export_bytes(eager, description, format)
    program = open_program(content, suffix)
    if program.description != description:
        raise ProgramError(f"the description in the {format} program is not what was written")
    checked, largest = check_program(program, eager, real_batches(images))
    try:
        replace_file(path, content)
    except OSError as error:
        raise ProgramError(f"cannot write {path}: {error.strerror or error}") from error
    return checked, largest


def export_bytes(model: nn.Module, description: Description, format: str) -> bytes:
    """The file of ``model``, which is on the CPU and in evaluation mode, in one of :data:`FORMATS`.

    Raises:
        ProgramError: the network holds what the format cannot express.
    """
    writers = {"script": script, "trace": trace, "pt2": pt2, "onnx": onnx}
    dtype = next(model.parameters(), torch.empty(0)).dtype
    example = torch.zeros(2, *description.image_shape, dtype=dtype)  # two: one would be taken for a constant
    try:
        return writers[format](model, example, description.to_json())
    except Exception as error:  # compilers raise anything; the first line says what they could not compile
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProgramError(f"{description.model} cannot be exported as {format}: {reason}") from error


def script(model: nn.Module, example: Tensor, description: str) -> bytes:
    """TorchScript from the source of ``forward``: deprecated, branches and loops are kept."""
    with torchscript_is_deprecated():
        return torchscript_bytes(torch.jit.script(model), description)


def trace(model: nn.Module, example: Tensor, description: str) -> bytes:
    """TorchScript from what ``forward`` does to ``example``: deprecated, branches not taken are lost."""
    with torchscript_is_deprecated():
        return torchscript_bytes(torch.jit.trace(model, example), description)


def torchscript_bytes(program: torch.jit.ScriptModule, description: str) -> bytes:
    """The program's file, with the description beside the code."""
    content = io.BytesIO()
    torch.jit.save(program, content, _extra_files={DESCRIPTION: description})
    return content.getvalue()


def exported(model: nn.Module, example: Tensor) -> ExportedProgram:
    """The graph of ``forward``, for any number of images."""
    return torch.export.export(model, (example,), dynamic_shapes=({0: Dim("batch")},))


def pt2(model: nn.Module, example: Tensor, description: str) -> bytes:
    """``torch.export``'s archive: the graph as JSON, the weights, the description."""
    content = io.BytesIO()
    torch.export.save(exported(model, example), content, extra_files={DESCRIPTION: description})
    return content.getvalue()


def onnx(model: nn.Module, example: Tensor, description: str) -> bytes:
    """ONNX from the same graph, with the description among the model's properties. At most 2 GB: weights included."""
    program = torch.onnx.export(
        exported(model, example), input_names=["images"], output_names=["scores"], verbose=False, dynamo=True
    )
    assert program is not None  # it is None only if a file is named
    program.model.metadata_props[DESCRIPTION] = description
    return program.model_proto.SerializeToString()


def test_images(data: ImageData) -> Tensor:
    """The first test images of a data set, as many as are checked. Shapes: (N, C, H, W) float32."""
    count = min(IMAGES_CHECKED, len(data.test))  # type: ignore[arg-type]
    return as_floats(torch.stack([data.test[index][0] for index in range(count)]))


def save_samples(data: ImageData, folder: Path) -> list[Path]:
    """Write the first test image of each class to ``folder``, as CLASS.png. Returns the files.

    Raises:
        ProgramError: the folder or a file in it cannot be written.
    """
    from torchvision.transforms.functional import to_pil_image  # imported where it is needed: it takes a second

    paths: list[Path] = []
    missing = dict(enumerate(data.class_names))
    for index in range(len(data.test)):  # type: ignore[arg-type]
        image, label = data.test[index]
        if int(label) in missing:
            paths.append(folder / f"{missing.pop(int(label)).replace('/', '-')}.png")
            picture = io.BytesIO()
            to_pil_image(image).save(picture, "png")
            try:
                folder.mkdir(parents=True, exist_ok=True)
                replace_file(paths[-1], picture.getvalue())
            except OSError as error:
                raise ProgramError(f"cannot write {paths[-1]}: {error.strerror or error}") from error
        if not missing:
            break
    return paths


def real_batches(images: Tensor) -> Iterator[Tensor]:
    """The first 200 images in batches of 1, 2, and then 50: a size that was recorded as a constant shows."""
    for batch in (images[:1], images[1:3], *images[3:IMAGES_CHECKED].split(BATCH_SIZE)):
        if len(batch):
            yield batch


@torch.no_grad()
def check_program(program: Program, model: nn.Module, batches: Iterable[Tensor]) -> tuple[int, float]:
    """Hold a program's scores against the eager model's.

    Returns:
        The number of images, and the largest difference of a score.

    Raises:
        ProgramError: a score differs by more than :data:`TOLERANCE`, or is not finite, or there are no images.
    """
    checked, largest = 0, 0.0
    for images in batches:
        expected = model(images)
        try:
            found = program.run(images)
        except Exception as error:  # a runtime's own, of any class
            raise ProgramError(f"the exported program does not run on a batch of {len(images)} images") from error
        if found.shape != expected.shape or found.dtype != expected.dtype:
            raise ProgramError(f"the exported program gives {found.dtype} scores of the shape {tuple(found.shape)}")
        difference = (found - expected).abs().max().item()
        allowed = TOLERANCE * expected.abs().max().item()
        if not difference <= allowed:  # NaN is not
            raise ProgramError(
                f"the exported program's scores for {len(images)} images differ from the eager model's by "
                f"{difference:.2g}, where {allowed:.2g} is allowed: nothing was written"
            )
        checked += len(images)
        largest = max(largest, difference)
    if checked == 0:
        raise ProgramError("there is no image to check the exported program on")
    return checked, largest
