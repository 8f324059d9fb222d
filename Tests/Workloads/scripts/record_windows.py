"""Records what ramps say on the streams D1 and D2: the windows that tests of threshold tuning replay.

    python record_windows.py TILES SENTIMENT OUT
        TILES      the full set of tiles (npz with `bootstrap` and `stream`; see Tests/Workloads/README.md)
        SENTIMENT  the folder that make_sentiment.py wrote
        OUT        Tests/Workloads/recorded

Needs requirements.txt and scikit-learn. Every ramp is global average pooling and logistic regression with the original
model's answers as labels (design, section 1), trained on three in five items of the bootstrap set, its L2 penalty and
temperature chosen on a fifth of these. The other two are recorded as NAME-bootstrap: what a controller may start from. For each stream it writes NAME-scores.npy, float32 [items, sites]: one minus the ramp's largest probability;
NAME-agrees.npy, bool [items, sites]: the ramp's answer is the model's; and NAME-latency.npy, float64 [sites + 1]: the
share of the model's multiplications that is done when the tensor at the site is there, and 1 at the end. Sites are the
outputs of residual blocks, of bottlenecks, and of encoder layers.

vtest-lite0-useless is the do-no-harm stream: ramps trained on tiles of noise meet the video.
"""
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper, shape_inference
from sklearn.linear_model import LogisticRegression

from make_fixtures import WORKLOADS, resized


def session(model: onnx.ModelProto, outputs: list[str]) -> onnxruntime.InferenceSession:
    model = onnx.ModelProto.FromString(model.SerializeToString())
    known = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in outputs if n not in known)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def multiplications(model: onnx.ModelProto, feed: dict) -> list[tuple[str, float]]:
    """Per node in file order, the name of its first output and how many products it takes for one item."""
    names = [o for n in model.graph.node for o in n.output]
    weights = {t.name: t.dims for t in model.graph.initializer}
    shapes = dict(zip(names, (np.asarray(v).shape for v in session(model, names).run(names, feed))))
    shapes |= {k: v.shape for k, v in feed.items()}
    counts = []
    for node in model.graph.node:
        out = int(np.prod(shapes[node.output[0]]))
        products = 0
        if node.op_type == "Conv":
            products = out * int(np.prod(weights[node.input[1]][1:]))
        elif node.op_type in ("Gemm", "MatMul"):
            left = shapes[node.input[0]] if node.input[0] in shapes else weights[node.input[0]]
            products = out * left[-1]
        counts.append((node.output[0], float(products)))
    return counts


def shares(model: onnx.ModelProto, feed: dict, sites: list[str]) -> np.ndarray:
    counts = multiplications(model, feed)
    total = sum(c for _, c in counts)
    done, at = 0.0, {}
    for name, count in counts:
        done += count
        at[name] = done / total
    return np.array([at[s] for s in sites] + [1.0])


def validation(items: int) -> np.ndarray:
    return np.arange(items) % 5 >= 3


def fitted_probabilities(train: np.ndarray, labels: np.ndarray, streams: list[np.ndarray]) -> list[np.ndarray]:
    """Probabilities on the part of the bootstrap set that is not trained on, then on each stream."""
    streams = [train[validation(len(train))]] + streams
    train, labels = train[~validation(len(train))], labels[~validation(len(labels))]
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    scaled = lambda x: (x - mean) / deviation
    held = np.arange(len(train)) % 5 == 4
    best = None
    for c in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3):
        ramp = LogisticRegression(C=c, max_iter=400).fit(scaled(train[~held]), labels[~held])
        loss = -np.log(ramp.predict_proba(scaled(train[held]))[np.arange(held.sum()), labels[held]] + 1e-12).mean()
        if best is None or loss < best[0]:
            best = (loss, ramp)
    ramp = best[1]
    logits = lambda x: ramp.predict_log_proba(scaled(x))

    def softmax(z):
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    z, y = logits(train[held]), labels[held]
    temperature = min(np.geomspace(0.3, 4, 60), key=lambda t: -np.log(softmax(z / t)[np.arange(len(y)), y] + 1e-12).mean())
    return [softmax(logits(x) / temperature) for x in streams]


def write(out: Path, name: str, probabilities: list[np.ndarray], answers: np.ndarray, latency: np.ndarray) -> None:
    scores = np.stack([np.maximum(0, 1 - p.max(1)) for p in probabilities], 1).astype(np.float32)
    agrees = np.stack([p.argmax(1) == answers for p in probabilities], 1)
    np.save(out / f"{name}-scores.npy", scores)
    np.save(out / f"{name}-agrees.npy", agrees)
    np.save(out / f"{name}-latency.npy", latency)
    print(name, scores.shape, "agreement", np.round(agrees.mean(0), 3), "latency", np.round(latency, 3), flush=True)


