// swift-tools-version: 6.0
// A worker of the races in Swift, and the measure of a token at hand.

import PackageDescription

let tokenkeep = Target.Dependency.product(name: "Tokenkeep", package: "tokenkeep-swift")
let package = Package(
    name: "TokenkeepWorkers",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../../../target/packages/tokenkeep-swift")],
    targets: [
        .executableTarget(name: "token-worker", dependencies: [tokenkeep], path: "TokenWorker"),
        .executableTarget(name: "hot-token", dependencies: [tokenkeep], path: "HotToken"),
    ]
)
