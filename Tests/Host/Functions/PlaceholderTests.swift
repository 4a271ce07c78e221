import HostFunctions
import Testing
