// An Easy is one curl easy handle: it is prepared for an Exchange, used by the loop's multi
// handle, cleared, and used again; its warm connections belong to the multi handle.
//
// Threads: the engine's only.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "engine/exchange.h"

struct curl_slist;  // NOLINT(readability-identifier-naming): curl's name

namespace espalier::engine {

class Easy {
public:
    Easy();
    ~Easy();
    Easy(const Easy&) = delete;
    Easy& operator=(const Easy&) = delete;

    // Requires: new or cleared, and not in a multi handle; the exchange and the loop outlive
    // the use.
    void prepare(Exchange& exchange, Loop& loop, const Engine::Options& options);
    void clear();
    void pause(Exchange::Pauses pauses);
    // From now on; the buffers are chosen by prepare().
    void limit(Exchange::Speed speed);
    // Of an exchange whose speed is limited: curl sends a whole one at once, and receives up to a
    // hundred.
    static constexpr std::size_t kLimitedBufferBytes = 16UL * 1024;
    static constexpr std::size_t kLimitedBurstBytes = 100 * kLimitedBufferBytes;

    // A CURL*, which is a void* by definition.
    void* handle() const { return handle_; }
    std::uint64_t bytes_uploaded() const;
    const char* detail() const { return detail_.data(); }

private:
    void set_common(const Engine::Options& options);
    void set_guards(Exchange& exchange, Loop& loop);
    void set_target(const Exchange& exchange);
    void set_method(Exchange& exchange, const Engine::Options& options);
    void set_upload(Exchange& exchange, const Engine::Options& options);
    void set_headers(const Exchange& exchange, const Engine::Options& options);
    void set_answer(Exchange& exchange);
    void add_header(const std::string& line);
    void free_lists();

    void* const handle_;
    curl_slist* headers_ = nullptr;
    curl_slist* connect_to_ = nullptr;
    std::array<char, 256> detail_{};  // CURL_ERROR_SIZE
};

}  // namespace espalier::engine
