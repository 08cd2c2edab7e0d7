import Dispatch
import TaskStore

/// Counts how often a store called, for a check to wait for.
private final class ChangeSignal: Sendable {
    private let signals = DispatchSemaphore(value: 0)

    init(_ manager: Manager) {
        let signals = signals
        manager.store.observeChanges { change in
            if change == .pending { signals.signal() }
        }
    }

    /// Fails if the store does not call.
    ///
    /// The time limit is only there so that a broken store does not hang the suite.
    func requireSignal(_ what: String, file: String = #fileID, line: Int = #line) throws {
        try require(signals.wait(timeout: .now() + 20) == .success, "woken by \(what)", file: file, line: line)
    }

    /// Forgets the calls so far.
    func silence() {
        while signals.wait(timeout: .now()) == .success {}
    }
}

/// Returns a manager with a session that waits, and another manager.
private func waiting(_ scene: Scene, for tubes: TubeName...) throws -> (
    waiter: Session, other: Session, signal: ChangeSignal
) {
    let manager = try scene.manager("waiter")
    let signal = ChangeSignal(manager)
    let waiter = manager.session()
    for tube in tubes { try waiter.run(.countUse(tube, using: 0, watching: 1)) }
    let outcomes = try waiter.run(.claim(tubes: tubes, count: 1, waits: true))
    try require(outcomes, [.claimed([])], "nothing there yet")
    return (waiter, try scene.manager("other").session(), signal)
}

let wakingChecks: [StoreCheck] = [
    StoreCheck("waking: by a put at another manager, each time") { scene in
        let (waiter, other, signal) = try waiting(scene, for: .mail)
        for _ in 0..<3 {
            let id = try other.put(.mail)
            try signal.requireSignal("a put")
            try require(try waiter.claim(.mail), [id], "the task")
        }
    },
    StoreCheck("waking: for any of several tubes") { scene in
        let (_, other, signal) = try waiting(scene, for: .mail, .film)
        try other.put(.film)
        try signal.requireSignal("a put into the second tube")
        try other.put(.mail)
        try signal.requireSignal("a put into the first tube")
    },
    StoreCheck("waking: by release, kick, disconnecting, timing out") { scene in
        let (_, other, signal) = try waiting(scene, for: .mail)
        try other.run(.countUse(.film, using: 1, watching: 0))
        func held() throws -> TaskID {
            let id = try other.putAndClaim(.mail)
            signal.silence()
            return id
        }
        try other.run(.release(try held(), priority: 0, delay: 0))
        try signal.requireSignal("a release")
        try other.run(.expire(try held()))
        try signal.requireSignal("a timeout")
        try other.run(.bury(try held(), priority: 0))
        try other.run(.kick(.mail, bound: 1))
        try signal.requireSignal("a kick")
        let buried = try held()
        try other.run(.bury(buried, priority: 0))
        try other.run(.kickTask(buried))
        try signal.requireSignal("a kick by number")
        _ = try held()
        try other.run(.disconnect(releasing: .ownClaims))
        try signal.requireSignal("disconnecting")
    },
    StoreCheck("waking: by time that another manager noticed first") { scene in
        let (waiter, other, signal) = try waiting(scene, for: .mail)
        let id = try other.put(.mail, delay: 5)
        scene.pass(seconds: 5)
        try other.manager.catchUp()
        try signal.requireSignal("a delay that ended")
        try require(try waiter.claim(.mail), [id], "the task")
        try other.run(.pause(.mail, seconds: 5))
        let next = try other.put(.mail)
        signal.silence()
        scene.pass(seconds: 5)
        try other.manager.catchUp()
        try signal.requireSignal("a pause that ended")
        try require(try waiter.claim(.mail), [next], "the next task")
    },
    StoreCheck("waking: by the end of a pause") { scene in
        let (_, other, signal) = try waiting(scene, for: .mail)
        try other.run(.pause(.mail, seconds: 50))
        try other.put(.mail)
        signal.silence()
        try other.run(.pause(.mail, seconds: 0))
        try signal.requireSignal("the end of a pause")
    },
    StoreCheck("waking: by the claims of a dead manager") { scene in
        let (_, other, signal) = try waiting(scene, for: .mail)
        let dead = try scene.manager("dead")
        _ = try dead.session().putAndClaim(.mail)
        signal.silence()
        try scene.kill(dead)
        try require(try other.manager.store.maintain(at: scene.now).recovered.count, 1, "recovered by the other")
        try signal.requireSignal("recovery")
    },
    StoreCheck("waking: by a manager that leaves") { scene in
        let (_, _, signal) = try waiting(scene, for: .mail)
        let leaving = try scene.manager("leaving")
        _ = try leaving.session().putAndClaim(.mail)
        signal.silence()
        try scene.leave(leaving)
        try signal.requireSignal("leaving")
    },
    StoreCheck("waking: of a connection whose named session another manager attaches") { scene in
        guard let name = SessionName("worker") else { throw failure("worker is a session's name") }
        let manager = try scene.manager("waiter")
        let signal = ChangeSignal(manager)
        let waiter = manager.session()
        let claim = Action.claim(tubes: [.mail], count: 1, waits: true)
        try waiter.run(.countUse(.mail, using: 0, watching: 1))
        try waiter.run(.attach(name))
        try require(try waiter.run(claim), [.claimed([])], "nothing there yet")
        let other = try scene.manager("other").session()
        signal.silence()
        try other.run(.attach(name))
        try signal.requireSignal("taking up")
        try require(try waiter.run(claim), [.superseded], "displaced")
    },
    StoreCheck("waking: of several managers that wait") { scene in
        let first = try waiting(scene, for: .mail)
        let second = try waiting(scene, for: .mail)
        try first.other.put(.mail)
        try first.signal.requireSignal("a put, the first")
        try second.signal.requireSignal("a put, the second")
    },
    StoreCheck("waking: for a tube that is still awaited after another tube is not") { scene in
        let (waiter, other, signal) = try waiting(scene, for: .mail, .film)
        waiter.manager.store.unsubscribe(from: .mail)
        try other.put(.film)
        try signal.requireSignal("a put into the tube still awaited")
    },
    StoreCheck("waking: a manager that takes a dead one's place is woken") { scene in
        let other = try scene.manager("other").session()
        let dead = try scene.manager("dead")
        try dead.session().run(.claim(tubes: [.mail], count: 1, waits: true))
        try other.put(.mail)
        try scene.kill(dead)
        _ = try other.manager.store.maintain(at: scene.now)
        let manager = try scene.manager("next")
        let signal = ChangeSignal(manager)
        let outcomes = try manager.session().run(.claim(tubes: [.mail], count: 2, waits: true))
        guard case .claimed(let tasks) = outcomes[0] else { throw failure("claimed") }
        try require(tasks.count, 1, "one there")
        try other.put(.mail)
        try signal.requireSignal("a put")
    },
    StoreCheck("changes: others' commits are seen, each once, and own ones not") { scene in
        let one = try scene.manager("one")
        let two = try scene.manager("two")
        _ = try one.store.hasChangedElsewhere()
        try require(try one.store.hasChangedElsewhere(), false, "nothing happened")
        try one.session().put(.mail)
        try require(try one.store.hasChangedElsewhere(), false, "own commit")
        try two.session().put(.mail)
        try require(try one.store.hasChangedElsewhere(), true, "the other's commit")
        try require(try one.store.hasChangedElsewhere(), false, "once")
        try two.session().put(.mail)
        try one.session().put(.mail)
        try require(try one.store.hasChangedElsewhere(), true, "also where a batch has seen it in between")
    },
]
