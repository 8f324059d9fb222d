"""Writes models, inputs and ONNX Runtime's outputs for the engine's tests, and the manifest that lists them.

    python make_fixtures.py OUT SENTIMENT      # SENTIMENT is what make_sentiment.py wrote

OUT/manifest.json holds {"cases": [{name, group, opset, model, inputs, outputs, tolerance}]}: `inputs` and `outputs`
map tensor names to .npy files, all paths are relative to the repository's root. A tensor agrees when
|ours - theirs| <= tolerance * max(1, max|theirs|).
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).resolve().parents[3]
WORKLOADS = ROOT / "Tests/Workloads"
sys.path.insert(0, str(ROOT / "Sources/apparate-bench/Peers"))

import text_models as text  # noqa: E402
import vision_models as vision  # noqa: E402

SMALL = dict(classes=10)

# name -> (builder of the model, image size or (sequence length, shortest unpadded length))
VISION = {
    "resnet18": (lambda: vision.resnet(18, width=16, size=(56, 40), opset=9, batch_norm=True, **SMALL), (56, 40)),
    "resnet18-odd": (lambda: vision.resnet(18, width=12, size=33, opset=17, **SMALL), 33),
    "resnet50": (lambda: vision.resnet(50, width=16, size=64, opset=13, **SMALL), 64),
    "vgg11": (lambda: vision.vgg(11, width=16, hidden=96, size=64, opset=11, **SMALL), 64),
    "mobilenetv2-clip-attributes": (
        lambda: vision.mobilenet_v2(0.5, size=64, opset=10, batch_norm=True, **SMALL), 64),
    "mobilenetv2": (lambda: vision.mobilenet_v2(0.5, size=(48, 80), opset=11, **SMALL), (48, 80)),
    "mobilenetv3-spelled": (lambda: vision.mobilenet_v3(size=64, opset=12, **SMALL), 64),
    "mobilenetv3": (lambda: vision.mobilenet_v3(size=64, opset=18, **SMALL), 64),
    "efficientnet": (lambda: vision.efficientnet(size=64, opset=15, **SMALL), 64),
    "shufflenet": (lambda: vision.shufflenet(size=64, opset=12, **SMALL), 64),
    "shufflenet-4-groups": (lambda: vision.shufflenet(size=64, opset=18, groups=4, **SMALL), 64),
    "densenet": (lambda: vision.densenet(size=64, opset=10, **SMALL), 64),
    "inception": (lambda: vision.inception(size=67, opset=16, **SMALL), 67),
    "vit": (lambda: vision.vit(opset=17, **SMALL), 32),
    "vit-gelu-operator": (lambda: vision.vit(width=48, heads=3, gelu="op", opset=20, **SMALL), 32),
}
HALF = {"resnet18-half": (lambda: vision.resnet(18, width=16, size=48, opset=17, half=True, **SMALL), 48)}
TINY = dict(layers=2, width=64, hidden=128, heads=4, vocabulary=500, longest=64)
TEXT = {
    "bert": lambda: text.bert(opset=12, **TINY),
    "bert-tanh-gelu": lambda: text.bert(opset=21, gelu="tanh", **TINY),
    "bert-odd-heads": lambda: text.bert(opset=18, **{**TINY, "width": 60, "heads": 5}),
    "distilbert": lambda: text.distilbert(opset=14),
    "gpt2": lambda: text.gpt2(opset=13),
    "gpt2-opset-19": lambda: text.gpt2(opset=19, width=48, heads=3),
}


class Fixtures:
    """Runs models in ONNX Runtime without its graph optimisations and keeps what went in and came out."""

    def __init__(self, out: Path):
        self.out, self.cases, self.started = out, [], time.monotonic()

    def add(self, group: str, name: str, model: Path, inputs: dict, tolerance: float = 1e-4) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        inputs = {i.name: inputs[i.name] for i in session.get_inputs()}
        outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))
        for key, value in outputs.items():
            assert np.isfinite(value).all(), f"{name}: {key} is not finite"
        spread = max(float(np.std(v.astype(np.float32))) for v in outputs.values())
        assert 0.02 < spread < 50, f"{name}: outputs are badly scaled, deviation {spread}"
        folder = self.out / group / name
        folder.mkdir(parents=True, exist_ok=True)
        save = lambda kind, tensors: {k: self._save(folder / f"{kind}-{k}.npy", v) for k, v in tensors.items()}
        opset = next(o.version for o in onnx.load(str(model), load_external_data=False).opset_import if not o.domain)
        self.cases.append(dict(
            name=name, group=group, opset=opset, model=self._relative(model), inputs=save("input", inputs),
            outputs=save("output", outputs), tolerance=tolerance))
        print(f"[{time.monotonic() - self.started:5.1f} s] {group}/{name}: deviation {spread:.2f}", flush=True)

    def _save(self, path: Path, value: np.ndarray) -> str:
        np.save(path, np.ascontiguousarray(value))
        return self._relative(path)

    def _relative(self, path: Path) -> str:
        return str(path.resolve().relative_to(ROOT))

    def generated(self, name: str, build, batches: dict, tolerance: float = 1e-4) -> None:
        path = self.out / "models" / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(build(), str(path))
        for label, inputs in batches.items():
            self.add("generated", f"{name}-{label}", path, inputs, tolerance)


def images(size, batch: int, element=np.float32) -> dict:
    height, width = size if isinstance(size, tuple) else (size, size)
    x = np.random.default_rng(batch).standard_normal((batch, 3, height, width))
    return {"x": x.astype(element)}


def sentences(batch: int, length: int) -> dict:
    """Ids below 200 with padding of different lengths; the first item is not padded."""
    random = np.random.default_rng(batch * 1000 + length)
    lengths = np.maximum(2, length - random.integers(0, length // 2 + 1, batch))
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = random.integers(1, 200, (batch, length)) * mask
    types = (np.arange(length) >= lengths[:, None] // 2).astype(np.int64) * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def resized(tiles: np.ndarray, side: int) -> np.ndarray:
    """Bilinear with half-pixel centres, uint8 NHWC in, float NHWC out."""
    def taps(count: int):
        place = np.clip((np.arange(side) + 0.5) * count / side - 0.5, 0, count - 1)
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, count - 1), (place - low).astype(np.float32)

    low, high, share = taps(tiles.shape[1])
    rows = tiles[:, low] * (1 - share)[:, None, None] + tiles[:, high] * share[:, None, None]
    low, high, share = taps(tiles.shape[2])
    return rows[:, :, low] * (1 - share)[:, None] + rows[:, :, high] * share[:, None]


def traffic_feeds(tiles: np.ndarray) -> dict[str, np.ndarray]:
    """What each traffic model takes, for BGR tiles, uint8 [n, 64, 64, 3]."""
    planar = lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=np.float32)
    return {
        "vtest-resnet18": planar((tiles.astype(np.float32) - 127.5) / 64),
        "vtest-efficientnet-lite0": planar((resized(tiles[..., ::-1].astype(np.float32), 96) - 127) / 128),
    }


def traffic(fixtures: Fixtures, tiles: np.ndarray) -> None:
    for name, x in traffic_feeds(tiles).items():
        fixtures.add("d1", name, WORKLOADS / f"{name}.onnx", {"image": x})


def sentiment(fixtures: Fixtures, folder: Path) -> None:
    for source in ("movie", "amazon", "tweets"):
        data = np.load(folder / f"{source}.npz")
        order = data["test"] if "test" in data.files else np.arange(len(data["ids"]))
        lengths = data["length"][order]
        batches = {"32": (order[lengths <= 32][:8], 32), "1": (order[:1], None),
                   "longest": (order[lengths > 32][:8], None)}
        for label, (rows, length) in batches.items():
            length = length or int(data["length"][rows].max())
            mask = (np.arange(length) < data["length"][rows][:, None]).astype(np.int64)
            inputs = {"input_ids": data["ids"][rows, :length].astype(np.int64), "attention_mask": mask}
            fixtures.add("d2", f"sentiment-{source}-{label}", folder / "minilm-sentiment.onnx", inputs)


def main(out: Path, sentiment_folder: Path) -> None:
    fixtures = Fixtures(out)
    for name, (build, size) in VISION.items():
        fixtures.generated(name, build, {"batch-1": images(size, 1), "batch-3": images(size, 3)})
    for name, (build, size) in HALF.items():
        fixtures.generated(name, build, {"batch-2": images(size, 2, np.float16)}, tolerance=1e-2)
    for name, build in TEXT.items():
        fixtures.generated(name, build, {"1x32": sentences(1, 32), "3x17": sentences(3, 17)})
    tiles = np.load(WORKLOADS / "vtest-tiles.npz")["stream"]
    traffic(fixtures, tiles[:: len(tiles) // 64][:64])
    sentiment(fixtures, sentiment_folder)
    manifest = out / "manifest.json"
    manifest.write_text(json.dumps({"cases": fixtures.cases}, indent=1))
    print(f"{len(fixtures.cases)} cases in {fixtures._relative(manifest)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
