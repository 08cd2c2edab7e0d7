/// A copy of what the database says, if there is one.
enum Cached<Value> {
    /// The database has to be asked.
    case unknown

    /// The copy is valid.
    case known(Value)
}

extension Cached: Equatable where Value: Equatable {}
