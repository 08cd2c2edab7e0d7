public import ArgumentParser
public import Logging

// Neither swift-log nor swift-argument-parser declares this.
extension Logger.Level: @retroactive ExpressibleByArgument {}
