public import ArgumentParser
public import Logging

// Neither package will do this for the other; all commands share it from here.
extension Logger.Level: @retroactive ExpressibleByArgument {}
