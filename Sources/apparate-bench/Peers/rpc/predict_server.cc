// What the RPC module is compared with: gRPC's C++ server with generated code and its callback interface. Parses a
// PredictRequest, looks at its tensor, and answers with 1000 floats.
//
//   predict_server     prints "port N" and serves until its standard input ends

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tensorflow_serving/apis/prediction_service.grpc.pb.h"

namespace {

using tensorflow::serving::PredictRequest;
using tensorflow::serving::PredictResponse;

class Service final : public tensorflow::serving::PredictionService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Predict(
      grpc::CallbackServerContext* context, const PredictRequest* request, PredictResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    float probe = 0;
    const auto input = request->inputs().find("input");
    if (input == request->inputs().end() || input->second.tensor_content().size() < sizeof probe) {
      reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no tensor \"input\""));
      return reactor;
    }
    std::memcpy(&probe, input->second.tensor_content().data(), sizeof probe);

    response->mutable_model_spec()->set_name(request->model_spec().name());
    response->mutable_model_spec()->set_signature_name("serving_default");
    response->mutable_model_spec()->mutable_version()->set_value(1);
    tensorflow::TensorProto& output = (*response->mutable_outputs())["predictions"];
    output.set_dtype(tensorflow::DT_FLOAT);
    output.mutable_tensor_shape()->add_dim()->set_size(1);
    output.mutable_tensor_shape()->add_dim()->set_size(1000);
    output.mutable_float_val()->Add(predictions_.begin(), predictions_.end());
    output.set_float_val(0, probe);
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const std::vector<float> predictions_ = std::vector<float>(1000, 0.001f);
};

}  // namespace

int main() {
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "predict_server: cannot listen\n");
    return 1;
  }
  std::printf("port %d\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server->Shutdown();
  return 0;
}
