// Uploaders counts what each key has uploaded since the start, for the operator's eyes.
//
// Threads: any. Limits: `keys_max` keys; who comes when it is full is counted nowhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"

namespace espalier::dashboard {

struct Uploader {
    std::string pubkey;  // hex
    std::uint64_t uploads = 0, bytes = 0;
};

class Uploaders {
public:
    explicit Uploaders(std::size_t keys_max = 10'000) : keys_max_(keys_max) {}

    void count(std::string_view pubkey, std::uint64_t bytes);
    // Those with the most bytes, at most `limit`.
    std::vector<Uploader> top(std::size_t limit) const;

private:
    const std::size_t keys_max_;
    base::Guarded<std::unordered_map<std::string, Uploader>> by_key_;
};

}  // namespace espalier::dashboard
