/// The version of all of Beanrow's commands.
public enum Version {
    /// The version's number, as `--version` and the protocol's `stats` tell it.
    public static let current = "0.1.0"
}
