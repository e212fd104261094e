// swift-tools-version: 6.0
// The package as `scripts/pack-swift.sh` completes it: `Sources/TokenkeepNative` (generated) calls the native half, which
// is an XCFramework on a Mac and a static library elsewhere.

import PackageDescription

#if os(macOS)
    let native: Target = .binaryTarget(name: "TokenkeepNativeFFI", path: "TokenkeepNativeFFI.xcframework")
    let linked: [LinkerSetting] = [.linkedFramework("Security"), .linkedFramework("SystemConfiguration")]
#else
    let native: Target = .systemLibrary(name: "TokenkeepNativeFFI")
    let linked: [LinkerSetting] = [
        .unsafeFlags(["-L\(Context.packageDirectory)/lib"]), .linkedLibrary("tokenkeep_swift"),
    ]
#endif

let package = Package(
    name: "Tokenkeep",
    platforms: [.macOS(.v13)],
    products: [.library(name: "Tokenkeep", targets: ["Tokenkeep"])],
    targets: [
        native,
        .target(name: "TokenkeepNative", dependencies: ["TokenkeepNativeFFI"], linkerSettings: linked),
        .target(name: "Tokenkeep", dependencies: ["TokenkeepNative"]),
        .testTarget(name: "TokenkeepTests", dependencies: ["Tokenkeep"]),
    ]
)
