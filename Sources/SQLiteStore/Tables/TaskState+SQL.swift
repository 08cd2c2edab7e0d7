import TaskStore

extension TaskState {
    /// Reads the database's word by its first letter; the four words differ in it.
    init?(firstByte: UInt8) {
        switch firstByte {
        case UInt8(ascii: "p"): self = .pending
        case UInt8(ascii: "d"): self = .delayed
        case UInt8(ascii: "c"): self = .claimed
        case UInt8(ascii: "b"): self = .buried
        default: return nil
        }
    }
}
