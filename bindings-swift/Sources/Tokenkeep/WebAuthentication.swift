// A login in the system's own sign-in window, on Apple's systems.
//
// May not enter: what an answer means. The core judges it.

#if canImport(AuthenticationServices)
    import AuthenticationServices
    import Foundation
    internal import TokenkeepNative

    extension Broker {
        /// Logs a person in through `ASWebAuthenticationSession`, and keeps the grant. A connection of the same name is
        /// replaced.
        ///
        /// - Parameters:
        ///   - options: `redirectURI` is an address with a scheme of the app's own, as it is registered with the
        ///     provider: `msauth.com.example.app://auth`.
        ///   - anchor: The window that the sign-in window belongs to.
        ///   - isEphemeral: True to sign in without the browser's cookies.
        /// - Throws: As ``login(_:_:interaction:)``; `loginCancelled` when the window is closed.
        @MainActor
        @discardableResult
        public func login(
            _ provider: String, _ options: LoginOptions, in anchor: ASPresentationAnchor, isEphemeral: Bool = false
        ) async throws -> Connection {
            let pending = try await beginLogin(provider, options)
            let window = SignInWindow(anchor, isEphemeral)
            let scheme = options.redirectURI.flatMap { URL(string: $0)?.scheme }
            let callbackURL = try await window.callbackURL(of: pending.authorizationURL, scheme)
            return try await finishLogin(pending, callbackURL: callbackURL)
        }
    }

    @MainActor
    private final class SignInWindow: NSObject, ASWebAuthenticationPresentationContextProviding {
        private let anchor: ASPresentationAnchor
        private let isEphemeral: Bool
        private var session: ASWebAuthenticationSession?

        init(_ anchor: ASPresentationAnchor, _ isEphemeral: Bool) {
            self.anchor = anchor
            self.isEphemeral = isEphemeral
        }

        func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor {
            anchor
        }

        /// Where the person is sent back to.
        func callbackURL(of authorizationURL: URL, _ scheme: String?) async throws -> URL {
            let callbackURL = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let waiting = Locked<CheckedContinuation<URL, any Error>?>(continuation)
                    // Called once, or not at all when the window does not open.
                    let told: @Sendable (URL?, (any Error)?) -> Void = { url, error in
                        let continuation = waiting.access { waiting in
                            defer { waiting = nil }
                            return waiting
                        }
                        continuation?.resume(with: Result { try answer(url, error) })
                    }
                    let session = ASWebAuthenticationSession(
                        url: authorizationURL, callbackURLScheme: scheme, completionHandler: told)
                    session.presentationContextProvider = self
                    session.prefersEphemeralWebBrowserSession = isEphemeral
                    self.session = session
                    if !session.start() {
                        told(nil, nil)
                    }
                }
            } onCancel: {
                Task { @MainActor in session?.cancel() }
            }
            try Task.checkCancellation()
            return callbackURL
        }
    }

    private func answer(_ url: URL?, _ error: (any Error)?) throws -> URL {
        if let url {
            return url
        }
        // What the system says. It closes the window when its task is cancelled, and that is no news then.
        try unlessFailed { try loginCancelled(reason: (error ?? URLError(.cancelled)).localizedDescription) }
        throw CancellationError()
    }
#endif
