"""Calls a server with TensorFlow-Serving's official stubs (PyPI tensorflow-serving-api), as its users do.

    tensorflow_serving_client.py ADDRESS MODELS SCENARIO...

MODELS is the folder that ModelFolder.swift writes. Every call has a deadline. Exits with an error when an answer is
not as expected. TensorFlow itself is not needed: `make_tensor_proto` here does what tf.make_tensor_proto does.
"""

import sys
import threading

import grpc
import numpy as np
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

PATIENCE = 60
DTYPES = {
    np.dtype(np.float32): (types_pb2.DT_FLOAT, "float_val"),
    np.dtype(np.int64): (types_pb2.DT_INT64, "int64_val"),
    np.dtype(np.int32): (types_pb2.DT_INT32, "int_val"),
    np.dtype(np.bool_): (types_pb2.DT_BOOL, "bool_val"),
}


def make_tensor_proto(values, dtype=np.float32, typed=None):
    """Content for two elements and more, a typed field for one, unless `typed` says which."""
    array = np.asarray(values, dtype)
    code, field = DTYPES[array.dtype]
    proto = tensor_pb2.TensorProto(dtype=code)
    proto.tensor_shape.SetInParent()
    for extent in array.shape:
        proto.tensor_shape.dim.add(size=extent)
    if typed or (typed is None and array.size == 1):
        getattr(proto, field).extend(array.flatten().tolist())
    else:
        proto.tensor_content = array.tobytes()
    return proto


def make_ndarray(proto):
    """What clients do with answers: typed fields, read directly."""
    field = {code: field for code, field in DTYPES.values()}[proto.dtype]
    kind = {code: kind for kind, (code, _) in DTYPES.items()}[proto.dtype]
    assert not proto.tensor_content, "answers have typed values"
    shape = [dim.size for dim in proto.tensor_shape.dim]
    return np.array(getattr(proto, field), kind).reshape(shape)


