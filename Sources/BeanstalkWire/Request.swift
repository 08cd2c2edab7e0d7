/// What a decoder made of a client's bytes.
///
/// Bad input is a value and not an error: the connection stays usable and the answer keeps its place in the order.
public enum Request: Sendable, Equatable {
    /// A command that can be carried out.
    case command(Command)

    /// Something that can only be refused.
    ///
    /// - Parameters:
    ///   - reply: the answer: ``Reply/badFormat``, ``Reply/unknownCommand``, ``Reply/jobTooBig`` or
    ///     ``Reply/expectedCRLF``.
    ///   - verb: the command it counts as in the statistics, if it counts as one.
    case refused(with: Reply, countedAs: Verb?)
}
