// JsonItems cuts a JSON array that arrives in pieces into its items, so that a long list is
// never in memory as a whole.
//
// It finds where items begin and end; whether each of them is valid JSON, its reader finds out.
// Limits: an item above `item_bytes_max` is passed over.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace espalier::protocol {

class JsonItems {
public:
    explicit JsonItems(std::size_t item_bytes_max) : item_bytes_max_(item_bytes_max) {}

    // Calls `on_item` with every item that ends in these bytes; its view is valid until it
    // returns. false: this is no array, and more bytes are of no use.
    bool push(std::string_view bytes, const std::function<void(std::string_view)>& on_item);
    // Whether the array has been closed.
    bool complete() const { return place_ == Place::behind; }
    std::uint64_t passed_over() const { return passed_over_; }

private:
    enum class Place : std::uint8_t { before, inside, behind, broken };

    void take(char c, const std::function<void(std::string_view)>& on_item);
    void take_inside(char c, const std::function<void(std::string_view)>& on_item);
    void keep(char c);
    void end_item(const std::function<void(std::string_view)>& on_item);

    std::size_t item_bytes_max_;
    Place place_ = Place::before;
    std::string item_;  // so far, without leading space
    bool too_long_ = false;
    std::size_t depth_ = 0;  // of arrays and objects within the item
    bool in_string_ = false;
    bool escaped_ = false;
    std::uint64_t passed_over_ = 0;
};

}  // namespace espalier::protocol
