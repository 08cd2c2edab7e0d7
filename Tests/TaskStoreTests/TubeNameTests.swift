import TaskStore
import Testing

/// The rules for tube names.
@Suite struct TubeNameTests {
    @Test(
        arguments: ["a", "Z", "0", "default", "a-", "+/;.$_()", "()", "0-9", String(repeating: "n", count: 200)]
    )
    func `a name that follows the rules is valid`(text: String) {
        #expect(TubeName(text)?.text == text)
        #expect(TubeName(Array(text.utf8))?.text == text)
        #expect(TubeName.isValid(text.utf8))
        #expect(TubeName(text)?.description == text)
    }

    @Test(
        arguments: [
            "", "-", "-a", " ", "a b", " a", "a ", "a\n", "a\r", "a\u{0}", "é", "a,b", "a:b", "a@b", "a#b", "a'b",
            "a\"b",
            "a*b", "a\\b", "[a]", "{a}", "a~", "a`", "a^", "a=b", "a?", "a<b", "a>b", "a|b", "a!", "a%b", "a&b",
            "a\u{7F}",
            String(repeating: "n", count: 201),
        ]
    )
    func `a name that breaks a rule is refused`(text: String) {
        #expect(TubeName(text) == nil)
        #expect(TubeName(Array(text.utf8)) == nil)
        #expect(!TubeName.isValid(text.utf8))
    }

    @Test func `bytes that are not UTF-8 are not a name`() {
        #expect(TubeName([0x61, 0xFF]) == nil)
        #expect(TubeName([0xC3, 0xA9]) == nil)
    }

    @Test func `a name may contain 71 different bytes`() {
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()"
        let bytes = (UInt8.min...UInt8.max).filter(TubeName.isNameByte)
        #expect(Set(bytes) == Set(allowed.utf8))
    }

    @Test func `the name of the default tube is valid`() {
        #expect(TubeName.default.text == "default")
        #expect(TubeName("default") == .default)
    }

    @Test func `names are ordered by their bytes`() {
        let texts = ["b", "a", "B", "aa", "_", "0", "a-"]
        let names = texts.compactMap { TubeName($0) }.sorted()
        #expect(names.map(\.text) == texts.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }
}
