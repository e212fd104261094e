// A call of the native half: given up with its task, and its failure as the error that it is.

internal import TokenkeepNative

/// What comes of a call. It is given up when the task is cancelled, and not made when that was before.
func made<Answer: Sendable>(_ ask: @Sendable (Call) async throws -> Answer) async throws -> Answer {
    let call = Call()
    return try await withTaskCancellationHandler {
        do {
            return try await ask(call)
        } catch let failure as Failure {
            throw failure.error
        }
    } onCancel: {
        call.cancel()
    }
}

/// What comes of a call that does not wait.
func unlessFailed<Answer>(_ ask: () throws -> Answer) throws -> Answer {
    do {
        return try ask()
    } catch let failure as Failure {
        throw failure.error
    }
}

extension Failure {
    fileprivate var error: any Error {
        switch self {
        // Whoever asks for a token at hand has taken its absence for an answer before this.
        case .GivenUp, .NotAtHand:
            return CancellationError()
        case .Error(let record):
            do {
                return try JSON.read(record) as TokenkeepError
            } catch {
                return error
            }
        }
    }
}
