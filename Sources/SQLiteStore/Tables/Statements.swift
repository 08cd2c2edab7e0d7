/// The statements of the batches, prepared once.
///
/// Each verb's are in the verb's file.
///
/// They repeat the predicates of the partial indexes literally, or SQLite would not use the indexes. If a subquery
/// gives the ids, NOT INDEXED keeps the outer statement from walking a whole state instead, which SQLite may estimate
/// to be faster after ANALYZE. Statements that end or extend a claim name the holder.
struct Statements {
    /// All of them by name, for the tests.
    let registry: StatementRegistry

    let transaction: TaskTables.TransactionStatements
    let tube: TaskTables.TubeStatements
    let pause: TaskTables.PauseStatements
    let time: TaskTables.TimeStatements
    let findTask: TaskTables.FindTaskStatements
    let body: TaskTables.BodyStatements
    let put: TaskTables.PutStatements
    let key: TaskTables.KeyStatements
    let claim: TaskTables.ClaimStatements
    let delete: TaskTables.DeleteStatements
    let clear: TaskTables.ClearStatements
    let endClaim: TaskTables.EndClaimStatements
    let returnClaims: TaskTables.ReturnClaimsStatements
    let kick: TaskTables.KickStatements
    let peek: TaskTables.PeekStatements
    let statistics: TaskTables.StatisticsStatements
    let session: TaskTables.SessionStatements
    let namedClaims: TaskTables.NamedClaimsStatements
    let manager: TaskTables.ManagerStatements
    let breakClaim: TaskTables.BreakClaimStatements
    let endSession: TaskTables.EndSessionStatements
    let move: TaskTables.MoveStatements
    let edit: TaskTables.EditStatements
    let drain: TaskTables.DrainStatements
    let inspect: TaskTables.InspectStatements

    /// Prepares them all.
    init(_ database: Database) throws(SQLiteError) {
        registry = StatementRegistry(database)
        transaction = try TaskTables.TransactionStatements(registry)
        tube = try TaskTables.TubeStatements(registry)
        pause = try TaskTables.PauseStatements(registry)
        time = try TaskTables.TimeStatements(registry)
        findTask = try TaskTables.FindTaskStatements(registry)
        body = try TaskTables.BodyStatements(registry)
        put = try TaskTables.PutStatements(registry)
        key = try TaskTables.KeyStatements(registry)
        claim = try TaskTables.ClaimStatements(registry)
        delete = try TaskTables.DeleteStatements(registry)
        clear = try TaskTables.ClearStatements(registry)
        endClaim = try TaskTables.EndClaimStatements(registry)
        returnClaims = try TaskTables.ReturnClaimsStatements(registry)
        kick = try TaskTables.KickStatements(registry)
        peek = try TaskTables.PeekStatements(registry)
        statistics = try TaskTables.StatisticsStatements(registry)
        session = try TaskTables.SessionStatements(registry)
        namedClaims = try TaskTables.NamedClaimsStatements(registry)
        manager = try TaskTables.ManagerStatements(registry)
        breakClaim = try TaskTables.BreakClaimStatements(registry)
        endSession = try TaskTables.EndSessionStatements(registry)
        move = try TaskTables.MoveStatements(registry)
        edit = try TaskTables.EditStatements(registry)
        drain = try TaskTables.DrainStatements(registry)
        inspect = try TaskTables.InspectStatements(registry)
    }
}
