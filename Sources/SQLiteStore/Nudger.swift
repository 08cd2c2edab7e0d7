import Glibc

/// Wakes peers: writes a byte into their FIFOs.
final class Nudger {
    /// A peer's FIFO, open, and whose it was when it was opened.
    private struct Peer {
        var descriptor: Int32
        var occupant: UInt64
    }

    private let files: StoreFiles
    private let board: SharedBoard
    private let own: Int
    private var peers: [Peer?]

    /// - Parameters:
    ///   - files: where the FIFOs are.
    ///   - board: who awaits what.
    ///   - own: this manager's slot, which is left out.
    init(files: StoreFiles, board: SharedBoard, own: Int) {
        self.files = files
        self.board = board
        self.own = own
        self.peers = Array(repeating: nil, count: SharedBoard.slots)
    }

    deinit {
        for case let peer? in peers { close(peer.descriptor) }
    }

    /// The slots whose managers await one of these tubes.
    ///
    /// The writer lock is held.
    ///
    /// - Parameter mask: a bit for each 64th tube number.
    /// - Returns: a bit for each slot.
    func slots(awaiting mask: UInt64) -> UInt64 {
        guard mask != 0 else { return 0 }
        var slots: UInt64 = 0
        for slot in 0..<SharedBoard.slots where slot != own && board.awaited(slot) & mask != 0 {
            slots |= 1 << UInt64(slot)
        }
        return slots
    }

    /// Wakes the managers in some slots.
    ///
    /// The writer lock need not be held.
    ///
    /// A manager that is gone is passed over; a FIFO that is full wakes its owner already.
    ///
    /// - Parameter slots: a bit for each slot.
    func wake(_ slots: UInt64) {
        var rest = slots
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            if let descriptor = descriptor(of: slot) { _ = write(descriptor, "\n", 1) }
        }
    }

    private func descriptor(of slot: Int) -> Int32? {
        let occupant = board.occupant(slot)
        if let peer = peers[slot] {
            if peer.occupant == occupant { return peer.descriptor }
            close(peer.descriptor)
            peers[slot] = nil
        }
        guard occupant != 0 else { return nil }
        // Open for reading too: writing to a FIFO that nobody reads would raise SIGPIPE.
        let descriptor = open(files.wake(slot), O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        peers[slot] = Peer(descriptor: descriptor, occupant: occupant)
        return descriptor
    }
}
