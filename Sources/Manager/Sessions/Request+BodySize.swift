internal import BeanstalkWire

extension Request {
    /// Bytes of the body that it carries.
    var bodySize: Int {
        switch self {
        case .command(.put(_, _, _, let body)), .command(.putUnique(_, _, _, _, let body)): body.count
        default: 0
        }
    }
}
