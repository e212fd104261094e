// A value that one thread at a time has. (`Synchronization.Mutex` wants macOS 15.)

import Foundation

/// Unchecked: the lock is what the compiler cannot see.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    func access<Result>(_ use: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try use(&value)
    }
}
