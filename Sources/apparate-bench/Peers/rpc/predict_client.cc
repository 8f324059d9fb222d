// Loads a server with PredictRequests: every connection sends its next call when its last one is answered. The request
// is built once, so that the client's own share of the time is small and the same for every server.
//
//   predict_client PORT CONTENT_BYTES CONNECTIONS SECONDS     prints one JSON object

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tensorflow_serving/apis/predict.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using tensorflow::serving::PredictRequest;
using tensorflow::serving::PredictResponse;

constexpr char kMethod[] = "/tensorflow.serving.PredictionService/Predict";
// As TensorFlow Serving's clients do, every call has a deadline.
constexpr auto kTimeout = std::chrono::seconds(20);

[[noreturn]] void Fail(const std::string& reason) {
  std::fprintf(stderr, "predict_client: %s\n", reason.c_str());
  std::exit(1);
}

grpc::ByteBuffer MakeRequest(size_t content_bytes) {
  PredictRequest request;
  request.mutable_model_spec()->set_name("resnet50");
  request.mutable_model_spec()->set_signature_name("serving_default");
  tensorflow::TensorProto& tensor = (*request.mutable_inputs())["input"];
  tensor.set_dtype(tensorflow::DT_FLOAT);
  tensor.mutable_tensor_shape()->add_dim()->set_size(1);
  tensor.mutable_tensor_shape()->add_dim()->set_size(static_cast<int64_t>(content_bytes / sizeof(float)));
  std::string& content = *tensor.mutable_tensor_content();
  content.resize(content_bytes);
  for (size_t i = 0; i < content_bytes; ++i) content[i] = static_cast<char>(i * 31 >> 3 & 0x3F);
  const std::string bytes = request.SerializeAsString();
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

void CheckAnswer(grpc::ByteBuffer& answer) {
  std::vector<grpc::Slice> slices;
  if (!answer.Dump(&slices).ok()) Fail("an answer without a message");
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  PredictResponse response;
  if (!response.ParseFromString(bytes)) Fail("an answer that is no PredictResponse");
  const auto output = response.outputs().find("predictions");
  if (output == response.outputs().end() || output->second.float_val_size() != 1000) Fail("not 1000 predictions");
}

struct Connection {
  std::unique_ptr<grpc::GenericStub> stub;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  grpc::ByteBuffer answer;
  grpc::Status status;
  Clock::time_point start;

  void Call(const grpc::ByteBuffer& request, grpc::CompletionQueue& queue) {
    context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + kTimeout);
    answer.Clear();
    start = Clock::now();
    reader = stub->PrepareUnaryCall(context.get(), kMethod, request, &queue);
    reader->StartCall();
    reader->Finish(&answer, &status, this);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) Fail("expected PORT CONTENT_BYTES CONNECTIONS SECONDS");
  const std::string address = std::string("127.0.0.1:") + argv[1];
  const grpc::ByteBuffer request = MakeRequest(std::strtoul(argv[2], nullptr, 10));
  std::vector<Connection> connections(std::strtoul(argv[3], nullptr, 10));
  const std::chrono::duration<double> length(std::strtod(argv[4], nullptr));

  grpc::CompletionQueue queue;
  for (Connection& connection : connections) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    connection.stub = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    connection.Call(request, queue);
  }

  // The first fifth warms up.
  const Clock::time_point begin = Clock::now();
  const Clock::time_point measured = begin + std::chrono::duration_cast<Clock::duration>(length / 5);
  const Clock::time_point end = begin + std::chrono::duration_cast<Clock::duration>(length);
  std::vector<double> latencies;
  latencies.reserve(1 << 20);
  size_t calls = 0;
  size_t open = connections.size();
  bool checked = false;
  void* tag = nullptr;
  bool ok = false;
  while (open > 0 && queue.Next(&tag, &ok)) {
    Connection& connection = *static_cast<Connection*>(tag);
    const Clock::time_point now = Clock::now();
    if (!connection.status.ok()) Fail("a call failed: " + connection.status.error_message());
    ++calls;
    if (!checked) {
      CheckAnswer(connection.answer);
      checked = true;
    }
    if (connection.start >= measured && now < end) {
      latencies.push_back(std::chrono::duration<double, std::micro>(now - connection.start).count());
    }
    if (now < end) {
      connection.Call(request, queue);
    } else {
      --open;
    }
  }
  if (latencies.empty()) Fail("no call was measured");
  std::sort(latencies.begin(), latencies.end());
  const auto quantile = [&](double share) { return latencies[static_cast<size_t>(share * (latencies.size() - 1))]; };
  std::printf(
      "{\"calls\": %zu, \"measuredCalls\": %zu, \"seconds\": %.6f, \"p50\": %.2f, \"p99\": %.2f}\n", calls,
      latencies.size(), std::chrono::duration<double>(end - measured).count(), quantile(0.5), quantile(0.99));
  return 0;
}
