/// One rule of the ABI that a plugin is checked against.
package struct ConformanceRule: Sendable {}
