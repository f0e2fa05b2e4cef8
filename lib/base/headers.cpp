#include "base/headers.h"

#include <algorithm>

#include "base/text.h"

namespace espalier::base {
namespace {

auto named(std::string_view name) {
    return [name](const Header& field) { return equal_ignoring_case(field.name, name); };
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
    fields_.push_back({std::string(name), std::string(value)});
}

void Headers::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_, named(name));
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    const auto found = std::ranges::find_if(fields_, named(name));
    if (found == fields_.end()) return std::nullopt;
    return found->value;
}

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count_if(fields_, named(name)));
}

}  // namespace espalier::base
