import TaskStore
import Testing

/// Patterns for names of tubes.
@Suite struct TubeGlobTests {
    @Test(
        arguments: [
            ("mail", "mail"), ("*", "x"), ("mail*", "mail"), ("mail*", "mail-fast"), ("*mail", "fast-mail"),
            ("a*c", "ac"), ("a*c", "abcbc"), ("*a*b*", "xxaxxbxx"), ("**", "a"), ("a.b", "a.b"), ("*$(1)", "x$(1)"),
        ]
    )
    func `a star stands for any bytes and every other byte for itself`(pattern: String, name: String) throws {
        let (glob, tube) = (try #require(TubeGlob(pattern)), try #require(TubeName(name)))
        #expect(glob.matches(tube))
    }

    @Test(
        arguments: [
            ("mail", "mail-fast"), ("mail", "mai"), ("mail*", "xmail"), ("a*c", "acb"), ("a.b", "axb"), ("a_b", "axb"),
            ("*a", "b"), ("Mail", "mail"), ("a*a", "a"),
        ]
    )
    func `a name that differs does not match`(pattern: String, name: String) throws {
        let (glob, tube) = (try #require(TubeGlob(pattern)), try #require(TubeName(name)))
        #expect(!glob.matches(tube))
    }

    @Test(arguments: ["", "-a", "a b", "a,b", "a:b", "ä", "a?", "[a]", String(repeating: "*", count: 201)])
    func `a text that could match no name is refused`(text: String) {
        #expect(TubeGlob(text) == nil)
    }

    @Test func `a pattern of many stars is compared in bounded time`() throws {
        let pattern = try #require(TubeGlob(String(repeating: "a*", count: 99) + "b"))
        let name = try #require(TubeName(String(repeating: "a", count: 200)))
        #expect(!pattern.matches(name))
    }
}
