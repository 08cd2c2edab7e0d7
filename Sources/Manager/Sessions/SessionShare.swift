internal import BeanstalkWire

/// The part of a batch that one session may have, and the part that it has.
struct SessionShare {
    /// The most commands.
    let commands: Int

    /// The most commands whose answers may carry a body.
    private(set) var bodies: Int

    /// See ``Session/isHeavy``.
    private(set) var isHeavy = false

    /// The commands in the batch.
    private(set) var usedCommands = 0

    /// The commands in the batch whose answers may carry a body.
    private(set) var usedBodies = 0

    /// The number of claims that the session may get in this batch.
    var claims = 0

    /// Whether an operation of the session in this batch may have to wait, so that later ones are deferred.
    var mayWait = false

    init(commands: Int, bodies: Int) {
        self.commands = commands
        self.bodies = bodies
    }

    /// Bounds the bodies of a heavy session.
    mutating func makeHeavy(atMost bodies: Int) {
        isHeavy = true
        self.bodies = min(self.bodies, max(1, bodies))
    }

    /// Whether there is no room for another command.
    var isUsedUp: Bool { usedCommands >= commands || usedBodies >= bodies }

    /// The answers with a body for which there is still room.
    var bodiesLeft: Int { bodies - usedBodies }

    /// Counts a command.
    mutating func use() {
        usedCommands += 1
    }

    /// Counts a number of commands whose answers may carry a body.
    mutating func useForBodies(_ count: Int) {
        usedCommands += count
        usedBodies += count
    }

    /// Counts a command with these traits.
    mutating func use(for traits: borrowing VerbTraits) {
        usedCommands += 1
        if traits.mayAnswerWithBody { usedBodies += 1 }
        if traits.answersWithList { usedBodies = max(usedBodies, bodies) }
    }
}
