#include "settings/values.h"

#include <array>
#include <limits>
#include <optional>
#include <span>

#include "base/text.h"

namespace espalier::settings {
namespace {

using base::text;

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr auto kDurationUnits = std::to_array<Unit>(
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}});
constexpr std::uint64_t kDurationMax = 366ULL * 86'400'000;

// The first of each factor is the one shown.
constexpr auto kSizeUnits = std::to_array<Unit>({{"TiB", 1ULL << 40U},
                                                 {"GiB", 1ULL << 30U},
                                                 {"MiB", 1ULL << 20U},
                                                 {"KiB", 1ULL << 10U},
                                                 {"T", 1ULL << 40U},
                                                 {"G", 1ULL << 30U},
                                                 {"M", 1ULL << 20U},
                                                 {"K", 1ULL << 10U},
                                                 {"TB", 1'000'000'000'000},
                                                 {"GB", 1'000'000'000},
                                                 {"MB", 1'000'000},
                                                 {"KB", 1000},
                                                 {"B", 1},
                                                 {"", 1}});

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& rest, auto matches) {
    std::size_t end = 0;
    while (end < rest.size() && matches(rest[end])) ++end;
    const auto taken = rest.substr(0, end);
    rest.remove_prefix(end);
    return taken;
}

// "12" or "1.5", times a factor; nothing if malformed or over `max`.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t factor,
                                    std::uint64_t max) {
    const auto dot = number.find('.');
    const auto whole = base::parse_number(number.substr(0, dot));
    if (!whole || *whole > max / factor) return std::nullopt;
    std::uint64_t total = *whole * factor;
    if (dot == std::string_view::npos) return total;
    const auto fraction = number.substr(dot + 1);
    const auto tail = base::parse_number(fraction);
    if (!tail || fraction.size() > 3) return std::nullopt;
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    total += *tail * factor / scale;
    return total <= max ? std::optional(total) : std::nullopt;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name, bool any_case) {
    for (const Unit& unit : units) {
        if (unit.name == name) return &unit;
        if (any_case && base::equal_ignoring_case(unit.name, name)) return &unit;
    }
    return nullptr;
}

}  // namespace

Parsed<base::Milliseconds> parse_duration(std::string_view written) {
    const auto wrong = [&](std::string_view why) {
        return std::unexpected(
            text("`", written, "` is not a duration", why, ": write 500ms, 30s, 5m or 1h30m"));
    };
    if (written == "0") return base::Milliseconds(0);
    std::uint64_t total = 0;
    for (std::string_view rest = written; !rest.empty();) {
        const auto number = take_while(rest, [](char c) { return is_digit(c) || c == '.'; });
        const auto unit_name = take_while(rest, [](char c) { return !is_digit(c) && c != '.'; });
        if (unit_name.empty() && !number.empty()) return wrong(" (its unit is missing)");
        const Unit* unit = find_unit(kDurationUnits, unit_name, false);
        if (unit == nullptr) return wrong("");
        const auto part = scaled(number, unit->factor, kDurationMax);
        if (!part) return wrong("");
        total += *part;
        if (total > kDurationMax) return wrong(" of at most 366d");
    }
    if (written.empty()) return wrong("");
    return base::Milliseconds(static_cast<std::int64_t>(total));
}

std::string show_duration(base::Milliseconds duration) {
    auto rest = static_cast<std::uint64_t>(duration.count());
    if (rest == 0) return "0";
    std::string out;
    for (const Unit& unit : kDurationUnits) {
        if (rest < unit.factor) continue;
        base::append_text(out, rest / unit.factor);
        base::append_text(out, unit.name);
        rest %= unit.factor;
    }
    return out;
}

Parsed<std::uint64_t> parse_size(std::string_view written) {
    std::string_view rest = written;
    const auto number = take_while(rest, [](char c) { return is_digit(c) || c == '.'; });
    const Unit* unit = find_unit(kSizeUnits, base::trim(rest), true);
    const auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto bytes = unit == nullptr ? std::nullopt : scaled(number, unit->factor, max);
    if (bytes) return *bytes;
    return std::unexpected(
        text("`", written, "` is not a size: write bytes (8388608) or 8MiB, 8MB, 8k"));
}

std::string show_size(std::uint64_t bytes) {
    for (const Unit& unit : kSizeUnits) {
        if (bytes != 0 && bytes % unit.factor == 0) {
            return text(bytes / unit.factor, unit.factor == 1 ? "" : unit.name);
        }
    }
    return "0";
}

Parsed<int> parse_count(std::string_view written) {
    const bool negative = written.starts_with('-');
    const auto digits = base::parse_number(negative ? written.substr(1) : written);
    if (digits && *digits <= std::numeric_limits<int>::max()) {
        return negative ? -static_cast<int>(*digits) : static_cast<int>(*digits);
    }
    return std::unexpected(text("`", written, "` is not a whole number"));
}

Parsed<bool> parse_flag(std::string_view written) {
    for (const auto* word : {"true", "yes", "on"}) {
        if (base::equal_ignoring_case(word, written)) return true;
    }
    for (const auto* word : {"false", "no", "off"}) {
        if (base::equal_ignoring_case(word, written)) return false;
    }
    return std::unexpected(text("`", written, "` is neither true nor false"));
}

}  // namespace espalier::settings
