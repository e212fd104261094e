// swift-tools-version: 6.0
// In a project of your own, depend on the published package instead of the one that `make packages` builds:
//
//   .package(url: "https://github.com/tokenkeep/tokenkeep-swift", from: "0.1.0")

import PackageDescription

let tokenkeep = Target.Dependency.product(name: "Tokenkeep", package: "tokenkeep-swift")
let package = Package(
    name: "Examples",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../target/packages/tokenkeep-swift")],
    targets: [
        .executableTarget(name: "who-am-i", dependencies: [tokenkeep]),
        .executableTarget(name: "Connections", dependencies: [tokenkeep]),
    ]
)
