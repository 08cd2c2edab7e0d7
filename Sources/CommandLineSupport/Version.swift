/// The version of all commands of Beanrow.
public enum Version {
    /// The version that `--version` and the command `stats` show.
    public static let current = "0.1.0"
}
