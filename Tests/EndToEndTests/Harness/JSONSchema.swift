import Foundation

/// The JSON schema of the documentation, as far as it uses the language of schemas, to compare documents with it.
///
/// It is stricter than the schema: a field that the schema does not know is a difference too. So the documentation has
/// every field.
struct JSONSchema {
    private let definitions: [String: Any]

    /// Reads `docs/inspect.schema.json`.
    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../docs/inspect.schema.json")
        let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        definitions = schema?["$defs"] as? [String: Any] ?? [:]
    }

    /// Returns the differences between a document and the definition with a name.
    func differences(_ document: Any, _ name: String) -> [String] {
        guard let schema = definitions[name] as? [String: Any] else { return ["no definition \(name)"] }
        return differences(document, schema, at: "$")
    }

    private func differences(_ value: Any, _ schema: [String: Any], at path: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            return differences(value, String(reference.dropFirst("#/$defs/".count))).map { "\(path): \($0)" }
        }
        let types = schema["type"] as? [String] ?? [schema["type"] as? String].compactMap(\.self)
        guard types.contains(where: { Self.has(value, type: $0) }) else { return ["\(path): \(value) is no \(types)"] }
        if value is NSNull { return [] }
        var found: [String] = []
        if let allowed = schema["enum"] as? [AnyHashable], let value = value as? AnyHashable, !allowed.contains(value) {
            found.append("\(path): \(value) is none of \(allowed)")
        }
        if let pattern = schema["pattern"] as? String, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            found.append("\(path): \(text) does not match")
        }
        if let items = schema["items"] as? [String: Any], let values = value as? [Any] {
            for (index, item) in values.enumerated() { found += differences(item, items, at: "\(path)[\(index)]") }
        }
        if let members = value as? [String: Any] { found += differences(members, schema, path) }
        return found
    }

    private func differences(_ members: [String: Any], _ schema: [String: Any], _ path: String) -> [String] {
        let properties = schema["properties"] as? [String: Any] ?? [:]
        var found = (schema["required"] as? [String] ?? []).filter { members[$0] == nil }.map { "\(path): no \($0)" }
        for (key, value) in members {
            if let property = (properties[key] ?? schema["additionalProperties"]) as? [String: Any] {
                found += differences(value, property, at: "\(path).\(key)")
            } else {
                found.append("\(path): \(key) is not documented")
            }
        }
        return found
    }

    private static func has(_ value: Any, type: String) -> Bool {
        let number = value as? NSNumber
        let isBool = number.map(wasBool) ?? false
        return switch type {
        case "null": value is NSNull
        case "string": value is String
        case "boolean": isBool
        case "integer": number.map { !isBool && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": number != nil && !isBool
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }

    /// Returns whether a number was `true` or `false`.
    private static func wasBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
