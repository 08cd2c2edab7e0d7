/// Options of a command that may also come from environment variables.
///
/// The variable of `--max-task-size` is `BEANROW_MAX_TASK_SIZE`. An option on the command line wins over its variable. An
/// empty variable counts as not set.
public struct EnvironmentOptions: Sendable {
    /// One option.
    public struct Entry: Sendable, Equatable {
        /// How the text of a variable becomes arguments.
        public enum Kind: Sendable, Equatable {
            /// An option with one value.
            case value

            /// An option that may be repeated: the values are separated by spaces.
            case values

            /// A flag: `1`, `true` or `yes` sets it, and `0`, `false` or `no` does not.
            case flag
        }

        /// The long name without the two hyphens.
        public var name: String

        /// How the text becomes arguments.
        public var kind: Kind

        /// Makes an entry.
        public init(_ name: String, _ kind: Kind = .value) {
            self.name = name
            self.kind = kind
        }

        /// The name of the variable.
        public var variable: String {
            "BEANROW_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        }
    }

    /// A variable whose text is none of the words of a flag.
    public struct InvalidFlag: Error, Equatable, CustomStringConvertible {
        /// The name of the variable.
        public var variable: String

        /// One line for a person.
        public var description: String { "\(variable) must be 1, true or yes, or 0, false or no" }
    }

    /// What the environment adds to a command line.
    public struct Result: Sendable, Equatable {
        /// The arguments, to be put before those of the command line.
        public var arguments: [String]

        /// The variables that they come from.
        public var variables: [String]
    }

    /// The options.
    public var entries: [Entry]

    /// Makes a list of options.
    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// Returns the arguments for the variables that are set.
    ///
    /// - Parameters:
    ///   - arguments: the command line without the program's name; its options win.
    ///   - environment: returns the value of a variable; nil if it is not set.
    /// - Returns: the arguments to add.
    /// - Throws: ``InvalidFlag``.
    public func arguments(
        besides arguments: [String],
        environment: (String) -> String?
    ) throws(InvalidFlag) -> Result {
        let given = arguments.prefix { $0 != "--" }
        var result = Result(arguments: [], variables: [])
        for entry in entries {
            let option = "--\(entry.name)"
            guard !given.contains(where: { $0 == option || $0.hasPrefix("\(option)=") }) else { continue }
            guard let text = environment(entry.variable), !text.isEmpty else { continue }
            switch entry.kind {
            case .value: result.arguments.append("\(option)=\(text)")
            case .values: result.arguments += text.split(separator: " ").map { "\(option)=\($0)" }
            case .flag:
                switch text.lowercased() {
                case "1", "true", "yes": result.arguments.append(option)
                case "0", "false", "no": continue
                default: throw InvalidFlag(variable: entry.variable)
                }
            }
            result.variables.append(entry.variable)
        }
        return result
    }
}
