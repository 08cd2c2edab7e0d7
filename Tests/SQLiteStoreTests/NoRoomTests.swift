import CSQLite
import CSQLiteShims
import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Files that cannot grow.
@Suite struct NoRoomTests {
    @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
    func `no space, a quota and a limit on a file's length are the same`(error: Int32) {
        #expect(beanrow_means_no_room(error) == 1)
        #expect(StoreError(opening: "f", error).code == .full)
    }

    @Test(arguments: [EIO, EROFS, EACCES, 0])
    func `other errors are not`(error: Int32) {
        #expect(beanrow_means_no_room(error) == 0)
        #expect(StoreError(opening: "f", error).code == .unusable)
    }

    /// The extended codes of SQLITE_IOERR, which Swift does not import.
    private func failure(_ extended: Int32, _ systemError: Int32) -> SQLiteError {
        var error = SQLiteError(SQLITE_IOERR | extended << 8, of: nil)
        error.systemError = systemError
        return error
    }

    @Test func `a write or a growth that finds no room has left nothing behind`() {
        for extended: Int32 in [3, 6, 18, 19] {
            for error in [ENOSPC, EDQUOT, EFBIG] { #expect(failure(extended, error).isFull) }
            #expect(failure(extended, ENOSPC).duringCommit("f").code == .full)
            #expect(!failure(extended, EIO).isFull)
        }
    }

    @Test(arguments: [ENOSPC, EDQUOT, EFBIG, EIO])
    func `a sync that fails is never a matter of room`(error: Int32) {
        // SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC.
        for extended: Int32 in [4, 5] {
            #expect(!failure(extended, error).isFull)
            #expect(failure(extended, error).duringCommit("f").code == .lost)
        }
    }
}
