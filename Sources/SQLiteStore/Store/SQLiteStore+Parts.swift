import TaskStore

extension SQLiteStore {
    /// What an open store consists of.
    struct Parts {
        let files: StoreFiles
        let identities: (database: FileIdentity, lock: FileIdentity, sharedMemory: FileIdentity)
        /// Before the database: the connection that is closed last would empty the log.
        let backgroundCheckpoint: BackgroundCheckpoint
        /// Set if the database has other paths, and this manager uses it alone.
        let exclusiveUse: ExclusiveUse?
        let database: Database
        let tables: TaskTables
        let clock: StoreClock
        let writerLock: WriterLock
        /// Where the store says what it waits for.
        let wait: StoreWait
        let sharedPage: SharedPage
        let livenessLock: LivenessLock
        let tubeNotifications: TubeNotifications
        let peerWakeup: PeerWakeup
        let walWatcher: WALWatcher?
        let walSync: WALSync
        let groupCommit: GroupCommit
        let overlappingSyncs: OverlappingSyncs
        let checkpointer: Checkpointer
        let diskReserve: DiskReserve
    }
}
