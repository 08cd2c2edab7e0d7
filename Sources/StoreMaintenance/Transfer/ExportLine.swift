internal import Foundation
internal import JSONText

/// A line of an export: an object whose `kind` says what it is.
///
/// The order is: the header, tubes, tasks by ascending id, keys, the end.
package enum ExportLine: Equatable, Sendable {
    case header(ExportHeader)
    case tube(ExportedTube)
    case task(ExportedTask)
    case key(ExportedKey)
    case end(ExportEnd)
}

extension ExportLine: Decodable {
    private enum Kind: String, Codable {
        case header
        case tube
        case task
        case key
        case end
    }

    private enum CodingKeys: String, CodingKey {
        case kind
    }

    package init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .kind) {
        case .header: self = .header(try ExportHeader(from: decoder))
        case .tube: self = .tube(try ExportedTube(from: decoder))
        case .task: self = .task(try ExportedTask(from: decoder))
        case .key: self = .key(try ExportedKey(from: decoder))
        case .end: self = .end(try ExportEnd(from: decoder))
        }
    }
}

extension ExportLine {
    /// Appends the line with its line end.
    package func append(to bytes: inout [UInt8]) {
        switch self {
        case .header(let header):
            Self.append("header", header, to: &bytes)
        case .tube(let tube):
            Self.append("tube", tube, to: &bytes)
        case .task(let task):
            task.body.withUnsafeBytes { body in task.append(to: &bytes, body: body) }
        case .key(let key):
            Self.append("key", key, to: &bytes)
        case .end(let end):
            Self.append("end", end, to: &bytes)
        }
    }

    private static func append(_ kind: String, _ value: some Encodable, to bytes: inout [UInt8]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding numbers and texts does not fail.
        guard let data = try? encoder.encode(value) else { return }
        bytes += Array("{\"kind\":\"\(kind)\",".utf8)
        bytes += data.dropFirst()
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension ExportedTask {
    /// Appends a task's line with its line end.
    ///
    /// Without an encoder, since there may be millions of them.
    ///
    /// - Parameters:
    ///   - bytes: what it is appended to.
    ///   - body: the body, which is written in place of ``body``.
    func append(to bytes: inout [UInt8], body: UnsafeRawBufferPointer) {
        func number(_ name: StaticString, _ value: Int64?) {
            guard let value else { return }
            bytes += UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            JSONText.append(value, to: &bytes)
        }
        number("{\"kind\":\"task\",\"id\":", id)
        bytes += Array(",\"tube\":".utf8)
        JSONText.append(quoted: tube, to: &bytes)
        bytes += Array(",\"state\":\"\(state)\"".utf8)
        number(",\"priority\":", priority)
        number(",\"delay_seconds\":", delay)
        number(",\"ttr_seconds\":", timeToRun)
        number(",\"created_ms\":", created)
        number(",\"due_ms\":", due)
        number(",\"buried_order\":", buriedOrder)
        number(",\"reserves\":", reserves)
        number(",\"timeouts\":", timeouts)
        number(",\"releases\":", releases)
        number(",\"buries\":", buries)
        number(",\"kicks\":", kicks)
        if isKeyed { bytes += Array(",\"keyed\":true".utf8) }
        if isText(body) {
            bytes += Array(",\"body\":".utf8)
            JSONText.append(quoted: body, to: &bytes)
        } else {
            bytes += Array(",\"body_base64\":\"".utf8)
            bytes += Data(body).base64EncodedData()
            bytes.append(UInt8(ascii: "\""))
        }
        bytes += Array("}\n".utf8)
    }

    private func isText(_ body: UnsafeRawBufferPointer) -> Bool {
        if body.allSatisfy({ $0 < 0x80 }) { return true }
        return String(validating: body, as: UTF8.self) != nil
    }
}
