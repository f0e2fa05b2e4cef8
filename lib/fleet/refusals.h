// Refusals are the rules that an upstream has shown by refusing uploads: bodies from some size on
// (413), media types (415). A rule is believed for a while, and no longer once the upstream takes
// what it refused before.
//
// Threads: their owner guards them. Limit: kTypesMax types; the one that would be forgotten first
// makes room.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace espalier::fleet {

class Refusals {
public:
    static constexpr std::size_t kTypesMax = 64;
    using Time = base::Steady::time_point;

    // What is known at one moment, as a value.
    struct Known {
        std::optional<std::uint64_t> bytes_from;
        std::vector<std::string> types;  // "image/png"

        friend bool operator==(const Known&, const Known&) = default;
    };

    void refused_size(std::uint64_t bytes, Time now, base::Milliseconds ttl);
    void refused_type(std::string_view type, Time now, base::Milliseconds ttl);
    void accepted(std::uint64_t bytes, std::string_view type);

    bool covers_size(std::uint64_t bytes, Time now) const;
    bool covers_type(std::string_view type, Time now) const;
    Known known(Time now) const;

private:
    struct Size {
        std::uint64_t bytes_from;
        Time until;
    };
    std::optional<Size> size_;
    std::map<std::string, Time, std::less<>> types_;  // until when
};

}  // namespace espalier::fleet
