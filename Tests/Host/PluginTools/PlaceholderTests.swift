import HostPluginTools
import Testing
