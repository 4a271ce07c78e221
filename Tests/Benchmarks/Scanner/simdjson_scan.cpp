#include <simdjson.h>

#include <string_view>

// A C header: its names have to stay unmangled.
extern "C" {
#include "simdjson_scan.h"
}

namespace ondemand = simdjson::ondemand;

struct simdjson_scanner {
    ondemand::parser on_demand;
    simdjson::dom::parser tree;
};

namespace {

// One walk over one request. Faults are thrown, which costs nothing while there are none.
class walk {
public:
    walk(const uint8_t *base, simdjson_scan &scan) : base_(reinterpret_cast<const char *>(base)), scan_(scan) {}

    void request(ondemand::object object) {
        for (ondemand::field field : object) {
            const ondemand::raw_json_string name = field.key();
            ondemand::value value = field.value();
            if (name == "model") {
                const std::string_view token = value.raw_json_token();
                scan_.model_start = static_cast<size_t>(token.data() - base_);
                const std::string_view text = value.get_string();
                scan_.model_end = scan_.model_start + text.size() + 2;
            } else if (name == "stream") {
                scan_.stream = value.get_bool();
            } else {
                member(name, value);
            }
        }
    }

private:
    // The names are those that the scanner looks for at any depth.
    void member(ondemand::raw_json_string name, ondemand::value value) {
        bool names_file = false;
        // The first letter rules most names out.
        switch (name.raw()[0]) {
        case 'f': names_file = name == "file_id" || name == "file_ids" || name == "file_url" || name == "file_data"; break;
        case 'i': names_file = name == "image_url"; break;
        case 'v': names_file = name == "video_url"; break;
        case 'a': names_file = name == "audio_url"; break;
        default: break;
        }
        any(value, names_file);
    }

    void any(ondemand::value value, bool names_file) {
        switch (value.type()) {
        case ondemand::json_type::object:
            for (ondemand::field field : value.get_object()) {
                const ondemand::raw_json_string name = field.key();
                if (names_file && name == "url") {
                    any(field.value(), true);
                } else {
                    member(name, field.value());
                }
            }
            break;
        case ondemand::json_type::array:
            for (ondemand::value element : value.get_array()) any(element, names_file);
            break;
        case ondemand::json_type::string:
            if (names_file) note(value);
            break;
        default:
            break;
        }
    }

    void note(ondemand::value value) {
        const std::string_view token = value.raw_json_token();
        if (token.size() > 5 && token.substr(1, 5) == "data:") return;
        scan_.ids += 1;
        scan_.id_offsets += static_cast<uint64_t>(token.data() - base_);
        // The text has to be known, as it is looked up.
        const std::string_view text = value.get_string();
        if (text.empty()) scan_.ids -= 1;
    }

    const char *base_;
    simdjson_scan &scan_;
};

} // namespace

simdjson_scanner *simdjson_scanner_new(void) { return new simdjson_scanner(); }

void simdjson_scanner_free(simdjson_scanner *scanner) { delete scanner; }

bool simdjson_scan_on_demand(simdjson_scanner *scanner, const uint8_t *bytes, size_t length, simdjson_scan *scan) {
    *scan = simdjson_scan();
    try {
        ondemand::document document =
            scanner->on_demand.iterate(simdjson::padded_string_view(bytes, length, length + simdjson::SIMDJSON_PADDING));
        walk(bytes, *scan).request(document.get_object());
        return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    } catch (const simdjson::simdjson_error &) {
        return false;
    }
}

bool simdjson_parse_tree(simdjson_scanner *scanner, const uint8_t *bytes, size_t length) {
    return scanner->tree.parse(bytes, length, false).error() == simdjson::SUCCESS;
}

size_t simdjson_padding(void) { return simdjson::SIMDJSON_PADDING; }

const char *simdjson_instructions(void) {
    return SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION);
}

const char *simdjson_version(void) { return SIMDJSON_STRINGIFY(SIMDJSON_VERSION); }
