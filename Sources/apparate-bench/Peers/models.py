"""Full-size benchmark models with random weights, and inputs for any model.

    python models.py build DIRECTORY NAME...                              writes DIRECTORY/NAME.onnx where missing
    python models.py inputs MODEL DIRECTORY --batch 8 [--dimension S=128]    writes one .npy for each input of MODEL

Each prints one line of JSON: {name: path}, or {"inputs": {name: path}, "dimensions": {symbol: size}}.
"""
import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

import text_models as text
import vision_models as vision

MODELS = {
    "resnet18": lambda: vision.resnet(18),
    "resnet50": lambda: vision.resnet(50),
    "vgg16": lambda: vision.vgg(16),
    "mobilenetv2": lambda: vision.mobilenet_v2(),
    "bert-base": lambda: text.bert(layers=12, width=768, hidden=3072, heads=12),
    "minilm-l6": lambda: text.bert(layers=6, width=384, hidden=1536, heads=12),
}


def build(directory: Path, names: list) -> dict:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = directory / f"{name}.onnx"
        if path.exists():
            continue
        partial = directory / f"{name}.partial"
        onnx.save(MODELS[name](), str(partial))
        os.replace(partial, path)  # an interrupted run leaves no half model behind
    return {name: str(directory / f"{name}.onnx") for name in names}


def dimensions(value, batch: int, named: dict) -> list:
    """A dimension without a value takes the one named, or, in first place, the batch."""
    shape = []
    for place, dimension in enumerate(value.type.tensor_type.shape.dim):
        if dimension.HasField("dim_value"):
            shape.append(dimension.dim_value)
        elif dimension.dim_param in named:
            shape.append(named[dimension.dim_param])
        elif place == 0:
            shape.append(batch)
        else:
            label = dimension.dim_param or f"axis {place}"
            sys.exit(f"input {value.name}: no size for {label}; give --dimension {label}=SIZE")
    return shape


def sample(name: str, element: np.dtype, shape: list) -> np.ndarray:
    """Normal numbers; small integers; for a mask, ones with a padded tail; for token types, zeros."""
    random = np.random.default_rng(len(shape))
    if np.issubdtype(element, np.floating):
        return random.standard_normal(shape).astype(element)
    if "mask" in name:
        mask = np.ones(shape, element)
        mask[..., shape[-1] - shape[-1] // 5:] = 0
        return mask
    if "type" in name or "segment" in name:
        return np.zeros(shape, element)
    return random.integers(0, 2 if element == np.bool_ else 100, shape).astype(element)


def inputs(model_path: Path, directory: Path, batch: int, named: dict) -> dict:
    directory.mkdir(parents=True, exist_ok=True)
    graph = onnx.load(str(model_path), load_external_data=False).graph
    constants = {w.name for w in graph.initializer}
    files, sizes = {}, {}
    for value in graph.input:
        if value.name in constants:
            continue
        element = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        path = directory / f"input-{len(files)}.npy"
        shape = dimensions(value, batch, named)
        np.save(path, sample(value.name, element, shape))
        files[value.name] = str(path)
        declared = value.type.tensor_type.shape.dim
        sizes.update({d.dim_param: size for d, size in zip(declared, shape) if d.dim_param})
    return {"inputs": files, "dimensions": sizes}


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("directory", type=Path)
    building.add_argument("names", nargs="*", choices=list(MODELS))
    feeding = commands.add_parser("inputs")
    feeding.add_argument("model", type=Path)
    feeding.add_argument("directory", type=Path)
    feeding.add_argument("--batch", type=int, default=1)
    feeding.add_argument("--dimension", action="append", default=[], metavar="NAME=SIZE")
    arguments = parser.parse_args()
    if arguments.command == "build":
        print(json.dumps(build(arguments.directory, arguments.names)))
    else:
        named = {name: int(size) for name, size in (pair.split("=", 1) for pair in arguments.dimension)}
        print(json.dumps(inputs(arguments.model, arguments.directory, arguments.batch, named)))


if __name__ == "__main__":
    main()
