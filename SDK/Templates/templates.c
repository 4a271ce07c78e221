/* What `gantry plugin new` writes. Every file of the templates and of the SDK is here twice: its bytes, and its row in
 * the table. A test compares them with the folders. */
#include "gantry_templates.h"

static const unsigned char c__gitignore[] = {
#embed "c/.gitignore"
};
static const unsigned char c_makefile[] = {
#embed "c/Makefile"
};
static const unsigned char c_readme_md[] = {
#embed "c/README.md"
};
static const unsigned char c_acme_yaml[] = {
#embed "c/acme.yaml"
};
static const unsigned char c_plugin_c[] = {
#embed "c/plugin.c"
};
static const unsigned char c_plugin_h[] = {
#embed "c/plugin.h"
};
static const unsigned char c_test_sh[] = {
#embed "c/test.sh"
};
static const unsigned char c_text_c[] = {
#embed "c/text.c"
};
static const unsigned char abi_exports_map[] = {
#embed "../CGantryPlugin/exports.map"
};
static const unsigned char abi_include_gantry_plugin_h[] = {
#embed "../CGantryPlugin/include/gantry_plugin.h"
};
static const unsigned char rust__gitignore[] = {
#embed "rust/.gitignore"
};
static const unsigned char rust_cargo_toml[] = {
#embed "rust/Cargo.toml"
};
static const unsigned char rust_readme_md[] = {
#embed "rust/README.md"
};
static const unsigned char rust_acme_yaml[] = {
#embed "rust/acme.yaml"
};
static const unsigned char rust_build_rs[] = {
#embed "rust/build.rs"
};
static const unsigned char rust_build_sh[] = {
#embed "rust/build.sh"
};
static const unsigned char rust_rustfmt_toml[] = {
#embed "rust/rustfmt.toml"
};
static const unsigned char rust_test_sh[] = {
#embed "rust/test.sh"
};
static const unsigned char rust_src_abi_rs[] = {
#embed "rust/src/abi.rs"
};
static const unsigned char rust_src_json_rs[] = {
#embed "rust/src/json.rs"
};
static const unsigned char rust_src_lib_rs[] = {
#embed "rust/src/lib.rs"
};
static const unsigned char rust_src_operation_rs[] = {
#embed "rust/src/operation.rs"
};
static const unsigned char rust_src_target_rs[] = {
#embed "rust/src/target.rs"
};
static const unsigned char swift__gitignore[] = {
#embed "swift/.gitignore"
};
static const unsigned char swift_package_swift[] = {
#embed "swift/Package.swift"
};
static const unsigned char swift_readme_md[] = {
#embed "swift/README.md"
};
static const unsigned char swift_acme_yaml[] = {
#embed "swift/acme.yaml"
};
static const unsigned char swift_build_sh[] = {
#embed "swift/build.sh"
};
static const unsigned char swift_test_sh[] = {
#embed "swift/test.sh"
};
static const unsigned char swift_entry_entry_swift[] = {
#embed "swift/Sources/EntryAcme/Entry.swift"
};
static const unsigned char swift_provider_deployment_swift[] = {
#embed "swift/Sources/ProviderAcme/Deployment.swift"
};
static const unsigned char swift_provider_provideradapter_swift[] = {
#embed "swift/Sources/ProviderAcme/ProviderAdapter.swift"
};
static const unsigned char swift_provider_refusal_swift[] = {
#embed "swift/Sources/ProviderAcme/Refusal.swift"
};
static const unsigned char swift_format[] = {
#embed "../../.swift-format"
};
static const unsigned char abi_include_gantry_functions_h[] = {
#embed "../CGantryPlugin/include/gantry_functions.h"
};
static const unsigned char abi_layout_c[] = {
#embed "../CGantryPlugin/layout.c"
};
static const unsigned char sdk_adapter_swift[] = {
#embed "../GantryPlugin/Adapter.swift"
};
static const unsigned char sdk_commands_swift[] = {
#embed "../GantryPlugin/Commands.swift"
};
static const unsigned char sdk_entrypoints_swift[] = {
#embed "../GantryPlugin/EntryPoints.swift"
};
static const unsigned char sdk_events_swift[] = {
#embed "../GantryPlugin/Events.swift"
};
static const unsigned char sdk_failure_swift[] = {
#embed "../GantryPlugin/Failure.swift"
};
static const unsigned char sdk_httprequest_swift[] = {
#embed "../GantryPlugin/HTTPRequest.swift"
};
static const unsigned char sdk_httpresponse_swift[] = {
#embed "../GantryPlugin/HTTPResponse.swift"
};
static const unsigned char sdk_hookfunctions_swift[] = {
#embed "../GantryPlugin/HookFunctions.swift"
};
static const unsigned char sdk_host_swift[] = {
#embed "../GantryPlugin/Host.swift"
};
static const unsigned char sdk_json_parsing_swift[] = {
#embed "../GantryPlugin/JSON+Parsing.swift"
};
static const unsigned char sdk_json_refusal_swift[] = {
#embed "../GantryPlugin/JSON+Refusal.swift"
};
static const unsigned char sdk_json_serialization_swift[] = {
#embed "../GantryPlugin/JSON+Serialization.swift"
};
static const unsigned char sdk_json_swift[] = {
#embed "../GantryPlugin/JSON.swift"
};
static const unsigned char sdk_jsonerror_swift[] = {
#embed "../GantryPlugin/JSONError.swift"
};
static const unsigned char sdk_jsonnumber_swift[] = {
#embed "../GantryPlugin/JSONNumber.swift"
};
static const unsigned char sdk_jsonobject_swift[] = {
#embed "../GantryPlugin/JSONObject.swift"
};
static const unsigned char sdk_jobqueue_swift[] = {
#embed "../GantryPlugin/JobQueue.swift"
};
static const unsigned char sdk_lent_swift[] = {
#embed "../GantryPlugin/Lent.swift"
};
static const unsigned char sdk_operation_translation_swift[] = {
#embed "../GantryPlugin/Operation+Translation.swift"
};
static const unsigned char sdk_operation_swift[] = {
#embed "../GantryPlugin/Operation.swift"
};
static const unsigned char sdk_operationkind_swift[] = {
#embed "../GantryPlugin/OperationKind.swift"
};
static const unsigned char sdk_operationstate_swift[] = {
#embed "../GantryPlugin/OperationState.swift"
};
static const unsigned char sdk_plugindescription_swift[] = {
#embed "../GantryPlugin/PluginDescription.swift"
};
static const unsigned char sdk_pluginentry_swift[] = {
#embed "../GantryPlugin/PluginEntry.swift"
};
static const unsigned char sdk_reference_swift[] = {
#embed "../GantryPlugin/Reference.swift"
};
static const unsigned char sdk_relay_swift[] = {
#embed "../GantryPlugin/Relay.swift"
};
static const unsigned char sdk_sourceline_swift[] = {
#embed "../GantryPlugin/SourceLine.swift"
};

