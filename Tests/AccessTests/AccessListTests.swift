import Access
import BeanstalkWire
import TaskStore
import Testing

/// The text of a tokens file.
@Suite struct AccessListTests {
    private let token = AccessToken("secret")!
    private var hash: String { TokenDigest(token).description }

    private func list(_ text: String) throws(AccessError) -> AccessList { try AccessList(Array(text.utf8)) }

    private func tube(_ name: String) throws -> TubeName { try #require(TubeName(name)) }

    @Test func `the digest is that of SHA-256`() throws {
        #expect(
            TokenDigest(try #require(AccessToken("abc"))).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    @Test func `a token is found by its digest, and has the rights of its lines`() throws {
        let list = try list(
            """
            # Comments and empty lines are ignored. Ä

            mailer  \(hash)\tput,look mail,mail-*\r
            mailer \(hash) reserve film
            admin uid:0 admin *
            worker cert:spiffe://example.org/worker read *
            """
        )
        let principal = try #require(list.principal(with: token))
        #expect(principal.name.text == "mailer")
        #expect(principal.may(.put, in: try tube("mail")))
        #expect(principal.may(.look, in: try tube("mail-fast")))
        #expect(!principal.may(.put, in: try tube("film")))
        #expect(principal.may(.reserve, in: try tube("film")))
        #expect(!principal.may(.admin, in: try tube("mail")))
        #expect(list.principal(with: try #require(AccessToken("Secret"))) == nil)
        #expect(list.principal(.user(id: 0))?.name.text == "admin")
        #expect(list.principal(.user(id: 1)) == nil)
        #expect(list.principal(.anonymous) == nil)
        let names = ["other", "spiffe://example.org/worker"]
        #expect(list.principal(.certificate(names: names))?.name.text == "worker")
        #expect(list.principal(.certificate(names: ["spiffe://example.org/*"])) == nil)
        #expect(list.count == 3)
    }

    @Test(
        arguments: [
            ("", "no rights"), ("# nothing\n", "no rights"),
            ("a uid:1 put", "line 1: it has 3 fields"), ("a uid:1 put a b", "line 1: it has 5 fields"),
            ("\n-a uid:1 put *", "line 2: the first field"), ("a:b uid:1 put *", "line 1: the first field"),
            ("a secret put *", "second field of a"), ("a sha256:1234 put *", "second field of a"),
            ("a uid:-1 put *", "second field"), ("a uid:4294967295 put *", "second field"),
            ("a uid: put *", "second field"), ("a cert: put *", "second field"), ("a gid:1 put *", "second field"),
            ("a uid:1 write *", "third field of a"), ("a uid:1 put, *", "third field"),
            ("a uid:1 PUT *", "third field"),
            ("a uid:1 put a,", "fourth field of a"), ("a uid:1 put a?", "fourth field"),
            ("a uid:1 put *\nb uid:1 put *", "line 2: the credential is also that of a"),
            ("a uid:1 put *\na uid:1 put *", "line 2: the line is there twice"),
            ("a uid:1 put *\0", "not ASCII"), ("a uid:1 put \u{E9}", "not ASCII"), ("# \0", "not ASCII"),
        ]
    )
    func `a bad line is refused with its number`(text: String, message: String) throws {
        let error = try #require(throws: AccessError.self) { try list(text) }
        #expect("\(error)".contains(message), "\(error)")
    }

    @Test func `an error never has the token that was written in place of its digest`() throws {
        let error = try #require(throws: AccessError.self) { try list("a 5ecr3t put *") }
        #expect(!"\(error)".contains("5ecr3t"))
    }

    @Test func `a name may have two tokens, and each has its own rights`() throws {
        let other = try #require(AccessToken("other"))
        let list = try list("a \(hash) put x\na \(TokenDigest(other)) reserve y")
        let (old, new) = (try #require(list.principal(with: token)), try #require(list.principal(with: other)))
        #expect(old.name == new.name)
        let (x, y) = (try tube("x"), try tube("y"))
        #expect(old.may(.put, in: x) && !old.may(.reserve, in: y))
        #expect(!new.may(.put, in: x) && new.may(.reserve, in: y))
    }

    @Test func `a filter is there for each right that does not hold everywhere`() throws {
        let list = try list("a uid:1 reserve,look mail\nb uid:2 put,reserve,look,read,admin *\nc uid:3 reserve *")
        let (some, all) = (try #require(list.principal(.user(id: 1))), try #require(list.principal(.user(id: 2))))
        for verb in Verb.allCases { #expect(all.filter(for: verb) == nil) }
        let (mail, film) = (try tube("mail"), try tube("film"))
        let stats = try #require(some.filter(for: .statsJob))
        #expect(stats.finds(taskIn: mail, isHeld: false) && !stats.finds(taskIn: film, isHeld: false))
        let peek = try #require(some.filter(for: .peek))
        #expect(peek.finds(taskIn: mail, isHeld: true), "a holder has read its task")
        #expect(!peek.finds(taskIn: mail, isHeld: false))
        let consumer = try #require(list.principal(.user(id: 3)))
        let delete = try #require(consumer.filter(for: .delete))
        #expect(delete.finds(taskIn: film, isHeld: true) && !delete.finds(taskIn: film, isHeld: false))
        #expect(consumer.filter(for: .touch) == nil)
    }

    @Test func `a line is written as it is read`() throws {
        let line = AccessLine(
            name: try #require(PrincipalName("mailer")),
            credential: .token(TokenDigest(token)),
            grant: Grant(rights: [RightSet(.put), RightSet(.look)], tubes: [try #require(TubeGlob("mail*")), .all])
        )
        #expect("\(line)" == "mailer \(hash) put,look mail*,*")
        #expect(try list("\(line)").principal(with: token)?.grants == [line.grant])
    }

    @Test func `a random token is long, and no two are equal`() throws {
        let tokens = try (0..<100).map { _ in try #require(AccessToken.random()) }
        #expect(Set(tokens.map(\.text)).count == 100)
        for token in tokens { #expect(token.text.utf8.count == 64) }
    }

    @Test func `a token is in no description and no mirror`() {
        var dumped = ""
        dump(token, to: &dumped)
        let texts = ["\(token)", String(reflecting: token), dumped, "\(Command.auth(token))", "\(token as Any)"]
        for text in texts { #expect(!text.contains("secret"), "\(text)") }
    }
}
