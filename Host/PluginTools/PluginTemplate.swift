import CGantryTemplates

/// A small working plugin to begin with.
package struct PluginTemplate {}