#define ROW(path, bytes) {path, bytes, sizeof bytes}

static const gantry_template_file table[] = {
    ROW("c/.gitignore", c__gitignore),
    ROW("c/Makefile", c_makefile),
    ROW("c/README.md", c_readme_md),
    ROW("c/acme.yaml", c_acme_yaml),
    ROW("c/plugin.c", c_plugin_c),
    ROW("c/plugin.h", c_plugin_h),
    ROW("c/test.sh", c_test_sh),
    ROW("c/text.c", c_text_c),
    ROW("c/exports.map", abi_exports_map),
    ROW("c/gantry_plugin.h", abi_include_gantry_plugin_h),
    ROW("rust/.gitignore", rust__gitignore),
    ROW("rust/Cargo.toml", rust_cargo_toml),
    ROW("rust/README.md", rust_readme_md),
    ROW("rust/acme.yaml", rust_acme_yaml),
    ROW("rust/build.rs", rust_build_rs),
    ROW("rust/build.sh", rust_build_sh),
    ROW("rust/rustfmt.toml", rust_rustfmt_toml),
    ROW("rust/test.sh", rust_test_sh),
    ROW("rust/src/abi.rs", rust_src_abi_rs),
    ROW("rust/src/json.rs", rust_src_json_rs),
    ROW("rust/src/lib.rs", rust_src_lib_rs),
    ROW("rust/src/operation.rs", rust_src_operation_rs),
    ROW("rust/src/target.rs", rust_src_target_rs),
    ROW("rust/gantry_plugin.h", abi_include_gantry_plugin_h),
    ROW("swift/.gitignore", swift__gitignore),
    ROW("swift/Package.swift", swift_package_swift),
    ROW("swift/README.md", swift_readme_md),
    ROW("swift/acme.yaml", swift_acme_yaml),
    ROW("swift/build.sh", swift_build_sh),
    ROW("swift/test.sh", swift_test_sh),
    ROW("swift/Sources/EntryAcme/Entry.swift", swift_entry_entry_swift),
    ROW("swift/Sources/ProviderAcme/Deployment.swift", swift_provider_deployment_swift),
    ROW("swift/Sources/ProviderAcme/ProviderAdapter.swift", swift_provider_provideradapter_swift),
    ROW("swift/Sources/ProviderAcme/Refusal.swift", swift_provider_refusal_swift),
    ROW("swift/.swift-format", swift_format),
    ROW("swift/exports.map", abi_exports_map),
    ROW("swift/SDK/CGantryPlugin/include/gantry_functions.h", abi_include_gantry_functions_h),
    ROW("swift/SDK/CGantryPlugin/layout.c", abi_layout_c),
    ROW("swift/SDK/CGantryPlugin/include/gantry_plugin.h", abi_include_gantry_plugin_h),
    ROW("swift/SDK/GantryPlugin/Adapter.swift", sdk_adapter_swift),
    ROW("swift/SDK/GantryPlugin/Commands.swift", sdk_commands_swift),
    ROW("swift/SDK/GantryPlugin/EntryPoints.swift", sdk_entrypoints_swift),
    ROW("swift/SDK/GantryPlugin/Events.swift", sdk_events_swift),
    ROW("swift/SDK/GantryPlugin/Failure.swift", sdk_failure_swift),
    ROW("swift/SDK/GantryPlugin/HTTPRequest.swift", sdk_httprequest_swift),
    ROW("swift/SDK/GantryPlugin/HTTPResponse.swift", sdk_httpresponse_swift),
    ROW("swift/SDK/GantryPlugin/HookFunctions.swift", sdk_hookfunctions_swift),
    ROW("swift/SDK/GantryPlugin/Host.swift", sdk_host_swift),
    ROW("swift/SDK/GantryPlugin/JSON+Parsing.swift", sdk_json_parsing_swift),
    ROW("swift/SDK/GantryPlugin/JSON+Refusal.swift", sdk_json_refusal_swift),
    ROW("swift/SDK/GantryPlugin/JSON+Serialization.swift", sdk_json_serialization_swift),
    ROW("swift/SDK/GantryPlugin/JSON.swift", sdk_json_swift),
    ROW("swift/SDK/GantryPlugin/JSONError.swift", sdk_jsonerror_swift),
    ROW("swift/SDK/GantryPlugin/JSONNumber.swift", sdk_jsonnumber_swift),
    ROW("swift/SDK/GantryPlugin/JSONObject.swift", sdk_jsonobject_swift),
    ROW("swift/SDK/GantryPlugin/JobQueue.swift", sdk_jobqueue_swift),
    ROW("swift/SDK/GantryPlugin/Lent.swift", sdk_lent_swift),
    ROW("swift/SDK/GantryPlugin/Operation+Translation.swift", sdk_operation_translation_swift),
    ROW("swift/SDK/GantryPlugin/Operation.swift", sdk_operation_swift),
    ROW("swift/SDK/GantryPlugin/OperationKind.swift", sdk_operationkind_swift),
    ROW("swift/SDK/GantryPlugin/OperationState.swift", sdk_operationstate_swift),
    ROW("swift/SDK/GantryPlugin/PluginDescription.swift", sdk_plugindescription_swift),
    ROW("swift/SDK/GantryPlugin/PluginEntry.swift", sdk_pluginentry_swift),
    ROW("swift/SDK/GantryPlugin/Reference.swift", sdk_reference_swift),
    ROW("swift/SDK/GantryPlugin/Relay.swift", sdk_relay_swift),
    ROW("swift/SDK/GantryPlugin/SourceLine.swift", sdk_sourceline_swift),
    {NULL, NULL, 0},
};

const gantry_template_file *gantry_templates(void) { return table; }
