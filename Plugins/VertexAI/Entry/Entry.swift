import CGantryPlugin
import GantryPlugin
import VertexAIAdapter

// The name is the ABI's.
// swift-format-ignore: AlwaysUseLowerCamelCase
/// The library's one exported symbol.
@c
@implementation
public func gantry_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<gantry_plugin>? {
    PluginEntry<VertexAIAdapter>.table(hostMinor: hostMinor)
}
