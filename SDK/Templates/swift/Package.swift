// swift-tools-version: 6.2
import PackageDescription

// The plugin brings its Swift along, so that it runs beside a gateway of another toolchain. It exports its entry alone,
// binds everything when it is loaded, and is never unloaded.
let link: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib",
        "-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map",
        "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-z", "-Xlinker", "now",
        "-Xlinker", "-z", "-Xlinker", "defs",
    ])
]

let package = Package(
    name: "gantry-plugin-acme",
    products: [
        .library(
            name: "gantry-plugin-acme",
            type: .dynamic,
            targets: ["EntryAcme"]
        )
    ],
    targets: [
        // Gantry's SDK, as of the gateway that wrote this folder.
        .target(name: "CGantryPlugin", path: "SDK/CGantryPlugin"),
        .target(name: "GantryPlugin", dependencies: ["CGantryPlugin"], path: "SDK/GantryPlugin"),
        // The plugin, and the one function by which the host finds it.
        .target(name: "ProviderAcme", dependencies: ["GantryPlugin"]),
        .target(
            name: "EntryAcme",
            dependencies: ["CGantryPlugin", "GantryPlugin", "ProviderAcme"],
            swiftSettings: [.unsafeFlags(["-static-stdlib"])],
            linkerSettings: link
        ),
    ]
)
