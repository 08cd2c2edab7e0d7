/// The name of a tube, known to be valid.
///
/// A name has 1 to 200 bytes out of letters, digits and `-+/;.$_()`, and does not begin with a hyphen
/// (protocol.txt, "Protocol").
public struct TubeName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The most bytes a name may have.
    public static let maximumLength = 200

    /// The tube that each new connection uses and watches.
    public static let `default` = TubeName(unchecked: "default")

    /// The name as text; ASCII only.
    public let text: String

    /// Checks a name; returns `nil` if it is not valid.
    ///
    /// - Parameter bytes: the name's bytes, without the white space around it.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard Self.isValid(bytes) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    /// Checks a name given as text; returns `nil` if it is not valid.
    ///
    /// - Parameter text: the name.
    public init?(_ text: String) {
        guard Self.isValid(text.utf8) else { return nil }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    /// Returns whether these bytes are a valid name.
    @inlinable
    public static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        // Plain memory is used if possible: a generic collection costs at least one call per byte.
        if let isValid = bytes.withContiguousStorageIfAvailable(isValidName) { return isValid }
        return Array(bytes).withUnsafeBufferPointer(isValidName)
    }

    @usableFromInline
    static func isValidName(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, first != UInt8(ascii: "-"), bytes.count <= maximumLength else { return false }
        return bytes.allSatisfy(isNameByte)
    }

    /// Returns whether a name may contain this byte.
    @inlinable
    public static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: ";"), UInt8(ascii: "."),
            UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "("), UInt8(ascii: ")"):
            true
        default:
            false
        }
    }

    /// The name as text.
    public var description: String { text }

    /// Orders names by their bytes.
    public static func < (lhs: TubeName, rhs: TubeName) -> Bool { lhs.text < rhs.text }
}
