internal import CPlatform

/// The checksum of a body, as `schema.sql` defines it.
enum BodyChecksum {
    /// Returns the CRC-32C of an id, as eight bytes with the lowest first, and the body.
    static func of(_ id: Int64, _ body: UnsafeRawBufferPointer) -> Int64 {
        let id = id.littleEndian
        let start = withUnsafeBytes(of: id) { beanrow_checksum(0, $0.baseAddress, $0.count) }
        return Int64(beanrow_checksum(start, body.baseAddress, body.count))
    }
}
