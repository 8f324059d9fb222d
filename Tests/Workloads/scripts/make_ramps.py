"""Trains ramps with scikit-learn on what ONNX Runtime computes at the sites of both traffic models.

    python make_ramps.py OUT

The tiles are those of vtest-tiles.npz, bootstrap and stream; the labels are the model's own answers. OUT/manifest.json
holds {"sites": [{name, features, answers, training, validation, classes, strengths, each, l2, agreement, predictions}]}:
`features` [tiles, channels] (averaged over height and width), `answers` [tiles], `training` and `validation` (indices
of tiles) and `predictions` (of scikit-learn, for the validation tiles) are .npy files, with paths relative to the
repository's root. For each of `strengths`, `each` has the agreement with the model on the validation tiles; `l2` is the
strength of the least log loss there, `agreement` and `predictions` belong to it.

scikit-learn minimises sum(loss) * C + |w|^2 / 2, so C = 1 / (l2 * training tiles) is a mean loss and l2 / 2 * |w|^2.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from make_fixtures import ROOT, WORKLOADS, traffic_feeds

STRENGTHS = [1e-1, 1e-2, 1e-3]
TRAINING_SHARE = 0.6


def sites(graph: onnx.GraphProto) -> list[str]:
    """What each block gives: ResNet's after the ReLU, Lite0's after the projection and, if there is one, the sum."""
    made = [name for node in graph.node for name in node.output]
    for block in range(100):
        names = [f"b{block}_{kind}" for kind in ("out", "add", "pw_c") if f"b{block}_{kind}" in made]
        if not names:
            return
        yield names[0]


def run(path: Path, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The model's answers, and the pooled features by site."""
    model = onnx.load(str(path))
    names = list(sites(model.graph))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    batches = [session.run(["logits", *names], {"image": x[start:start + 64]}) for start in range(0, len(x), 64)]
    pooled = {name: np.concatenate([b[i + 1].mean((2, 3)) for b in batches]) for i, name in enumerate(names)}
    return np.concatenate([b[0] for b in batches]).argmax(1), pooled


def ramp(features: np.ndarray, answers: np.ndarray, training: np.ndarray, validation: np.ndarray) -> dict:
    scaler = StandardScaler().fit(features[training])
    x, y, held_out = scaler.transform(features[training]), answers[training], answers[validation]
    results = []
    for l2 in STRENGTHS:
        model = LogisticRegression(C=1 / (l2 * len(training)), tol=1e-6, max_iter=5000).fit(x, y)
        probabilities = model.predict_proba(scaler.transform(features[validation]))
        predictions = model.classes_[probabilities.argmax(1)]
        loss = log_loss(held_out, probabilities, labels=model.classes_)
        results.append((loss, float((predictions == held_out).mean()), predictions))
    best = min(range(len(results)), key=lambda i: results[i][0])
    return dict(
        strengths=STRENGTHS, each=[agreement for _, agreement, _ in results], l2=STRENGTHS[best],
        agreement=results[best][1], predictions=results[best][2])


def main(out: Path) -> None:
    data = np.load(WORKLOADS / "vtest-tiles.npz")
    tiles = np.concatenate([data["bootstrap"], data["stream"]])
    order = np.random.default_rng(0).permutation(len(tiles))
    cut = int(len(tiles) * TRAINING_SHARE)
    training, validation = np.sort(order[:cut]), np.sort(order[cut:])
    out.mkdir(parents=True, exist_ok=True)

    def save(name: str, value: np.ndarray) -> str:
        value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        np.save(out / f"{name}.npy", np.ascontiguousarray(value))
        return str((out / f"{name}.npy").relative_to(ROOT))

    split = dict(training=save("training", training), validation=save("validation", validation))
    listed = []
    for model, x in traffic_feeds(tiles).items():
        answers, pooled = run(WORKLOADS / f"{model}.onnx", x)
        for site, features in pooled.items():
            name = f"{model}-{site}"
            result = ramp(features.astype(np.float32), answers, training, validation)
            result["predictions"] = save(f"{name}-predictions", result["predictions"])
            listed.append(dict(
                name=name, features=save(f"{name}-features", features), answers=save(f"{model}-answers", answers),
                classes=3, **split, **result))
            print(f"{name}: agreement {result['agreement']:.3f} at l2 {result['l2']:g}", flush=True)
    (out / "manifest.json").write_text(json.dumps({"sites": listed}, indent=1))


if __name__ == "__main__":
    warnings.simplefilter("error")  # a search that did not converge is no reference
    main(Path(sys.argv[1]).resolve())
