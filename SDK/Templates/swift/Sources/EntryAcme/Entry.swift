import CGantryPlugin
import GantryPlugin
import ProviderAcme

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The symbol by which the host finds the plugin.
@c
@implementation
public func gantry_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<gantry_plugin>? {
    PluginEntry<ProviderAdapter>.table(hostMinor: hostMinor)
}
