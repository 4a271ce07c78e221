// swift-tools-version: 6.2
import PackageDescription

// The modules of Gantry and the arrows between them. An import that is not declared here fails the
// build in CI (`--explicit-target-dependency-import-check error`).
//
//   gantry ──► HostServer ──► HostTransfer ──► HostPlugins ──► HostUpstream ──► HostCore
//          ├─► HostConfig ──► HostFunctions ──► HostPluginABI    (HostConfig ──► HostCore)
//          ├─► HostRegistry ──► HostDatabase                   (HostServer ──► HostRegistry ──► HostCore)
//          ├─► HostWatch
//          └─► HostPluginTools ──► HostPlugins, HostConfig
//
//   a plugin's entry ──► its adapter ──► GantryPlugin ──► CGantryPlugin ◄── HostPluginABI ◄── HostPlugins
//
//   gantry-worker ──► HostPluginABI, HostFunctions, PluginConformance, CSandbox    (nothing of the network or of Foundation)
//   PluginConformance ──► GantryPlugin (its JSON), CGantryPlugin
//
// Host modules and plugins never import each other: they meet at the C ABI only.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A plugin exports its entry and nothing else, binds everything at load, and is never unloaded.
let pluginLinkerSettings: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/SDK/CGantryPlugin/exports.map",
        "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-z", "-Xlinker", "now",
        "-Xlinker", "-z", "-Xlinker", "defs",
    ])
]

func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

func module(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(_ name: String, _ path: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: strict)
}

/// One provider: an adapter that tests can link, and a one-function entry that makes it a library.
func plugin(_ name: String, _ path: String) -> [Target] {
    [
        module("\(name)Adapter", "\(path)/Adapter", ["GantryPlugin"]),
        .target(
            name: "\(name)Plugin",
            dependencies: [.byName(name: "\(name)Adapter"), "GantryPlugin", "CGantryPlugin"],
            path: "\(path)/Entry",
            swiftSettings: strict,
            linkerSettings: pluginLinkerSettings
        ),
    ]
}

