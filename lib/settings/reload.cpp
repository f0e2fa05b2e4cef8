#include "settings/reload.h"

#include "settings/keys.h"

namespace espalier::settings {

std::vector<std::string_view> keys_that_need_a_restart(const Settings& before,
                                                       const Settings& after) {
    std::vector<std::string_view> names;
    for (const auto& key : keys_of<Settings>())
        if (!key.is_live && key.show(before) != key.show(after)) names.push_back(key.name);
    return names;
}

}  // namespace espalier::settings
