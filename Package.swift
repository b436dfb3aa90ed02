// swift-tools-version: 6.2
import PackageDescription

/// One way, enforced by the build: a target imports only what its line lists (Docs/Architecture.md).
/// Each C library is imported by exactly one Swift target.
let habits: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: habits)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: fixtures, swiftSettings: habits)
}

func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
  name: "certfleet",
  products: [.executable(name: "certfleet", targets: ["certfleet"])],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    system("CLibSSH2", "libssh2", apt: "libssh2-1-dev"),
    system("COpenSSL", "openssl", apt: "libssl-dev"),
    system("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
    system("CCares", "libcares", apt: "libc-ares-dev"),
    system("CPSL", "libpsl", apt: "libpsl-dev"),
    system("CIDN2", "libidn2", apt: "libidn2-dev"),
    system("CYAML", "yaml-0.1", apt: "libyaml-dev"),

    library("Fleet"),
    library("Names", ["CPSL", "CIDN2"]),
    library("PKI", ["COpenSSL"]),
    library("Net", ["CCurl", "CCares"]),
    library("SSH", ["CLibSSH2"]),
    library("ACME", ["Net", "PKI"]),
    library("Appliance", ["SSH", "Fleet"]),
    library("Journal", ["Fleet", .product(name: "GRDB", package: "GRDB.swift")]),
    library(
      "Controller",
      [
        "ACME", "Appliance", "Journal", "Net", "Names", "PKI", "SSH", "Fleet", "CYAML",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "certfleet",
      dependencies: [
        "Controller", "Fleet", "Journal",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: habits),

    // Only for tools/bench: the SSH layer by itself, and a journal of a run that never was.
    .executableTarget(
      name: "PushBench", dependencies: ["SSH"], path: "tools/benchlib/PushBench", swiftSettings: habits),
    .executableTarget(
      name: "JournalFiller", dependencies: ["Fleet", "Journal", "PKI"], path: "tools/benchlib/JournalFiller",
      swiftSettings: habits),

    .target(name: "HostileText", path: "Tests/Support/HostileText", swiftSettings: habits),
    tests("FleetTests", ["Fleet", "HostileText"], fixtures: ["RateLimits/limits.json"]),
    tests("NamesTests", ["Names"]),
    tests("PKITests", ["PKI"]),
    tests("NetTests", ["Net"]),
    tests("SSHTests", ["SSH"]),
    tests("ACMETests", ["ACME", "PKI", "Net"]),
    tests("ApplianceTests", ["Appliance", "Fleet", "SSH"]),
    tests("JournalTests", ["Journal", "Fleet", "PKI"]),
    tests("ControllerTests", ["Controller", "ACME", "Fleet", "Journal", "Net", "PKI"]),
  ]
)
