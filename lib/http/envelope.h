// An Envelope is what every answer carries besides its own: Server, Date, CORS, X-Request-Id
// and, where it must be said, Connection.
//
// Threads: one Envelope per thread; RequestIds may be shared.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/reply.h"

namespace espalier::http {

// Sixteen hex digits each: a counter, scrambled with a random seed.
class RequestIds {
public:
    RequestIds();
    void next(char (&digits)[16]);
    std::string next();

private:
    const std::uint64_t seed_;
    std::atomic<std::uint64_t> count_{0};
};

class Envelope {
public:
    Envelope(std::string_view server_name, RequestIds& ids);

    // Says the time, seconds since 1970; the Date is rewritten only when it changed.
    void tick(std::int64_t unix_now);
    // Status line and the common fields.
    void open(std::string& out, int status, std::string_view id) const;
    void open(std::string& out, int status);
    // What open() chose last.
    std::string_view last_id() const { return {last_id_, sizeof last_id_}; }

private:
    const std::string server_name_;
    RequestIds& ids_;
    std::int64_t now_ = -1;
    char last_id_[16] = {};
    std::string block_;  // from after the status to "X-Request-Id: "
};

// "Access-Control-Allow-Origin: *" and Access-Control-Expose-Headers, as lines.
std::string_view cors_block();
void append_status_line(std::string& out, int status);
void append_persistence(std::string& out, Persistence persistence);

}  // namespace espalier::http
