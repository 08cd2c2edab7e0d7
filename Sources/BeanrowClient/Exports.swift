// Names of tubes, ids of tasks, addresses of managers and the certificates for TLS are in the public API, so importers of
// this library get them.
@_exported public import TaskStore
@_exported public import Transport
