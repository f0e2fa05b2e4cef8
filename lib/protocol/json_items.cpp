#include "protocol/json_items.h"

namespace espalier::protocol {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

bool JsonItems::push(std::string_view bytes, const std::function<void(std::string_view)>& on_item) {
    for (const char c : bytes) take(c, on_item);
    return place_ != Place::broken;
}

void JsonItems::take(char c, const std::function<void(std::string_view)>& on_item) {
    if (place_ == Place::inside) return take_inside(c, on_item);
    if (is_space(c) || place_ == Place::broken) return;
    place_ = place_ == Place::before && c == '[' ? Place::inside : Place::broken;
}

void JsonItems::take_inside(char c, const std::function<void(std::string_view)>& on_item) {
    if (in_string_) {
        if (escaped_)
            escaped_ = false;
        else if (c == '\\')
            escaped_ = true;
        else if (c == '"')
            in_string_ = false;
        return keep(c);
    }
    if (depth_ == 0 && (c == ',' || c == ']')) {
        end_item(on_item);
        if (c == ']') place_ = Place::behind;
        return;
    }
    if (item_.empty() && is_space(c)) return;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0) --depth_;
    keep(c);
}

void JsonItems::keep(char c) {
    if (item_.size() >= item_bytes_max_) too_long_ = true;
    if (!too_long_) item_.push_back(c);
}

void JsonItems::end_item(const std::function<void(std::string_view)>& on_item) {
    if (too_long_)
        ++passed_over_;
    else if (!item_.empty())
        on_item(item_);
    item_.clear();
    too_long_ = false;
}

}  // namespace espalier::protocol
