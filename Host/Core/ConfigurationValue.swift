/// A value of a configuration file, with `os.environ/NAME` already replaced.
package indirect enum ConfigurationValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case list([ConfigurationValue])
    case map([String: ConfigurationValue])
}
