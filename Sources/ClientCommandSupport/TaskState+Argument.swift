public import ArgumentParser
public import TaskStore

// The words are those of the database: pending, delayed, claimed, buried.
extension TaskState: ExpressibleByArgument {}