class Client:
    def __init__(self, address, models):
        self.models = models
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        channel = grpc.insecure_channel(address, options=unlimited)
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.service = model_service_pb2_grpc.ModelServiceStub(channel)

    def request(self, name="half_plus_two", inputs=None, version=None, label=None, signature="", filter=()):
        request = predict_pb2.PredictRequest(output_filter=filter)
        request.model_spec.name = name
        request.model_spec.signature_name = signature
        if version is not None:
            request.model_spec.version.value = version
        if label is not None:
            request.model_spec.version_label = label
        for key, value in (inputs or {}).items():
            request.inputs[key].CopyFrom(value)
        return request

    def predict(self, *arguments, metadata=None, **options):
        return self.predictions.Predict(self.request(*arguments, **options), timeout=PATIENCE, metadata=metadata)

    # As in TensorFlow-Serving's own tests of its server.

    def predict_scenario(self):
        result = self.predict(inputs={"x": tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[2.0])})
        assert result.outputs["y"].dtype == 1
        assert len(result.outputs["y"].float_val) == 1
        assert result.outputs["y"].float_val[0] == 3.0
        assert result.model_spec.name == "half_plus_two"
        assert result.model_spec.signature_name == "serving_default"
        assert result.model_spec.version.value == 123
        for typed in (False, True, None):
            for values in ([1.0], [1.0, 2.0, 3.0], [[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]]):
                y = self.predict(inputs={"x": make_tensor_proto(values, typed=typed)}).outputs["y"]
                expected = np.asarray(values, np.float32) / 2 + 2
                np.testing.assert_array_equal(make_ndarray(y), expected)
        a = make_tensor_proto([[1, 2]])
        c = make_tensor_proto([[1, -2, 1 << 40]], np.int64, typed=True)
        outputs = self.predict("wide", {"a": a, "b": a, "c": c}).outputs
        assert sorted(outputs) == ["same", "sum"]
        np.testing.assert_array_equal(make_ndarray(outputs["same"]), [[1, -2, 1 << 40]])
        np.testing.assert_array_equal(make_ndarray(outputs["sum"]), [[2, 4]])
        outputs = self.predict("wide", {"a": a, "b": a, "c": c}, filter=["sum"]).outputs
        assert list(outputs) == ["sum"]

    def large_scenario(self):
        images = np.linspace(-1, 1, 64 * 3 * 64 * 64, dtype=np.float32).reshape(64, 3, 64, 64)
        whole = make_ndarray(self.predict("street", {"image": make_tensor_proto(images)}).outputs["logits"])
        assert whole.shape == (64, 3)
        one = make_ndarray(self.predict("street", {"image": make_tensor_proto(images[5:6])}).outputs["logits"])
        np.testing.assert_array_equal(one[0], whole[5])

    def exits_scenario(self):
        request = self.request(inputs={"x": make_tensor_proto([[2.0]])})
        _, call = self.predictions.Predict.with_call(request, timeout=PATIENCE, metadata=[("apparate-exact", "1")])
        assert ("apparate-exit", "final") in [(entry.key, entry.value) for entry in call.initial_metadata()]

    def errors_scenario(self):
        code = grpc.StatusCode
        x = make_tensor_proto([[2.0]])
        expect = [
            (code.NOT_FOUND, "Servable not found for request: Latest(none)", dict(name="none", inputs={"x": x})),
            (code.NOT_FOUND, "Servable not found for request: Specific(half_plus_two, 666)",
             dict(version=666, inputs={"x": x})),
            (code.INVALID_ARGUMENT, "ModelSpec has no name specified.", dict(name="", inputs={"x": x})),
            (code.INVALID_ARGUMENT, "Unrecognized servable version label: no", dict(label="no", inputs={"x": x})),
            (code.FAILED_PRECONDITION, 'Serving signature key "no" not found.', dict(signature="no", inputs={"x": x})),
            (code.INVALID_ARGUMENT, "Missing but required: {x}", dict(inputs={})),
            (code.INVALID_ARGUMENT, "Sent extra: {unknown_key1,unknown_key2}",
             dict(inputs={"x": x, "unknown_key1": x, "unknown_key2": x})),
            (code.INVALID_ARGUMENT, "Expects arg[0] to be float but bool is provided",
             dict(inputs={"x": make_tensor_proto([True], np.bool_)})),
            (code.INVALID_ARGUMENT, "Expects arg[0] to be float but string is provided",
             dict(inputs={"x": tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[b"hello"])})),
            (code.INVALID_ARGUMENT, "tensor parsing error: x",
             dict(inputs={"x": tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"abc")})),
            (code.INVALID_ARGUMENT, "output tensor alias not found in signature: z", dict(inputs={"x": x}, filter=["z"])),
        ]
        for status, text, options in expect:
            self.fails(status, text, lambda: self.predict(**options))
        self.fails(code.INVALID_ARGUMENT, "Missing ModelSpec",
                   lambda: self.predictions.Predict(predict_pb2.PredictRequest(), timeout=PATIENCE))

    @staticmethod
    def fails(status, text, call):
        try:
            call()
        except grpc.RpcError as error:
            assert error.code() == status and text in error.details(), f"expected {status}: {text}; got {error}"
            return
        raise AssertionError(f"expected {status}: {text}; got an answer")

    @staticmethod
    def example(**features):
        example = example_pb2.Example()
        for key, values in features.items():
            example.features.feature[key].float_list.value.extend(values)
        return example

    def examples_scenario(self):
        classify = classification_pb2.ClassificationRequest()
        classify.model_spec.name = "half_plus_two"
        classify.model_spec.signature_name = "classify_x_to_y"
        classify.input.example_list.examples.append(self.example(inputs=[2.0]))
        result = self.predictions.Classify(classify, timeout=PATIENCE)
        assert len(result.result.classifications) == 1
        assert result.result.classifications[0].classes[0].score == 3.0
        assert result.model_spec.signature_name == "classify_x_to_y"
        assert result.model_spec.version.value == 123

        regress = regression_pb2.RegressionRequest()
        regress.model_spec.name = "half_plus_two"
        regress.model_spec.signature_name = "regress_x_to_y"
        regress.input.example_list_with_context.examples.extend([self.example(), self.example(inputs=[80.0])])
        regress.input.example_list_with_context.context.CopyFrom(self.example(inputs=[2.0]))
        result = self.predictions.Regress(regress, timeout=PATIENCE)
        assert [regression.value for regression in result.result.regressions] == [3.0, 42.0]

        multi = inference_pb2.MultiInferenceRequest()
        for method, signature in [("regress", "regress_x_to_y"), ("classify", "classify_x_to_y")]:
            task = multi.tasks.add(method_name=f"tensorflow/serving/{method}")
            task.model_spec.name = "half_plus_two"
            task.model_spec.signature_name = signature
        multi.input.example_list.examples.append(self.example(inputs=[2.0]))
        results = self.predictions.MultiInference(multi, timeout=PATIENCE).results
        assert results[0].regression_result.regressions[0].value == 3.0
        assert results[1].classification_result.classifications[0].classes[0].score == 3.0

        empty = regression_pb2.RegressionRequest(model_spec=regress.model_spec)
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, "Input is empty",
                   lambda: self.predictions.Regress(empty, timeout=PATIENCE))

        labels = classification_pb2.ClassificationRequest()
        labels.model_spec.name = "street"
        labels.input.example_list.examples.append(self.example(image=[0.5] * (3 * 64 * 64)))
        classes = self.predictions.Classify(labels, timeout=PATIENCE).result.classifications[0].classes
        assert [entry.label for entry in classes] == ["none", "one", "several"]

    def metadata_scenario(self):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "half_plus_two"
        response = self.predictions.GetModelMetadata(request, timeout=PATIENCE)
        assert response.model_spec.name == "half_plus_two"
        assert response.model_spec.version.value == 123
        assert list(response.metadata) == ["signature_def"]
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        assert sorted(signatures.signature_def) == ["classify_x_to_y", "regress_x_to_y", "serving_default"]
        signature = signatures.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        assert signature.inputs["x"].dtype == types_pb2.DT_FLOAT
        assert [dim.size for dim in signature.inputs["x"].tensor_shape.dim] == [-1, 1]

    def status_scenario(self):
        State = get_model_status_pb2.ModelVersionStatus.State
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "half_plus_two"
        for version in (None, 123):
            if version:
                request.model_spec.version.value = version
            [status] = self.service.GetModelStatus(request, timeout=PATIENCE).model_version_status
            assert (status.version, status.state, status.status.error_code) == (123, State.AVAILABLE, 0)
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "broken"
        [status] = self.service.GetModelStatus(request, timeout=PATIENCE).model_version_status
        assert status.state == State.END and status.status.error_code != 0 and status.status.error_message
        request.model_spec.name = "none"
        self.fails(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model none",
                   lambda: self.service.GetModelStatus(request, timeout=PATIENCE))

    def reload_scenario(self):
        request = model_management_pb2.ReloadConfigRequest()
        for name in ("half_plus_two", "added"):
            config = request.config.model_config_list.config.add(
                name=name, base_path=f"{self.models}/half_plus_two", model_platform="tensorflow")
            config.version_labels["stable"] = 123
        response = self.service.HandleReloadConfigRequest(request, timeout=PATIENCE)
        assert response.status.error_code == 0, response
        x = make_tensor_proto([[2.0]])
        assert self.predict("added", {"x": x}, label="stable").outputs["y"].float_val[0] == 3.0
        self.fails(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(street)",
                   lambda: self.predict("street", {"image": x}))
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, "ServerModelConfig type not supported",
                   lambda: self.service.HandleReloadConfigRequest(
                       model_management_pb2.ReloadConfigRequest(), timeout=PATIENCE))

    def concurrent_scenario(self):
        failures = []

        def run(offset):
            try:
                for step in range(20):
                    value = float(offset * 100 + step)
                    y = self.predict(inputs={"x": make_tensor_proto([[value]])}).outputs["y"]
                    assert y.float_val[0] == value / 2 + 2
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(offset,)) for offset in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        if failures:
            raise failures[0]


if __name__ == "__main__":
    client = Client(sys.argv[1], sys.argv[2])
    for name in sys.argv[3:]:
        getattr(client, f"{name}_scenario")()