let package = Package(
    name: "gantry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "gantry", targets: ["gantry"]),
        .executable(name: "gantry-load", targets: ["gantry-load"]),
        .executable(name: "gantry-plugin-bench", targets: ["gantry-plugin-bench"]),
        .executable(name: "gantry-simulators", targets: ["gantry-simulators"]),
        .executable(name: "gantry-worker", targets: ["gantry-worker"]),
        .library(name: "GantryPlugin", targets: ["GantryPlugin"]),
        .library(name: "gantry-plugin-openai", type: .dynamic, targets: ["OpenAIPlugin"]),
        .library(name: "gantry-plugin-vertex-ai", type: .dynamic, targets: ["VertexAIPlugin"]),
        .library(name: "gantry-plugin-acme", type: .dynamic, targets: ["AcmePlugin"]),
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // SDK
        .target(name: "CGantryPlugin", path: "SDK/CGantryPlugin", exclude: ["exports.map"]),
        module("GantryPlugin", "SDK/GantryPlugin", ["CGantryPlugin"]),
        .target(name: "CConformance", path: "SDK/CConformance"),
        module("PluginConformance", "SDK/Conformance", ["CConformance", "CGantryPlugin", "GantryPlugin"]),
        .target(
            name: "AcmePlugin",
            dependencies: ["CGantryPlugin", "GantryPlugin"],
            path: "SDK/Examples/Swift",
            swiftSettings: strict,
            linkerSettings: pluginLinkerSettings
        ),
        .target(
            name: "CGantryTemplates",
            path: "SDK/Templates",
            exclude: ["c", "rust", "swift"],
            sources: ["templates.c"],
            publicHeadersPath: "include"
        ),

        // Host
        module("HostCore", "Host/Core", []),
        module("HostConfig", "Host/Config", ["HostCore", "HostFunctions", "Yams"]),
        .systemLibrary(
            name: "CPostgreSQL",
            path: "Host/CPostgreSQL",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]
        ),
        module(
            "HostDatabase",
            "Host/Database",
            ["CPostgreSQL", .product(name: "GRDB", package: "GRDB.swift"), nio("NIOPosix")]
        ),
        module("HostRegistry", "Host/Registry", ["HostCore", "HostDatabase", crypto]),
        module(
            "HostUpstream",
            "Host/Upstream",
            [
                "HostCore", logging, nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOTLS"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .systemLibrary(
            name: "CFFI",
            path: "Host/CFFI",
            pkgConfig: "libffi",
            providers: [.apt(["libffi-dev"])]
        ),
        module("HostFunctions", "Host/Functions", ["CFFI", "CGantryPlugin", "HostPluginABI"]),
        module("HostPluginABI", "Host/PluginABI", ["CGantryPlugin"]),
        .target(name: "CSandbox", path: "Host/CSandbox"),
        .executableTarget(
            name: "gantry-worker",
            dependencies: ["CGantryPlugin", "CSandbox", "HostFunctions", "HostPluginABI", "PluginConformance"],
            path: "Host/Worker",
            swiftSettings: strict
        ),
        module(
            "HostPlugins",
            "Host/Plugins",
            [
                "HostCore", "HostFunctions", "HostPluginABI", "HostUpstream", "CGantryPlugin", "CSandbox", logging,
                crypto, httpTypes,
                .product(name: "CryptoExtras", package: "swift-crypto"), nio("NIOCore"), nio("NIOPosix"),
                nio("NIOHTTP1"), nio("NIOFoundationEssentialsCompat"),
            ]
        ),
        module(
            "HostTransfer",
            "Host/Transfer",
            [
                "HostCore", "HostPlugins", "HostUpstream", crypto, logging, nio("NIOCore"), nio("NIOHTTP1"),
                nio("NIOPosix"),
            ]
        ),
        module(
            "HostServer",
            "Host/Server",
            [
                "HostCore", "HostFunctions", "HostPlugins", "HostRegistry", "HostTransfer", crypto, httpTypes, logging,
                .product(name: "Hummingbird", package: "hummingbird"), nio("NIOCore"), nio("NIOHTTP1"),
                nio("NIOFoundationEssentialsCompat"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            ]
        ),
        module("HostWatch", "Host/Watch", []),
        module(
            "HostPluginTools",
            "Host/PluginTools",
            [
                "CGantryTemplates", "HostConfig", "HostCore", "HostFunctions", "HostPlugins", "PluginConformance",
                crypto,
            ]
        ),
        .executableTarget(
            name: "gantry",
            dependencies: [
                "HostConfig", "HostCore", "HostDatabase", "HostPlugins", "HostPluginTools",
                "HostRegistry",
                "HostServer", "HostTransfer",
                "HostUpstream", "HostWatch", httpTypes, logging, nio("NIOCore"), nio("NIOPosix"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Host/Gantry",
            swiftSettings: strict
        ),

        // Tests
        .executableTarget(
            name: "gantry-simulators",
            dependencies: [
                crypto, httpTypes, logging, nio("NIOCore"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            path: "Tests/Simulators",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "gantry-load",
            dependencies: [
                nio("NIOCore"), nio("NIOPosix"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Tests/Benchmarks/Load",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "gantry-plugin-bench",
            dependencies: [
                "HostCore", "HostFunctions", "HostPlugins", "HostUpstream", logging, nio("NIOCore"), nio("NIOHTTP1"),
                nio("NIOPosix"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Tests/Benchmarks/Plugins",
            swiftSettings: strict
        ),
        tests("LoadTests", "Tests/Benchmarks/LoadTests", ["gantry-load", nio("NIOCore")]),
        module("PluginHarness", "Tests/Support/PluginHarness", ["CGantryPlugin", "GantryPlugin"]),
        module("PostgreSQLServer", "Tests/Support/PostgreSQLServer", []),
        tests("GantryPluginTests", "Tests/SDK", ["CGantryPlugin", "GantryPlugin", "PluginHarness"]),
        tests("OpenAIAdapterTests", "Tests/Plugins/OpenAI", ["GantryPlugin", "OpenAIAdapter", "PluginHarness"]),
        tests(
            "VertexAIAdapterTests",
            "Tests/Plugins/VertexAI",
            ["GantryPlugin", "VertexAIAdapter", "PluginHarness"],
            resources: [.copy("Fixtures")]
        ),
        tests("HostWatchTests", "Tests/Host/Watch", ["HostWatch"]),
        tests("HostCoreTests", "Tests/Host/Core", ["HostCore"]),
        tests("HostConfigTests", "Tests/Host/Config", ["HostConfig", "HostCore", "HostFunctions"]),
        tests("HostDatabaseTests", "Tests/Host/Database", ["HostDatabase", "PostgreSQLServer"]),
        .executableTarget(
            name: "conformance-runner",
            dependencies: ["GantryPlugin", "PluginConformance"],
            path: "Tests/Support/ConformanceRunner",
            swiftSettings: strict
        ),
        tests(
            "PluginConformanceTests",
            "Tests/Conformance",
            ["CGantryPlugin", "GantryPlugin", "PluginConformance", "conformance-runner"]
        ),
        tests("HostFunctionsTests", "Tests/Host/Functions", ["CGantryPlugin", "HostFunctions", "HostPluginABI"]),
        tests("HostPluginABITests", "Tests/Host/PluginABI", ["CGantryPlugin", "HostPluginABI"]),
        tests(
            "HostPluginToolsTests",
            "Tests/Host/PluginTools",
            ["CGantryTemplates", "HostConfig", "HostCore", "HostFunctions", "HostPlugins", "HostPluginTools", crypto]
        ),
        tests(
            "HostPluginsTests",
            "Tests/Host/Plugins",
            [
                "CGantryPlugin", "CSandbox", "HostCore", "HostFunctions", "HostPluginABI", "HostPlugins",
                "HostUpstream", crypto, logging, nio("NIOCore"),
                .product(name: "CryptoExtras", package: "swift-crypto"), nio("NIOEmbedded"), nio("NIOHTTP1"),
                nio("NIOPosix"),
            ]
        ),
        tests(
            "HostRegistryTests",
            "Tests/Host/Registry",
            ["HostCore", "HostDatabase", "HostRegistry", "PostgreSQLServer"]
        ),
        tests(
            "HostTransferTests",
            "Tests/Host/Transfer",
            [
                "HostCore", "HostPlugins", "HostTransfer", "HostUpstream", crypto, logging, nio("NIOCore"),
                nio("NIOPosix"),
            ]
        ),
        tests(
            "HostUpstreamTests",
            "Tests/Host/Upstream",
            [
                "HostCore", "HostUpstream", logging, nio("NIOCore"), nio("NIOHTTP1"), nio("NIOPosix"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        tests(
            "HostServerTests",
            "Tests/Host/Server",
            [
                "HostCore", "HostFunctions", "HostPlugins", "HostRegistry", "HostServer", "HostTransfer", httpTypes,
                nio("NIOCore"),
                nio("NIOEmbedded"), nio("NIOHTTP1"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ]
        ),
    ] + plugin("OpenAI", "Plugins/OpenAI") + plugin("VertexAI", "Plugins/VertexAI")
)
