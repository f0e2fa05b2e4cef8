// Headers are an HTTP message's header fields in order of arrival; names compare without
// regard to ASCII case (RFC 9110 section 5.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::base {

struct Header {
    std::string name;
    std::string value;
};

class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> fields) : fields_(fields) {}

    void add(std::string_view name, std::string_view value);
    // Replaces every field of this name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    // The first value of this name, or nothing. Valid until the Headers change.
    std::optional<std::string_view> get(std::string_view name) const;
    // Like get(), "" when absent.
    std::string_view value(std::string_view name) const { return get(name).value_or(""); }
    bool has(std::string_view name) const { return get(name).has_value(); }
    std::size_t count(std::string_view name) const;

    bool empty() const { return fields_.empty(); }
    std::size_t size() const { return fields_.size(); }
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }

private:
    std::vector<Header> fields_;
};

}  // namespace espalier::base
