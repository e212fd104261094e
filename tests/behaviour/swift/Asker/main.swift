// A program that makes a call each time that it is told to, in the store that its environment names: a line of JSON in
// (`Errand`), a line of JSON out (`Outcome`).

import Foundation
import Support
import Tokenkeep

func outcome(of errand: Errand) async -> Outcome {
    var outcome = Outcome()
    do {
        let broker = try Broker()
        if let person = errand.person {
            let options = LoginOptions(
                connection: errand.connection, scopes: errand.scopes, issuer: errand.issuer,
                resource: errand.resource, clientID: errand.clientID, flow: .pkce, timeout: 60)
            let interaction = Interaction(openURL: { url in Task { try await run(person, [url.absoluteString]) } })
            outcome.clientID = try await broker.login(errand.provider, options, interaction: interaction).clientID
        } else if errand.atTheTerminal {
            outcome.clientID = try await broker.login(errand.provider, LoginOptions(flow: .pkce)).clientID
        } else {
            let asking = Task {
                try await broker.token(
                    errand.provider, connection: errand.connection, scopes: errand.scopes,
                    minLifetime: errand.minLifetime, forceRefresh: errand.forceRefresh)
            }
            if let seconds = errand.givesUpAfter {
                try await Task.sleep(for: .seconds(seconds))
                asking.cancel()
            }
            outcome.secret = try await asking.value.secret
        }
    } catch let error as TokenkeepError {
        (outcome.code, outcome.message, outcome.help) = (error.code, error.message, error.help)
    } catch {
        outcome.message = "\(error)"
    }
    return outcome
}

func say(_ line: Data) {
    FileHandle.standardOutput.write(line + Data("\n".utf8))
}

say(Data("ready".utf8))
while let line = readLine() {
    let errand = try JSONDecoder().decode(Errand.self, from: Data(line.utf8))
    say(try JSONEncoder().encode(await outcome(of: errand)))
}
