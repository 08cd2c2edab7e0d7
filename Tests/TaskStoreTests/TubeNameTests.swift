import TaskStore
import Testing

@Suite("Names of tubes")
struct TubeNameTests {
    @Test(
        "Valid names",
        arguments: ["a", "Z", "0", "default", "a-", "+/;.$_()", "()", "0-9", String(repeating: "n", count: 200)]
    )
    func valid(text: String) {
        #expect(TubeName(text)?.text == text)
        #expect(TubeName(Array(text.utf8))?.text == text)
        #expect(TubeName.isValid(text.utf8))
        #expect(TubeName(text)?.description == text)
    }

    @Test(
        "Names that are none",
        arguments: [
            "", "-", "-a", " ", "a b", " a", "a ", "a\n", "a\r", "a\u{0}", "é", "a,b", "a:b", "a@b", "a#b", "a'b",
            "a\"b",
            "a*b", "a\\b", "[a]", "{a}", "a~", "a`", "a^", "a=b", "a?", "a<b", "a>b", "a|b", "a!", "a%b", "a&b",
            "a\u{7F}",
            String(repeating: "n", count: 201),
        ]
    )
    func invalid(text: String) {
        #expect(TubeName(text) == nil)
        #expect(TubeName(Array(text.utf8)) == nil)
        #expect(!TubeName.isValid(text.utf8))
    }

    @Test("Bytes that are no UTF-8 are no name")
    func invalidUTF8() {
        #expect(TubeName([0x61, 0xFF]) == nil)
        #expect(TubeName([0xC3, 0xA9]) == nil)
    }

    @Test("A name has 71 different bytes to choose from")
    func letters() {
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()"
        let bytes = (UInt8.min...UInt8.max).filter(TubeName.isNameByte)
        #expect(Set(bytes) == Set(allowed.utf8))
    }

    @Test("The tube of the beginning is valid by its own rules")
    func defaultTube() {
        #expect(TubeName.default.text == "default")
        #expect(TubeName("default") == .default)
    }

    @Test("Names are ordered by their bytes")
    func order() {
        let texts = ["b", "a", "B", "aa", "_", "0", "a-"]
        let names = texts.compactMap { TubeName($0) }.sorted()
        #expect(names.map(\.text) == texts.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }
}