def pooled(run: onnxruntime.InferenceSession, sites: list[str], images: np.ndarray) -> tuple[list, np.ndarray]:
    features, answers = [[] for _ in sites], []
    for start in range(0, len(images), 64):
        *maps, logits = run.run(sites + ["logits"], {"image": images[start:start + 64]})
        for kept, value in zip(features, maps):
            kept.append(value.mean((2, 3)))
        answers.append(logits.argmax(1))
    return [np.concatenate(f) for f in features], np.concatenate(answers)


def traffic(tiles: Path, out: Path) -> None:
    data = np.load(tiles)
    planar = lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=np.float32)
    feeds = {
        "vtest-resnet18": lambda t: planar((t.astype(np.float32) - 127.5) / 64),
        "vtest-efficientnet-lite0": lambda t: planar((resized(t[..., ::-1].astype(np.float32), 96) - 127) / 128),
    }
    noise = np.random.default_rng(0).integers(0, 256, (1000, 64, 64, 3)).astype(np.uint8)
    for name, prepare in feeds.items():
        model = onnx.load(str(WORKLOADS / f"{name}.onnx"))
        if "resnet" in name:
            sites = [n.output[0] for n in model.graph.node if n.output[0].endswith("_out")]
        else:
            sites = [f"b{i}_add" if any(n.output[0] == f"b{i}_add" for n in model.graph.node) else f"b{i}_pw_c"
                     for i in range(16)]
        run = session(model, sites)
        train, labels = pooled(run, sites, prepare(data["bootstrap"]))
        stream, answers = pooled(run, sites, prepare(data["stream"]))
        latency = shares(model, {"image": prepare(data["stream"][:1])}, sites)
        fitted = [fitted_probabilities(t, labels, [s]) for t, s in zip(train, stream)]
        write(out, f"{name}-bootstrap", [f[0] for f in fitted], labels[validation(len(labels))], latency)
        write(out, name, [f[1] for f in fitted], answers, latency)
        if "lite0" in name:
            train, labels = pooled(run, sites, prepare(noise))
            labels = np.where(np.bincount(labels, minlength=3).max() == len(labels), np.arange(len(labels)) % 3, labels)
            write(out, "vtest-lite0-useless", [fitted_probabilities(t, labels, [s])[1] for t, s in zip(train, stream)],
                  answers, latency)


def sentiment(folder: Path, out: Path) -> None:
    model = onnx.load(str(folder / "minilm-sentiment.onnx"))
    sites = [f"l{i}_out" for i in range(5)]
    run = session(model, sites)

    def features(ids, lengths):
        order = np.argsort(lengths, kind="stable")
        kept, answers = np.zeros((len(sites), len(ids), 384), np.float32), np.zeros(len(ids), int)
        for start in range(0, len(order), 64):
            rows = order[start:start + 64]
            longest = int(lengths[rows].max())
            mask = (np.arange(longest) < lengths[rows][:, None]).astype(np.int64)
            *hidden, logits = run.run(
                sites + ["logits"], {"input_ids": ids[rows, :longest].astype(np.int64), "attention_mask": mask})
            for site, value in enumerate(hidden):
                kept[site, rows] = (value * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            answers[rows] = logits.argmax(1)
        return kept, answers

    movie = np.load(folder / "movie.npz")
    train, labels = features(movie["ids"][movie["train"]], movie["length"][movie["train"]])
    streams = {"movie": (movie["ids"][movie["test"]], movie["length"][movie["test"]])}
    for name in ("amazon", "tweets"):
        data = np.load(folder / f"{name}.npz")
        streams[name] = (data["ids"], data["length"])
    feed = {"input_ids": movie["ids"][:1, :32].astype(np.int64), "attention_mask": np.ones((1, 32), np.int64)}
    latency = shares(model, feed, sites)
    taken = {name: features(*value) for name, value in streams.items()}
    fitted = [fitted_probabilities(train[s], labels, [taken[n][0][s] for n in taken]) for s in range(len(sites))]
    write(out, "sentiment-movie-bootstrap", [f[0] for f in fitted], labels[validation(len(labels))], latency)
    for index, name in enumerate(taken):
        write(out, f"sentiment-{name}", [f[1 + index] for f in fitted], taken[name][1], latency)


if __name__ == "__main__":
    tiles, folder, out = map(Path, sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    traffic(tiles, out)
    sentiment(folder, out)
