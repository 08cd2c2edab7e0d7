import Foundation
import TaskStore
import Testing

@testable import Manager

@Suite struct JSONWriterTests {
    private func parsed(_ write: (inout JSONWriter) -> Void) throws -> [String: Any] {
        var json = JSONWriter()
        json.object(write)
        return try #require(JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
    }

    @Test func `every character is read back as it was written`() throws {
        for value in Array(0...0x2100) + [0xFEFF, 0xFFFD, 0xFFFF, 0x1F600, 0x10FFFF] as [UInt32] {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = "a\(Character(scalar))b"
            let object = try parsed {
                $0.key("text")
                $0.string(text)
            }
            // Compared by their bytes: Swift takes different texts for equal.
            #expect(
                Array(try #require(object["text"] as? String).utf8) == Array(text.utf8),
                "U+\(String(value, radix: 16))"
            )
        }
    }

    @Test func `no control character is in the document`() {
        var json = JSONWriter()
        json.string(String(String.UnicodeScalarView((0...0xA0).compactMap { Unicode.Scalar($0 as UInt32) })))
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
    }

    @Test func `commas are in their places`() {
        var json = JSONWriter()
        json.object { json in
            json.key("a")
            json.array { json in
                json.number(1)
                json.array { _ in }
                json.object { _ in }
                json.null()
            }
            json.key("b")
            json.bool(true)
            json.key(text: "c\"")
            json.object { json in
                json.key("d")
                json.thousandths(-1_005)
            }
        }
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"{"a":[1,[],{},null],"b":true,"c\"":{"d":-1.005}}"#)
    }

    @Test(arguments: [0, 1, 999, 1000, -1, .max, .min] as [Int64])
    func `thousandths are exact`(_ value: Int64) {
        var json = JSONWriter()
        json.thousandths(value)
        let text = String(decoding: json.bytes, as: UTF8.self)
        let digits = text.replacing(".", with: "").drop { $0 == "-" }
        #expect(UInt64(digits) == value.magnitude)
        #expect(text.split(separator: ".").last?.count == 3)
        #expect(text.hasPrefix("-") == (value < 0))
    }

    @Test func `times are as Foundation writes them`() throws {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        var times: [Int64] = [0, -1, 951_782_400_123, 4_107_542_399_000, -62_135_596_800_000, 253_402_300_799_999]
        for day in stride(from: 0 as Int64, to: 150_000, by: 37) { times.append(day * 86_400_000 + 3_723_004) }
        for time in times where time >= -2_208_988_800_000 {
            let date = Date(timeIntervalSince1970: Double(time) / 1000)
            #expect(RFC3339.text(Timestamp(rawValue: time)) == formatter.string(from: date))
        }
        #expect(RFC3339.text(Timestamp(rawValue: -62_167_219_200_000)) == "0000-01-01T00:00:00.000Z")
        #expect(RFC3339.text(Timestamp(rawValue: 253_402_300_799_999)) == "9999-12-31T23:59:59.999Z")
        for time in [253_402_300_800_000, -62_167_219_200_001, .max, .min] as [Int64] {
            #expect(RFC3339.text(Timestamp(rawValue: time)) == nil)
        }
    }

    @Test func `base64 is as Foundation writes it`() {
        for count in 0...70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
            #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
        }
    }

    @Test func `a text that is cut within a character loses the character`() {
        let text = "aé€😀"
        for count in 0...text.utf8.count {
            let cut = Array(text.utf8.prefix(count))
            let whole = String(
                String.UnicodeScalarView(
                    text.unicodeScalars.prefix { scalar in
                        text.utf8.distance(
                            from: text.startIndex,
                            to: text.unicodeScalars.firstIndex(of: scalar) ?? text.endIndex
                        )
                            + String(scalar).utf8.count <= count
                    }
                )
            )
            #expect(Base64.text(cut, isCut: true) == whole)
        }
        for bytes in [[0xFF], [0x80], [0x61, 0xC0], [0xE2, 0x28], [0xC3, 0xC3], [0x61, 0xF5]] as [[UInt8]] {
            #expect(Base64.text(bytes, isCut: true) == nil)
            #expect(Base64.text(bytes, isCut: false) == nil)
        }
    }
}
