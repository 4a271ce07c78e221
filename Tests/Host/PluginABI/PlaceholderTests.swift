import HostPluginABI
import Testing
