/// The result of decoding a client's bytes.
///
/// Bad input is a value and not an error: the connection stays usable, and the order of the answers is kept.
public enum Request: Sendable, Equatable {
    /// A command that can be carried out.
    case command(Command)

    /// A request that can only be refused.
    ///
    /// - Parameters:
    ///   - reply: the answer: ``Reply/badFormat``, ``Reply/unknownCommand``, ``Reply/jobTooBig`` or
    ///     ``Reply/expectedCRLF``.
    ///   - verb: the command it counts as in the statistics, if it counts as one.
    case refused(with: Reply, countedAs: Verb?)
}
