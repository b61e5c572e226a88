// swift-tools-version: 6.1
import PackageDescription

/// The LLVM that code generation binds to: 19 unless the environment says otherwise (`LLVM_VERSION=22 swift build`).
let llvmVersion = Context.environment["LLVM_VERSION"] ?? "19"

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault")]

let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

/// The examples of `make examples`, each a folder of examples/.
let tour = [
  "scaling",
  "heads",
  "order",
  "delayed-copy",
  "patterns",
  "checkpointing",
  "padding",
  "sensor-fusion",
  "odd-one-out",
  "coreference",
  "induction-heads",
  "causation",
  "digits",
  "random-walk",
  "triangle-attention",
  "promoters",
  "splice-sites",
  "heat-equation",
  "composition",
  "decision-transformer",
  "language-model",
]

/// What looks for faults with random inputs (`make fuzz`), which nobody else builds.
let fuzzers: [Target] =
  Context.environment["HEED_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Heed", "HeedCodegen", "HeedInterpreter", "HeedPasses", "HeedRandomCalls", "HeedRuntime", "HeedTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Fuzz", swiftSettings: strict)
  ]

let package = Package(
  name: "Heed",
  products: [
    .library(name: "Heed", targets: ["Heed"]),
    .library(name: "HeedRecipes", targets: ["HeedRecipes"]),
    .executable(name: "heed", targets: ["HeedCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // What code generation and the runtime share, memory, and the thread pool: C.
    .target(name: "CHeedABI", path: "Runtime/ABI"),
    .target(name: "CHeedMemory", path: "Runtime/Memory"),
    .target(name: "CHeedPool", dependencies: ["CHeedABI", "CHeedMemory"], path: "Runtime/Pool"),

    // LLVM's C API, one target a version: see Sources/CLLVM/shim.h.
    .target(name: "CLLVM", path: "Sources/CLLVM/\(llvmVersion)"),

    .target(name: "HeedIR", dependencies: [orderedCollections], path: "IR", swiftSettings: strict),
    .target(name: "HeedSystem", dependencies: ["HeedIR"], swiftSettings: strict),
    .target(
      name: "HeedArrays", dependencies: ["HeedIR", "HeedSystem", "CHeedMemory"], path: "Runtime/Arrays", swiftSettings: strict),
    .target(name: "HeedDSL", dependencies: ["HeedIR"], swiftSettings: strict),
    .target(name: "HeedAnalysis", dependencies: ["HeedIR"], swiftSettings: strict),
    .target(name: "HeedSchedule", dependencies: ["HeedIR", "HeedAnalysis"], swiftSettings: strict),
    .target(
      name: "HeedPasses", dependencies: ["HeedIR", "HeedAnalysis", "HeedSchedule", deque, orderedCollections],
      swiftSettings: strict),
    .target(name: "HeedInterpreter", dependencies: ["HeedIR", "HeedSystem", "HeedArrays"], swiftSettings: strict),
    .target(name: "HeedLowering", dependencies: ["HeedIR", "HeedAnalysis", "HeedSchedule"], swiftSettings: strict),
    .target(
      name: "HeedCodegen", dependencies: ["HeedIR", "CLLVM", "CHeedABI"], exclude: ["Tried.md"], swiftSettings: strict),
    .target(
      name: "HeedRuntime", dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "CHeedABI", "CHeedMemory", "CHeedPool"],
      path: "Runtime",
      exclude: ["ABI", "Arrays", "Memory", "Pool"], swiftSettings: strict),
    .target(
      name: "HeedModels", dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "HeedDSL", orderedCollections], swiftSettings: strict
    ),
    .target(
      name: "HeedData", dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "HeedModels", heap, orderedCollections],
      swiftSettings: strict),
    .target(
      name: "Heed",
      dependencies: [
        "HeedIR", "HeedSystem", "HeedArrays", "HeedDSL", "HeedSchedule", "HeedPasses", "HeedInterpreter", "HeedLowering",
        "HeedCodegen", "HeedRuntime", "HeedModels", "HeedData",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(name: "HeedRecipes", dependencies: ["Heed", .product(name: "Yams", package: "Yams")], swiftSettings: strict),
    .executableTarget(
      name: "HeedCommand",
      dependencies: [
        "Heed", "HeedRecipes", "HeedAnalysis", "HeedCodegen", "HeedInterpreter", "HeedLowering",
        .product(name: "ArgumentParser", package: "swift-argument-parser"), orderedCollections,
      ],
      swiftSettings: strict),

    // Examples, one runnable program a folder.
    .executableTarget(name: "demo", dependencies: ["Heed"], path: "examples/demo", swiftSettings: strict),
    .executableTarget(name: "models", dependencies: ["Heed"], path: "examples/models", swiftSettings: strict),

    .executableTarget(
      name: "training", dependencies: ["Heed", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "examples/training", swiftSettings: strict),

    // Ideas about attention that measure their claims, one a folder, in one program.
    .executableTarget(
      name: "tour", dependencies: ["Heed", .product(name: "ArgumentParser", package: "swift-argument-parser")], path: "examples",
      exclude: ["demo", "masks", "models", "recipes", "training"] + tour.map { "\($0)/README.md" }, sources: ["support"] + tour,
      swiftSettings: strict),

    // What several test targets share: random graphs and numbers, comparison of graphs and results, folders; and random calls of the
    // language.
    .target(
      name: "HeedTestSupport", dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "HeedInterpreter", "HeedModels"],
      path: "Tests/Support", swiftSettings: strict),
    .target(
      name: "HeedRandomCalls", dependencies: ["HeedIR", "HeedDSL", "HeedInterpreter", "HeedTestSupport"],
      path: "Tests/RandomCalls", swiftSettings: strict),
    .testTarget(name: "HeedIRTests", dependencies: ["HeedIR", "HeedInterpreter", "HeedTestSupport"], swiftSettings: strict),
    .testTarget(
      name: "FiletestTests",
      dependencies: [
        "Heed", "HeedIR", "HeedAnalysis", "HeedArrays", "HeedInterpreter", "HeedPasses", "HeedLowering", "HeedCodegen",
        "HeedRuntime", "HeedTestSupport", "CHeedABI",
      ],
      swiftSettings: strict),
    .testTarget(name: "HeedArraysTests", dependencies: ["HeedIR", "HeedArrays"], swiftSettings: strict),
    .testTarget(name: "HeedSystemTests", dependencies: ["HeedIR", "HeedSystem", "HeedTestSupport"], swiftSettings: strict),
    .testTarget(
      name: "HeedDSLTests", dependencies: ["HeedIR", "HeedDSL", "HeedInterpreter", "HeedRandomCalls", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedModelsTests",
      dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "HeedDSL", "HeedModels", "HeedInterpreter", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedDataTests", dependencies: ["HeedIR", "HeedSystem", "HeedArrays", "HeedModels", "HeedData", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedCodegenTests", dependencies: ["HeedIR", "HeedArrays", "HeedCodegen", "HeedRuntime", "CHeedABI"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedRuntimeTests",
      dependencies: ["HeedRuntime", "HeedIR", "HeedArrays", "HeedTestSupport", "CHeedABI", "CHeedMemory", "CHeedPool"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedAnalysisTests", dependencies: ["HeedIR", "HeedAnalysis", "HeedInterpreter", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedLoweringTests", dependencies: ["HeedIR", "HeedAnalysis", "HeedLowering", "HeedInterpreter", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(name: "HeedScheduleTests", dependencies: ["HeedIR", "HeedSchedule"], swiftSettings: strict),
    .testTarget(
      name: "HeedPassesTests", dependencies: ["HeedIR", "HeedSchedule", "HeedPasses", "HeedInterpreter", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HeedInterpreterTests", dependencies: ["HeedIR", "HeedArrays", "HeedInterpreter", "HeedTestSupport"],
      swiftSettings: strict),
    .testTarget(name: "HeedKernelTests", dependencies: ["HeedIR", "HeedInterpreter", "HeedTestSupport"], swiftSettings: strict),
    .testTarget(name: "HeedTests", dependencies: ["Heed"], swiftSettings: strict),
    .testTarget(name: "HeedRecipesTests", dependencies: ["Heed", "HeedRecipes"], swiftSettings: strict),
    .testTarget(name: "TrainingLoopTests", dependencies: ["Heed", "HeedTestSupport", "training"], swiftSettings: strict),
    .testTarget(
      name: "FaultTests",
      dependencies: ["Heed", "HeedIR", "HeedRuntime", "HeedTestSupport", "CHeedMemory"], swiftSettings: strict),
    .testTarget(
      name: "HeedCommandTests", dependencies: ["Heed", "HeedCommand", "HeedTestSupport"], exclude: ["Faults/faults.c"],
      swiftSettings: strict),
    .testTarget(name: "TourTests", dependencies: ["Heed", "tour"], swiftSettings: strict),
    .testTarget(name: "ModelExamplesTests", dependencies: ["Heed", "HeedInterpreter", "models"], swiftSettings: strict),
    .testTarget(
      name: "DifferentialTests",
      dependencies: ["Heed", "HeedIR", "HeedInterpreter", "HeedLowering", "HeedRuntime", "HeedTestSupport"],
      swiftSettings: strict),
  ] + fuzzers,
  swiftLanguageModes: [.v6]
)
