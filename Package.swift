// swift-tools-version: 6.1
import PackageDescription

/// Hot loops are pointer arithmetic over checked ranges; `-Ounchecked` is not used: a trap beats a wrong answer.
let package = Package(
  name: "apparate",
  products: [
    .executable(name: "apparate", targets: ["apparate"]),
    .executable(name: "apparate-bench", targets: ["apparate-bench"]),
    .library(name: "EarlyExit", targets: ["EarlyExit"]),
    .library(name: "InferenceEngine", targets: ["InferenceEngine"]),
    .library(name: "ModelGraph", targets: ["ModelGraph"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
  ],
  targets: [
    .systemLibrary(name: "COpenCL", pkgConfig: "OpenCL", providers: [.apt(["ocl-icd-opencl-dev"])]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CMessages", dependencies: ["CProtobufC"]),
    .target(name: "Wire", dependencies: ["CMessages", "CLZ4", "CZlib"]),
    .target(name: "ModelGraph", dependencies: ["Wire"]),
    .target(name: "OpenCLRuntime", dependencies: ["COpenCL"]),
    .target(
      name: "InferenceEngine", dependencies: ["ModelGraph", "OpenCLRuntime"], resources: [.copy("Kernels")]),
    .target(name: "EarlyExit"),
    .target(name: "Serving", dependencies: ["InferenceEngine", "EarlyExit", "ModelGraph", "Wire"]),
    .target(
      name: "ClockworkAdapter", dependencies: ["OpenCLRuntime", "Serving", "ModelGraph", "Wire"],
      path: "adapters/Clockwork"),
    .target(
      name: "TensorFlowServingAdapter",
      dependencies: [
        "EarlyExit", "ModelGraph", "OpenCLRuntime", "RPC", "Serving", "Wire",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "adapters/TensorFlowServing"),
    .target(
      name: "RPC",
      dependencies: [
        "CZlib", "Wire",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ]),
    .target(name: "Datasets", dependencies: ["ModelGraph", "Wire"]),
    .target(
      name: "Preparation",
      dependencies: ["Datasets", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime", "Serving"]),
    .target(
      name: "Evaluation",
      dependencies: [
        "ClockworkAdapter", "Datasets", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime", "RPC", "Serving",
        "TensorFlowServingAdapter", "Wire",
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .target(
      name: "Sidecar",
      dependencies: [
        "ClockworkAdapter", "Datasets", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime", "Preparation",
        "RPC", "Serving", "TensorFlowServingAdapter", "Wire",
      ]),
    .target(name: "Console"),
    .executableTarget(
      name: "apparate",
      dependencies: [
        "ClockworkAdapter", "Console", "Datasets", "EarlyExit", "Evaluation", "InferenceEngine", "ModelGraph",
        "OpenCLRuntime", "Preparation", "Serving", "Sidecar", "TensorFlowServingAdapter",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "apparate-bench",
      dependencies: [
        "ClockworkAdapter", "Console", "Datasets", "EarlyExit", "Evaluation", "InferenceEngine", "ModelGraph",
        "OpenCLRuntime", "Preparation", "RPC", "Serving", "Sidecar", "TensorFlowServingAdapter", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      resources: [.copy("Peers")]),
    .testTarget(name: "EarlyExitTests", dependencies: ["EarlyExit", "Datasets", "ModelGraph"]),
    .testTarget(
      name: "ServingTests",
      dependencies: ["Serving", "ServingFixtures", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime"]),
    .testTarget(name: "WireTests", dependencies: ["Wire"]),
    .testTarget(
      name: "RPCTests",
      dependencies: [
        "RPC", "Wire",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
      ],
      exclude: ["Peers"]),
    .testTarget(name: "ModelGraphTests", dependencies: ["ModelGraph", "Wire"]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: ["Datasets", "EarlyExit", "Evaluation", "ModelGraph", "OpenCLRuntime", "Preparation", "Serving"],
      exclude: ["Peers"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "ModelGraph", "Wire"]),
    .testTarget(name: "ConsoleTests", dependencies: ["Console"]),
    .testTarget(name: "OpenCLRuntimeTests", dependencies: ["OpenCLRuntime"]),
    .target(
      name: "ServingFixtures",
      dependencies: ["Serving", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime", "Wire"],
      path: "Tests/ServingFixtures"),
    .testTarget(
      name: "TensorFlowServingAdapterTests",
      dependencies: [
        "ModelGraph", "RPC", "Serving", "ServingFixtures", "TensorFlowServingAdapter", "Wire",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      exclude: ["Clients"]),
    .testTarget(
      name: "ClockworkAdapterTests",
      dependencies: [
        "ClockworkAdapter", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime", "Serving", "Wire",
      ]
    ),
    .testTarget(
      name: "SidecarTests",
      dependencies: [
        "apparate", "ClockworkAdapter", "Datasets", "EarlyExit", "InferenceEngine", "ModelGraph", "OpenCLRuntime",
        "Preparation", "RPC", "Serving", "ServingFixtures", "Sidecar", "TensorFlowServingAdapter", "Wire",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .testTarget(name: "InferenceEngineTests", dependencies: ["InferenceEngine", "Datasets"]),
  ],
  swiftLanguageModes: [.v6]
)
