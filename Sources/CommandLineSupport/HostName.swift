internal import Glibc

/// The name of this machine.
public enum HostName {
    /// Returns the name as the system has it, without a look at name servers; empty if there is none.
    public static var current: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
