// Fuzzes a whole manager in this process: the bytes of four clients go through the decoder, the sessions and the engine
// to a store on a real file, and the answers come back. Only the sockets are not real.
//
// An input is a series of steps. A step is a byte with the client's number in its two lowest bits and the kind of step
// above them. If the client sends, a length and the bytes follow. After each input every answer must be a reply of the
// protocol. Once all clients are gone, only named sessions may still have claims.

import Access
import Foundation
import Logging
import NIOCore
import NIOEmbedded
import SQLiteStore
import TaskStore

@testable import BeanstalkWire
@testable import Manager

/// Prepares the run; libFuzzer calls it once, before the first input.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
    do {
        try Run.makeTemplate()
    } catch {
        fail("\(error)")
    }
    return 0
}

/// Runs one input; libFuzzer calls it repeatedly.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let steps = [UInt8](UnsafeBufferPointer(start: data, count: size))
    do {
        let run = try Run()
        try run.carryOut(steps)
        try run.end()
    } catch {
        fail("\(error)")
    }
    return 0
}

/// One manager and its clients.
private final class Run {
    /// A file system in memory, if the machine has one: a fuzzer needs no disk.
    private static let place = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"
    private static let directory = "\(place)/beanrow-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    private static let template = "\(directory)/template.db"
    private static let path = "\(directory)/tasks.db"

    private let eventLoop = EmbeddedEventLoop()
    private let store: OneThreadStore
    private let engine: Engine
    private var channels: [EmbeddedChannel?] = [nil, nil, nil, nil]

    /// Makes an empty database for all runs: making the tables costs more than most inputs.
    static func makeTemplate() throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try SQLiteStore.open(path: template, name: "template", address: "nowhere", at: Timestamp(rawValue: 0)).leave()
    }

    init() throws {
        try Self.copyTemplate()
        store = OneThreadStore(
            try SQLiteStore.open(path: Self.path, name: "fuzz", address: "nowhere", at: Timestamp(rawValue: 0))
        )
        var configuration = ManagerConfiguration(
            maximumTaskSize: 64,
            version: "fuzz",
            queueLimits: ManagerConfiguration.QueueLimits(commands: 8, bytes: 128)
        )
        configuration.access = try Self.principals("put,reserve,look,read,admin")
        engine = Engine(
            store: store,
            configuration: configuration,
            eventLoop: eventLoop,
            logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        )
        engine.start()
    }

    /// Replaces the database of the run before by the empty one.
    private static func copyTemplate() throws {
        while true {
            try? FileManager.default.removeItem(atPath: path)
            do {
                return try FileManager.default.copyItem(atPath: template, toPath: path)
            } catch let error as NSError {
                // The fuzzer's alarm may interrupt the copy, which does not continue by itself.
                let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError
                guard cause?.code == Int(EINTR) else { throw error }
            }
        }
    }

    /// Returns two principals whose tokens are `a` and `b`: one with all rights, and one with some.
    private static func principals(_ rights: String) throws -> AccessList {
        let lines = try [("a", rights, "*"), ("b", "put,reserve,look", "default,t*")]
            .map { name, rights, tubes in
                guard let token = AccessToken(name) else { fail("no token") }
                return "\(name) \(TokenDigest(token)) \(rights) \(tubes)\n"
            }
        return try AccessList(Array(lines.joined().utf8))
    }

    func carryOut(_ steps: [UInt8]) throws {
        var rest = steps[...]
        while let step = rest.popFirst() {
            let client = Int(step & 3)
            switch step >> 5 {
            case 0...4:
                let length = min(Int(rest.popFirst() ?? 0), rest.count)
                try send(rest.prefix(length), from: client)
                rest = rest.dropFirst(length)
            case 5:
                try close(client)
            case 6:
                if let channel = channels[client] {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                }
            default:
                store.tellOfChanges()
                // A tokens file that was read again, with fewer rights or with those from the start.
                if step & 1 == 1 {
                    let rights = step & 2 == 0 ? "put,reserve,look,read,admin" : "reserve,look"
                    engine.replaceAccess(try Self.principals(rights))
                }
                eventLoop.advanceTime(by: .milliseconds(Int64(step >> 2 & 7) * 250))
            }
            eventLoop.run()
            try readAnswers()
        }
    }

    /// Closes all clients, then the manager.
    func end() throws {
        for client in channels.indices { try close(client) }
        eventLoop.run()
        let reader = SessionID(connection: .max, of: store.manager)
        let batch = Batch([Operation(session: reader, action: .storeStatistics)], now: engine.clock.now().timestamp)
        guard case .store(let statistics) = try store.run(batch).outcomes[0] else { fail("no statistics") }
        let claimed = statistics.counts.claimed
        let isByName = engine.table.sessions.counters[.session] > 0
        guard claimed == 0 || isByName else { fail("\(claimed) tasks are claimed without a session") }
        engine.stop()
        eventLoop.run()
        try engine.ended.futureResult.wait()
        try eventLoop.syncShutdownGracefully()
    }

    private func send(_ bytes: ArraySlice<UInt8>, from client: Int) throws {
        let channel = try channels[client] ?? open(client)
        guard channel.isActive else { return }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    private func open(_ client: Int) throws -> EmbeddedChannel {
        // Two clients are asked for a token, and two come through an open listener.
        let origin = ConnectionOrigin(address: "memory", isOpen: client < 2)
        let channel = EmbeddedChannel(loop: eventLoop)
        try channel.pipeline.syncOperations.addHandler(engine.firstHandler(answerPath: .socket, origin: origin))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: client + 1)).wait()
        channels[client] = channel
        return channel
    }

    private func close(_ client: Int) throws {
        guard let channel = channels[client] else { return }
        channels[client] = nil
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    /// Checks that each connection's answers are whole replies of the protocol.
    private func readAnswers() throws {
        for channel in channels.compactMap({ $0 }) {
            var decoder = ReplyDecoder()
            var buffer = ByteBuffer()
            while var part = try channel.readOutbound(as: ByteBuffer.self) { buffer.writeBuffer(&part) }
            while try decoder.decode(buffer: &buffer) != nil {}
            guard buffer.readableBytes == 0 else { fail("half an answer: \(String(buffer: buffer))") }
        }
    }
}

/// A store that reports changes when the run asks for it, and not from threads of its own.
///
/// An embedded event loop may be used on one thread only, and this way an input always has the same effect. It also
/// reports changes that did not happen, which a store may do.
private final class OneThreadStore: Store {
    private let store: SQLiteStore
    private var handler: (@Sendable (StoreChange) -> Void)?

    init(_ store: SQLiteStore) {
        self.store = store
    }

    /// Reports every kind of change, as if another manager had made them.
    func tellOfChanges() {
        handler?(.pending)
        handler?(.written)
    }

    func observeChanges(_ handler: @escaping @Sendable (StoreChange) -> Void) {
        self.handler = handler
    }

    func leave() throws(StoreError) {
        handler = nil
        try store.leave()
    }

    var manager: ManagerID { store.manager }
    func run(_ batch: Batch) throws(StoreError) -> BatchResult { try store.run(batch) }
    func makeDurable() throws(StoreError) { try store.makeDurable() }
    func unsubscribe(from tube: TubeName) { store.unsubscribe(from: tube) }
    func announceNextWrite() -> Bool { store.announceNextWrite() }
    func hasChangedElsewhere() throws(StoreError) -> Bool { try store.hasChangedElsewhere() }
    func maintain(at now: Timestamp) throws(StoreError) -> Maintenance { try store.maintain(at: now) }
}
