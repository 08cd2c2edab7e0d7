import CPostgres
package import TaskStore

/// Checks a database's address before it is used.
///
/// The address may contain a password. If it has a mistake, libpq may read parts of the password as a host, a port or a
/// parameter, and repeat them in its messages. So an address is used only if libpq finds the same password as a person does.
/// Messages about other addresses repeat nothing of them.
package enum ServerAddress {
    /// Checks an address.
    ///
    /// - Throws: ``StoreError/Code/unusable``, with a line that repeats nothing of the address.
    package static func check(_ address: String) throws(StoreError) {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(address, &message)
        defer {
            PQconninfoFree(options)
            PQfreemem(message)
        }
        guard let options else {
            // libpq quotes parts of the address. The words before the quotation are its own.
            let words = message.map { String(cString: $0) } ?? "no memory"
            let reason = words.prefix { $0 != "\"" && $0 != "\n" }
            throw refusal("\(reason.trimmed)")
        }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        if let secret = secret(in: address) {
            guard let password = values["password"], password == decoded(secret) else {
                throw refusal(
                    "in a user name or password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25"
                )
            }
        }
        try checkOptions(values)
        for port in (values["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false) where !port.isEmpty {
            guard let number = Int(port), (1...65535).contains(number) else { throw refusal("a port is not a number") }
        }
        for name in ["connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"] {
            guard let value = values[name], !value.isEmpty else { continue }
            guard Int(value) != nil else { throw refusal("\(name) is not a number") }
        }
    }

    /// Checks that no option has swallowed a password, as in `?sslmode=disable?password=…`.
    ///
    /// libpq would find such a value only when it connects, and repeat it.
    private static func checkOptions(_ values: [String: String]) throws(StoreError) {
        for (name, value) in values where !["password", "sslpassword", "options"].contains(name) {
            guard !value.contains("?"), !value.lowercased().contains("password=") else {
                throw refusal("the value of \(name) contains ? or password=; write & between parameters")
            }
        }
    }

    private static func refusal(_ reason: String) -> StoreError {
        StoreError(.unusable, "PostgreSQL's library does not accept the database's address: \(reason)")
    }

    /// Returns the part between the user's name and the last `@` of a URI, if a `:` separates them.
    private static func secret(in address: String) -> Substring? {
        for scheme in ["postgres://", "postgresql://"] where address.hasPrefix(scheme) {
            let rest = address.dropFirst(scheme.count)
            guard let end = rest.lastIndex(of: "@"), let colon = rest[..<end].firstIndex(of: ":") else { return nil }
            return rest[rest.index(after: colon)..<end]
        }
        return nil
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Substring {
    /// Removes spaces and colons at the end.
    fileprivate var trimmed: Substring {
        var text = self
        while let last = text.last, last == " " || last == ":" { text = text.dropLast() }
        return text
    }
}
