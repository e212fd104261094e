// The declarations of Apple's AuthenticationServices that Tokenkeep uses, for where there is no Apple SDK: the file
// that uses them is type-checked against these, strict concurrency included. That they are Apple's is proved on a Mac
// alone.

import Foundation

@MainActor
open class ASPresentationAnchor: NSObject {}

@MainActor
public protocol ASWebAuthenticationPresentationContextProviding: NSObjectProtocol {
    func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor
}

@MainActor
open class ASWebAuthenticationSession: NSObject {
    public typealias CompletionHandler = (URL?, (any Error)?) -> Void

    public weak var presentationContextProvider: (any ASWebAuthenticationPresentationContextProviding)?
    public var prefersEphemeralWebBrowserSession = false

    public init(url: URL, callbackURLScheme: String?, completionHandler: @escaping CompletionHandler) {}

    open func start() -> Bool { false }
    open func cancel() {}
}
