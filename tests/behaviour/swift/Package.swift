// swift-tools-version: 6.0
// The scenarios in Swift, against the package as an app depends on it: `scripts/pack-swift.sh` makes it.
//
//   | target     | holds                                                                         |
//   |------------|-------------------------------------------------------------------------------|
//   | `Support`  | the stage: a scripted server, a store, a person with a browser                |
//   | `asker`    | a program that asks for tokens of the store that its environment names        |
//   | `Scenarios`| one file per theme; `../scenarios.md` names the tests, as in every language   |
//   | `Language` | what only Swift has: actors, tasks, closures, what values show                |

import PackageDescription

let package = Package(
    name: "TokenkeepScenarios",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../../target/packages/tokenkeep-swift")],
    targets: [
        .target(
            name: "Support", dependencies: [.product(name: "Tokenkeep", package: "tokenkeep-swift")], path: "Support"),
        .executableTarget(
            name: "asker", dependencies: [.product(name: "Tokenkeep", package: "tokenkeep-swift"), "Support"],
            path: "Asker"),
        .testTarget(name: "Scenarios", dependencies: ["Support", "asker"], path: "Scenarios"),
        .testTarget(name: "Language", dependencies: ["Support", "asker"], path: "Language"),
    ]
)
