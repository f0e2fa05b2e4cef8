// A Rate is a limit in bytes a second that several exchanges share evenly: who begins or ends one
// changes what is left for the others.
//
// It counts what is sent and what is received each by itself, over some seconds: each exchange may
// receive its first 1.6 MB faster.
//
// Threads: made anywhere; its members are the engine's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace espalier::engine {

class Exchange;

class Rate {
public:
    // 0: no limit.
    Rate(std::uint64_t up_max, std::uint64_t down_max) : up_max_(up_max), down_max_(down_max) {}

private:
    friend class Loop;
    std::uint64_t share(std::uint64_t all) const {
        return all == 0 ? 0 : std::max<std::uint64_t>(all / users_.size(), 1);
    }

    const std::uint64_t up_max_, down_max_;
    std::vector<Exchange*> users_ = {};
};

}  // namespace espalier::engine
