#include "protocol/verb.h"

namespace espalier::protocol {

std::string_view name_of(Verb verb) {
    switch (verb) {
        case Verb::get:
            return "get";
        case Verb::upload:
            return "upload";
        case Verb::list:
            return "list";
        case Verb::delete_:
            return "delete";
        case Verb::media:
            return "media";
    }
    return "get";
}

std::optional<Verb> verb_of(std::string_view name) {
    for (const auto verb : {Verb::get, Verb::upload, Verb::list, Verb::delete_, Verb::media})
        if (name_of(verb) == name) return verb;
    return std::nullopt;
}

}  // namespace espalier::protocol
